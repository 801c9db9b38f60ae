// What a request to the node API asks for, parsed once.
import type { StreamOptions } from '../runtime/runtime.ts';

export type NodeAction =
  | 'logs'
  | 'exec'
  | 'attach'
  | 'portForward'
  | 'run'
  | 'pods'
  | 'runningPods'
  | 'stats'
  | 'metrics'
  | 'cadvisor'
  | 'resourceMetrics'
  | 'probeMetrics'
  | 'indicators'
  | 'healthz'
  | 'configz'
  | 'statusz'
  | 'flagz'
  | 'nodeLogs'
  | 'checkpoint'
  | 'localVolumes';

export interface NodeRequest {
  readonly action: NodeAction;
  readonly namespace: string;
  readonly pod: string;
  /** A volume's name; '' where the path names none. */
  readonly volume: string;
  /** What comes after /logs/ or /healthz/. */
  readonly rest: string;
  /** '' when the path names a pod alone. */
  readonly podUid: string;
  readonly container: string;
  readonly query: URLSearchParams;
}

const plain: Record<string, NodeAction> = {
  '/pods': 'pods',
  '/runningpods': 'runningPods',
  '/stats/summary': 'stats',
  '/metrics': 'metrics',
  '/metrics/cadvisor': 'cadvisor',
  '/metrics/resource': 'resourceMetrics',
  '/metrics/probes': 'probeMetrics',
  '/metrics/slis': 'indicators',
  '/configz': 'configz',
  '/statusz': 'statusz',
  '/flagz': 'flagz',
};

const perContainer: Record<string, NodeAction> = {
  containerLogs: 'logs',
  exec: 'exec',
  attach: 'attach',
  run: 'run',
  checkpoint: 'checkpoint',
};

/** Undefined when there is no such path. */
export function parseNodeRequest(target: string): NodeRequest | undefined {
  const url = new URL(target, 'https://node');
  let parts: string[];
  try {
    parts = url.pathname.split('/').slice(1).map(decodeURIComponent);
  } catch {
    return undefined;
  }
  const base = { namespace: '', pod: '', podUid: '', container: '', volume: '', rest: '', query: url.searchParams };
  const action = plain[url.pathname.replace(/(?<=.)\/$/, '')];
  if (action) return { ...base, action };
  if (parts[0] === 'logs') return { ...base, action: 'nodeLogs', rest: parts.slice(1).join('/') };
  if (parts[0] === 'healthz' && parts.length <= 2) return { ...base, action: 'healthz', rest: parts[1] ?? '' };
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
