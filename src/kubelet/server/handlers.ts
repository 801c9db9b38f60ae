// What answers each path of the node API that needs no upgrade.
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Pod } from '../../../generated/core-v1.ts';
import type { Machine } from '../node/node-facts.ts';
import type { PodServices } from '../pods/pod-services.ts';
import type { LocalVolumes } from '../volumes/local-volumes.ts';
import { healthChecks, serveHealth, serveIndicators, servePage } from './about.ts';
import { findPod, NodeApiError, runningContainer } from './find-container.ts';
import { contentType } from './metrics/exposition.ts';
import type { NodeFigures } from './metrics/node-figures.ts';
import { command, type NodeAction, type NodeRequest } from './node-request.ts';
import { runningPods } from './running-pods.ts';
import { serveLogs } from './serve-logs.ts';
import type { FolderSizes } from './stats/file-system.ts';
import type { NodeReader } from './stats/node-reading.ts';
import type { Summary } from './stats/summary.ts';

/** What is served. */
export interface ServedNode {
  readonly nodeName: string;
  readonly nodeDir: string;
  readonly services: PodServices;
  readonly pods: () => readonly Pod[];
  /** Those of which something may run. */
  readonly activePods: () => readonly Pod[];
  readonly logDir: string;
  readonly localVolumes: LocalVolumes;
  readonly machine: Machine;
  /** `/coracle/kubepods`. */
  readonly podsGroup: string;
  readonly figures: NodeFigures;
  /** A KubeletConfiguration in upstream's form. */
  readonly configuration: Readonly<Record<string, unknown>>;
}

export interface ServedParts extends ServedNode {
  readonly reader: NodeReader;
  readonly folders: FolderSizes;
  readonly startedMs: number;
}

export type Handler = (
  node: ServedParts,
  request: NodeRequest,
  response: ServerResponse,
  signal: AbortSignal,
) => Promise<void> | void;

const json = (response: ServerResponse, body: unknown): void => {
  response.writeHead(200, { 'content-type': 'application/json' });
  response.end(JSON.stringify(body));
};

const metricsText = (response: ServerResponse, text: string): void => {
  response.writeHead(200, { 'content-type': contentType });
  response.end(text);
};

const isTrue = (query: URLSearchParams, name: string): boolean => ['true', '1'].includes(query.get(name) ?? '');

/** The methods of each path; GET alone where it is not here. */
export const methods: Partial<Record<NodeAction, readonly string[]>> = {
  run: ['POST'],
  checkpoint: ['POST'],
  localVolumes: ['DELETE'],
  exec: ['GET', 'POST'],
  attach: ['GET', 'POST'],
  portForward: ['GET', 'POST'],
};

