// The ConfigMap `kube-system/simulation`: rules for pods and nodes. Whatever is wrong in it is said, and nothing of it used.
import { parseYaml } from '../../base/yaml.ts';
import { type Glob, globOf } from './glob.ts';
import { type SettingName, settingNames } from './setting-names.ts';
import { readCourse, readQuantity, readRange, readWeighted } from './values.ts';

export const simulationKey = { namespace: 'kube-system', name: 'simulation' } as const;
export const simulationFile = 'simulation.yaml';

export interface PodRule {
  /** All that is there must fit; patterns with `*` and `?`. */
  readonly match: {
    readonly namespace?: Glob;
    readonly pod?: Glob;
    readonly node?: Glob;
    readonly container?: Glob;
    readonly labels?: Readonly<Record<string, string>>;
  };
  readonly settings: ReadonlyMap<SettingName, string>;
}

export interface NodeRule {
  readonly match?: Glob;
  readonly cpuCount?: number;
  readonly memoryBytes?: number;
  readonly maxPods?: number;
  readonly labels: Readonly<Record<string, string>>;
  /** Dealt out in turn. */
  readonly zones: readonly string[];
  readonly region?: string;
}

export interface SimulationProgram {
  readonly seed: number;
  readonly pods: readonly PodRule[];
  readonly nodes: readonly NodeRule[];
}

export const emptyProgram: SimulationProgram = { seed: 1, pods: [], nodes: [] };

const maxRules = 1_000;

/** @throws Error that names the place and what is wrong there */
export function parseProgram(text: string): SimulationProgram {
  const root = fieldsOf(parseYaml(text) ?? {}, '', ['seed', 'pods', 'nodes']);
  const seed = root['seed'] ?? 1;
  if (typeof seed !== 'number' || !Number.isInteger(seed)) throw new Error('seed: must be a whole number');
  return {
    seed,
    pods: listOf(root['pods'], 'pods').map((rule, index) => podRule(rule, `pods[${index}]`)),
    nodes: listOf(root['nodes'], 'nodes').map((rule, index) => nodeRule(rule, `nodes[${index}]`)),
  };
}

function podRule(value: unknown, path: string): PodRule {
  const { match, ...rest } = fieldsOf(value, path, ['match', ...settingNames]);
  const wanted = fieldsOf(match ?? {}, `${path}.match`, ['namespace', 'pod', 'node', 'container', 'labels']);
  const settings = new Map<SettingName, string>();
  for (const [name, each] of Object.entries(rest) as [SettingName, unknown][]) {
    const setting = textOf(each, `${path}.${name}`);
    if (!isReadable(name, setting)) throw new Error(`${path}.${name}: "${setting}" cannot be read`);
    settings.set(name, setting);
  }
  const pattern = (name: string) =>
    wanted[name] === undefined ? {} : { [name]: globOf(textOf(wanted[name], `${path}.match.${name}`)) };
  return {
    match: {
      ...pattern('namespace'),
      ...pattern('pod'),
      ...pattern('node'),
      ...pattern('container'),
      ...(wanted['labels'] === undefined ? {} : { labels: textsOf(wanted['labels'], `${path}.match.labels`) }),
    },
    settings,
  };
}

function nodeRule(value: unknown, path: string): NodeRule {
  const names = ['match', 'cpu', 'memory', 'pods', 'labels', 'zones', 'region'];
  const fields = fieldsOf(value, path, names);
  const amount = (name: string) => {
    if (fields[name] === undefined) return undefined;
    const found = readQuantity(textOf(fields[name], `${path}.${name}`));
    if (!(found > 0)) throw new Error(`${path}.${name}: must be a quantity above zero`);
    return found;
  };
  const [cpuCount, memoryBytes, maxPods] = [amount('cpu'), amount('memory'), amount('pods')];
  return {
    ...(fields['match'] === undefined ? {} : { match: globOf(textOf(fields['match'], `${path}.match`)) }),
    ...(cpuCount === undefined ? {} : { cpuCount }),
    ...(memoryBytes === undefined ? {} : { memoryBytes }),
    ...(maxPods === undefined ? {} : { maxPods }),
    labels: textsOf(fields['labels'] ?? {}, `${path}.labels`),
    zones: listOf(fields['zones'], `${path}.zones`).map((zone, index) => textOf(zone, `${path}.zones[${index}]`)),
    ...(fields['region'] === undefined ? {} : { region: textOf(fields['region'], `${path}.region`) }),
  };
}

function isReadable(name: SettingName, text: string): boolean {
  const draw = () => 0.5;
  if (name === 'cpu' || name === 'memory') return readCourse(text, 0, draw) >= 0;
  if (name === 'exit-code') return readWeighted(text, draw) >= 0;
  const value = readRange(text, draw);
  return value >= 0 && (name !== 'failure-rate' || value <= 1);
}

function fieldsOf(value: unknown, path: string, known: readonly string[]): Record<string, unknown> {
  const at = path || 'the simulation';
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw new Error(`${at}: must be a mapping`);
  for (const name of Object.keys(value))
    if (!known.includes(name))
      throw new Error(`${path ? `${path}.` : ''}${name}: unknown; known are ${known.join(', ')}`);
  return value as Record<string, unknown>;
}

function listOf(value: unknown, path: string): unknown[] {
  if (value === undefined || value === null) return [];
  if (!Array.isArray(value)) throw new Error(`${path}: must be a list`);
  if (value.length > maxRules) throw new Error(`${path}: must have at most ${maxRules} entries`);
  return value;
}

function textOf(value: unknown, path: string): string {
  if (typeof value === 'string' || typeof value === 'number') return String(value);
  throw new Error(`${path}: must be a string or a number`);
}

function textsOf(value: unknown, path: string): Record<string, string> {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw new Error(`${path}: must be a mapping`);
  return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, textOf(each, `${path}.${key}`)]));
}
