// What a request to the node API asks for, parsed once; and as what it is authorized.
import type { StreamOptions } from '../runtime/runtime.ts';

export type NodeAction =
  | 'logs'
  | 'exec'
  | 'attach'
  | 'portForward'
  | 'run'
  | 'pods'
  | 'stats'
  | 'metrics'
  | 'healthz'
  | 'configz'
  | 'localVolumes';

export interface NodeRequest {
  readonly action: NodeAction;
  readonly namespace: string;
  readonly pod: string;
  /** A volume's name; '' where the path names none. */
  readonly volume: string;
  /** '' when the path names a pod alone. */
  readonly podUid: string;
  readonly container: string;
  readonly query: URLSearchParams;
}

/** For the authorizer: each streaming action has a subresource of its own. */
export const subresources: Record<NodeAction, string> = {
  logs: 'log',
  exec: 'exec',
  attach: 'attach',
  portForward: 'portforward',
  run: 'exec',
  pods: 'pods',
  stats: 'stats',
  metrics: 'metrics',
  healthz: 'healthz',
  configz: 'configz',
  localVolumes: 'localvolumes',
};

const plain: Record<string, NodeAction> = {
  '/healthz': 'healthz',
  '/healthz/ping': 'healthz',
  '/pods': 'pods',
  '/runningpods': 'pods',
  '/stats/summary': 'stats',
  '/metrics': 'metrics',
  '/configz': 'configz',
};

const perContainer: Record<string, NodeAction> = { containerLogs: 'logs', exec: 'exec', attach: 'attach', run: 'run' };

/** Undefined when there is no such path. */
export function parseNodeRequest(target: string): NodeRequest | undefined {
  const url = new URL(target, 'https://node');
  const parts = url.pathname.split('/').slice(1).map(decodeURIComponent);
  const base = { namespace: '', pod: '', podUid: '', container: '', volume: '', query: url.searchParams };
  const action = plain[url.pathname.replace(/(?<=.)\/$/, '')];
  if (action) return { ...base, action };
  if (parts.some((part) => part === '' || part === '.' || part === '..')) return undefined;
  const [kind = '', namespace = '', pod = '', ...rest] = parts;
  if (kind === 'localVolumes' && namespace && !pod) return { ...base, action: 'localVolumes', volume: namespace };
  if (!pod) return undefined;
  if (kind === 'portForward' && rest.length <= 1)
    return { ...base, action: 'portForward', namespace, pod, podUid: rest[0] ?? '' };
  const streaming = perContainer[kind];
  if (!streaming || rest.length < 1 || rest.length > 2) return undefined;
  return {
    ...base,
    action: streaming,
    namespace,
    pod,
    container: rest.at(-1)!,
    podUid: rest.length === 2 ? rest[0]! : '',
  };
}

/** The API server names them input, output, error; people, as in its own API. */
export function streamOptions(query: URLSearchParams): StreamOptions {
  const flag = (...names: string[]): boolean => names.some((name) => ['1', 'true'].includes(query.get(name) ?? ''));
  const tty = flag('tty');
  return {
    stdin: flag('input', 'stdin'),
    stdout: flag('output', 'stdout'),
    stderr: flag('error', 'stderr') && !tty,
    tty,
  };
}

export function command(query: URLSearchParams): string[] {
  return query.getAll('command');
}