export const handlers: Partial<Record<NodeAction, Handler>> = {
  healthz: ({ services, figures }, { rest, query }, response) =>
    serveHealth(
      healthChecks(figures.lastRelistSeconds, services.clock, services.tracker),
      rest,
      query.has('verbose'),
      response,
    ),
  indicators: ({ services, figures }, _, response) =>
    serveIndicators(healthChecks(figures.lastRelistSeconds, services.clock, services.tracker), response),
  pods: ({ pods }, _, response) => json(response, { kind: 'PodList', apiVersion: 'v1', metadata: {}, items: pods() }),
  runningPods: ({ services }, _, response) =>
    json(response, { kind: 'PodList', apiVersion: 'v1', metadata: {}, items: runningPods(services.tracker) }),
  stats: async (node, { query }, response) =>
    json(response, await summaryOf(node, isTrue(query, 'only_cpu_and_memory'))),
  async metrics(node, _, response) {
    const { kubeletMetrics } = await import('./metrics/kubelet-metrics.ts');
    const [pods, activePods] = [node.pods(), node.activePods()];
    // Whole walks of volumes only where there are claims to tell of.
    const hasClaims = activePods.some(({ spec }) =>
      spec.volumes?.some((each) => each.persistentVolumeClaim || each.ephemeral),
    );
    const summary = hasClaims ? await summaryOf(node, false).catch(() => undefined) : undefined;
    metricsText(response, kubeletMetrics({ ...node, pods, activePods, summary }));
  },
  async cadvisor({ reader, podsGroup, nodeDir, machine }, _, response) {
    const [{ cadvisorMetrics }, { readFileSystem }] = await Promise.all([
      import('./metrics/cadvisor-metrics.ts'),
      import('./stats/file-system.ts'),
    ]);
    const [reading, fs] = await Promise.all([reader.read(), readFileSystem(nodeDir, '')]);
    const { systemInfo, cpuCount } = machine;
    const { kernelVersion, osImage } = systemInfo;
    metricsText(
      response,
      await cadvisorMetrics({ reading, podsGroup, fs, systemInfo, cpuCount, kernelVersion, osImage }),
    );
  },
  async resourceMetrics({ reader }, _, response) {
    const { resourceMetrics } = await import('./metrics/resource-metrics.ts');
    metricsText(response, await resourceMetrics(() => reader.read()));
  },
  async probeMetrics({ figures, activePods }, _, response) {
    const [{ render }, { processFamilies }] = await Promise.all([
      import('./metrics/exposition.ts'),
      import('./metrics/kubelet-metrics.ts'),
    ]);
    const pods = activePods();
    figures.retain(
      new Set(pods.map(({ metadata }) => metadata.uid!)),
      new Set(pods.map(({ metadata }) => `${metadata.namespace}/${metadata.name}`)),
    );
    const started = processFamilies().filter(({ name }) => name === 'process_start_time_seconds');
    metricsText(response, render([figures.probeResults, figures.probeDuration, ...started]));
  },
  configz: ({ configuration }, _, response) => json(response, { kubeletconfig: configuration }),
  statusz: (node, _, response) => servePage('Statusz', about(node), response.req as IncomingMessage, response),
  flagz: (node, _, response) => servePage('Flagz', about(node), response.req as IncomingMessage, response),
  async nodeLogs(_, { rest, query }, response, signal) {
    const { serveNodeLogs } = await import('./node-logs.ts');
    await serveNodeLogs({ path: rest, query }, response, signal);
  },
  checkpoint({ pods }, { namespace, pod, container }) {
    const found = pods().find(({ metadata }) => metadata.name === pod && metadata.namespace === namespace);
    if (!found) throw new NodeApiError(404, 'pod does not exist');
    const { containers, initContainers = [], ephemeralContainers = [] } = found.spec;
    if (![...containers, ...initContainers, ...ephemeralContainers].some(({ name }) => name === container))
      throw new NodeApiError(404, `container ${container} does not exist`);
    // What a checkpoint writes holds all of the container's memory, its secrets too: nobody has asked us for that yet.
    const problem = 'rpc error: code = Unimplemented desc = checkpoints are not made on this node';
    throw new NodeApiError(500, `checkpointing of ${namespace}/${pod}/${container} failed (${problem})`);
  },
  async localVolumes({ localVolumes }, { volume }, response) {
    await localVolumes.remove(volume);
    json(response, { kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Success' });
  },
  logs: ({ services, pods }, request, response, signal) =>
    serveLogs(services, findPod(pods(), request.namespace, request.pod), request, response, signal),
  async run({ services, pods }, request, response) {
    const record = runningContainer(services, findPod(pods(), request.namespace, request.pod), request.container);
    const argv = request.query.get('cmd')?.split(' ') ?? command(request.query);
    const { stdout, stderr, exitCode } = await services.runtime.execSync(record.id, argv, 60);
    const output = Buffer.concat([stdout, stderr]);
    if (exitCode !== 0)
      throw new NodeApiError(500, `command '${argv.join(' ')}' exited with ${exitCode}: ${output.toString()}`);
    response.end(output);
  },
};

async function summaryOf(node: ServedParts, onlyCpuAndMemory: boolean): Promise<Summary> {
  const { statsSummary } = await import('./stats/summary.ts');
  return statsSummary({ ...node, onlyCpuAndMemory });
}

const about = ({ services, startedMs, nodeName, nodeDir }: ServedParts) => ({
  clock: services.clock,
  startedMs,
  flags: { 'hostname-override': nodeName, 'root-dir': nodeDir },
});
