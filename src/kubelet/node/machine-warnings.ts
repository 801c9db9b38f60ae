// What a node says of its machine once, when its agent starts.
import { readFile } from 'node:fs/promises';
import type { Node } from '../../../generated/core-v1.ts';
import type { CgroupTree } from '../cgroups/cgroup-tree.ts';
import type { NodeEvents } from '../events.ts';
import { longestSearch, longestSearchLine, mostSearches, parseResolvConf } from '../pods/dns-config.ts';

const cgroupV1 =
  'cgroup v1 detected. cgroup v1 support is deprecated and will be removed in a future release. Please migrate to cgroup v2. More information at https://git.k8s.io/enhancements/keps/sig-node/5573-remove-cgroup-v1';

/** Names that pods get before the machine's own. */
const clusterSearches = 3;

export interface MachineSetup {
  readonly cgroups: Pick<CgroupTree, 'version'>;
  /** Path; '' is none. */
  readonly resolvConf: string;
  readonly clusterDomain: string;
}

export async function tellMachineWarnings(
  machine: MachineSetup,
  events: NodeEvents,
  node: Pick<Node, 'metadata'>,
): Promise<void> {
  if (machine.cgroups.version === 1) events.node(node, 'Warning', 'CgroupV1', cgroupV1);
  const problem = machine.resolvConf && (await resolvConfProblem(machine.resolvConf, machine.clusterDomain));
  if (problem) events.node(node, 'Warning', 'CheckLimitsForResolvConf', problem);
}

/** What pods will not get of it all, or why it can not be read. */
export async function resolvConfProblem(path: string, clusterDomain: string): Promise<string | undefined> {
  const text = await readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => error);
  if (text instanceof Error)
    return `open ${path}: ${text.code === 'ENOENT' ? 'no such file or directory' : text.message}`;
  const { searches } = parseResolvConf(text);
  const most = mostSearches - (clusterDomain ? clusterSearches : 0);
  if (searches.length > most)
    return `Resolv.conf file '${path}' contains search line consisting of more than ${most} domains!`;
  if (searches.some(({ length }) => length > longestSearch))
    return `Resolv.conf file ${JSON.stringify(path)} contains a search path which length is more than allowed ${longestSearch} chars!`;
  if (searches.join(' ').length > longestSearchLine)
    return `Resolv.conf file '${path}' contains search line which length is more than allowed ${longestSearchLine} chars!`;
  return undefined;
}
