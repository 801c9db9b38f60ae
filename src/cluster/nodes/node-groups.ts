// Node groups as people write them: `small=0:5:2:4Gi` on the command line, or a YAML file that can say more.
import { existsSync, readFileSync } from 'node:fs';
import { Quantity } from '../../api/meta/quantity.ts';
import { parseYaml } from '../../base/yaml.ts';
import {
  type AutoscalerTimes,
  defaultTimes,
  type Expander,
  type NodeAutoscalerConfig,
  type NodeGroupConfig,
} from '../../controllers/node-autoscaler/config.ts';
import { parseDuration } from '../../schema/time.ts';

const expanders: readonly Expander[] = ['least-waste', 'random', 'priority', 'most-pods'];
const namePattern = /^[a-z0-9]([-a-z0-9]{0,38}[a-z0-9])?$/;
const mostNodes = 10_000;

/** @throws Error with what is wrong */
export function readNodeGroups(text: string): NodeAutoscalerConfig {
  return checked(existsSync(text) ? fromFile(text) : { groups: text.split(',').map(fromText) });
}

/** `NAME=MIN:MAX:CPU:MEMORY` */
function fromText(text: string): NodeGroupConfig {
  const match = /^([^=]+)=(\d+):(\d+)(?::([^:]+):([^:]+))?$/.exec(text);
  if (!match) throw new Error(`"${text}" is neither a file nor NAME=MIN:MAX:CPU:MEMORY`);
  const [, name = '', min, max, cpu = '4', memory = '16Gi'] = match;
  return { name, min: Number(min), max: Number(max), resources: { cpu, memory } };
}

interface GroupsFile {
  readonly expander?: Expander;
  readonly scaleDownUtilizationThreshold?: number;
  readonly groups?: readonly NodeGroupConfig[];
}

function fromFile(path: string): NodeAutoscalerConfig {
  const read = parseYaml(readFileSync(path, 'utf8')) as GroupsFile & Record<string, unknown>;
  const { expander, scaleDownUtilizationThreshold, groups = [], ...rest } = read ?? {};
  const times: Record<string, number> = {};
  for (const [name, value] of Object.entries(rest)) {
    if (!Object.hasOwn(defaultTimes, name)) throw new Error(`${path}: ${name} is not known`);
    times[name] = Number(parseDuration(String(value)) / 1_000_000n);
  }
  return {
    groups,
    ...(expander === undefined ? {} : { expander }),
    ...(scaleDownUtilizationThreshold === undefined ? {} : { scaleDownUtilizationThreshold }),
    ...(Object.keys(times).length > 0 ? { times: times as AutoscalerTimes } : {}),
  };
}

function checked(config: NodeAutoscalerConfig): NodeAutoscalerConfig {
  if (config.expander !== undefined && !expanders.includes(config.expander))
    throw new Error(`expander: must be one of ${expanders.join(', ')}`);
  const names = new Set<string>();
  for (const group of config.groups) {
    const { name, min, max, resources } = group;
    if (typeof name !== 'string' || !namePattern.test(name))
      throw new Error(`"${name}" is no name for a group of nodes`);
    if (names.has(name)) throw new Error(`there are two groups "${name}"`);
    names.add(name);
    const isRange = Number.isInteger(min) && Number.isInteger(max) && min >= 0 && max >= min && max <= mostNodes;
    if (!isRange) throw new Error(`${name}: sizes must be 0 <= min <= max <= ${mostNodes}, got ${min} and ${max}`);
    for (const [resource, amount] of Object.entries(resources ?? {})) {
      try {
        Quantity.parse(String(amount));
      } catch {
        throw new Error(`${name}: ${resource}: "${amount}" is no quantity`);
      }
    }
  }
  if (names.size === 0) throw new Error('no groups are named');
  const withText = ({ resources = {}, ...group }: NodeGroupConfig): NodeGroupConfig => ({
    ...group,
    resources: Object.fromEntries(Object.entries(resources).map(([name, amount]) => [name, String(amount)])),
  });
  return { ...config, groups: config.groups.map(withText) };
}
