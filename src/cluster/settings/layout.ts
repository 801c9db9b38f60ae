// Where a cluster keeps what it owns. Everything is below the data directory but the slot reservation (slots.ts).
import { homedir } from 'node:os';
import { join, resolve } from 'node:path';

export const defaultClusterName = 'coracle';

/** Names that are safe in paths, interface names, table names and cgroups. */
export const clusterNamePattern = /^[a-z0-9]([a-z0-9-]{0,30}[a-z0-9])?$/;

export interface Layout {
  readonly name: string;
  readonly dataDir: string;
  readonly store: string;
  readonly pki: string;
  /** Written by `up`; what `coracle kubeconfig` prints. */
  readonly kubeconfig: string;
  readonly logs: string;
  readonly node: string;
  readonly containerd: string;
  /** A folder for each further node. */
  readonly nodes: string;
  /** Ports and ranges, fixed when the cluster is made. */
  readonly settings: string;
  /** What runs now: pids, addresses. Gone when the cluster is down. */
  readonly state: string;
}

const isRoot = () => process.getuid?.() === 0;

/** `/var/lib/coracle` for root, `~/.local/share/coracle` otherwise; `-NAME` behind it for clusters with a name. */
export function defaultDataDir(name: string): string {
  const share = process.env['XDG_DATA_HOME'] ?? join(homedir(), '.local/share');
  const base = isRoot() ? '/var/lib/coracle' : join(share, 'coracle');
  return name === defaultClusterName ? base : `${base}-${name}`;
}

export function layoutOf(name: string, dataDir = defaultDataDir(name)): Layout {
  const root = resolve(dataDir);
  return {
    name,
    dataDir: root,
    store: join(root, 'store'),
    pki: join(root, 'pki'),
    kubeconfig: join(root, 'kubeconfig'),
    logs: join(root, 'logs'),
    node: join(root, 'node'),
    containerd: join(root, 'containerd'),
    nodes: join(root, 'nodes'),
    settings: join(root, 'cluster.json'),
    state: join(root, 'state.json'),
  };
}

/** The context in the user's kubeconfig. */
export function contextName(name: string): string {
  return name === defaultClusterName ? 'coracle' : `coracle-${name}`;
}
