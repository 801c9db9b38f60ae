// `coracle join`: from an address and a token to certificates of this node's own. Running the node is run-joined.ts.
import { existsSync, mkdirSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { configMapKind, nodeKind } from '../../../generated/kinds.ts';
import { isConditionTrue } from '../../api/meta/conditions.ts';
import { isAlreadyExists, StatusError } from '../../api/meta/status-error.ts';
import { systemClock } from '../../base/clock.ts';
import { writeDurably } from '../../base/durable-file.ts';
import type { Client } from '../../client/client.ts';
import { createClient } from '../../client/create-client.ts';
import { createHttpsTransport } from '../../client/https-transport.ts';
import { exitCodes, UserFailure } from '../failure.ts';
import { type ClusterFacts, clusterFactsPlace } from '../join-objects.ts';
import { checkNode, runtimeChoice } from '../nodes/machine-runtime.ts';
import { readIdentity } from '../nodes/node-identities.ts';
import { checkEncryption } from '../nodes/pod-network-encryption.ts';
import type { Layout } from '../settings/layout.ts';
import { makeDataDir } from '../settings/make-data-dir.ts';
import { firstFreePort } from '../settings/ports.ts';
import type { RuntimeFlags } from '../settings/runtime-endpoint.ts';
import { defaultAgentPort } from '../settings/settings.ts';
import type { Report } from '../settings/up-options.ts';
import { stepTimer } from '../step-timer.ts';
import { userAgent } from '../user-agents.ts';
import { obtainCertificate, wantedCertificates } from './certificates.ts';
import { type DiscoveryRequest, discover } from './discovery.ts';
import { joinedFile, readJoined, serversFile, writeJoined } from './joined-settings.ts';
import { keepTold } from './known-servers.ts';

export interface JoinRequest extends DiscoveryRequest, RuntimeFlags {
  readonly layout: Layout;
  /** Default: the machine's name. */
  readonly nodeName?: string;
  /** Default: the address that the server is reached from. */
  readonly address?: string;
  /** A KubeletConfiguration. */
  readonly kubeletConfigFile?: string;
}

const clock = systemClock;

/** Leaves all that `up` needs to run this machine as a node of that cluster. @throws UserFailure */
export async function joinCluster(asked: JoinRequest, report: Report): Promise<void> {
  const { layout } = asked;
  refuseTaken(layout);
  const { kubeletConfigFile } = asked;
  const { machineRuntime } = await runtimeChoice(asked, kubeletConfigFile);
  await checkNode(machineRuntime, layout.name);
  const timed = stepTimer(report, clock);
  const { server: answering, ca, localAddress } = await discover(asked, clock);
  const nodeName = asked.nodeName ?? hostname().toLowerCase();
  const address = asked.address ?? localAddress;
  timed('discovery', `${answering} is who it says`);

  for (const folder of [layout.dataDir, layout.logs, layout.node, layout.pki]) makeDataDir(folder);
  mkdirSync(layout.pki, { recursive: true, mode: 0o700 });
  writeDurably(join(layout.pki, 'ca.crt'), ca, 0o644);
  const server = `https://${answering}`;
  const newcomer = openClient({ server, ca, token: asked.token });
  try {
    await refuseKnown(newcomer.client, nodeName);
    const facts = await readFacts(newcomer.client);
    await checkEncryption(facts.podNetworkEncryption);
    const wanted = wantedCertificates(nodeName, address);
    await obtainCertificate(newcomer.client, layout.pki, wanted.client, clock);
    await obtainAsNode(layout, server, ca, nodeName, address);
    timed('certificates', `system:node:${nodeName}`);
    const agentPort = await firstFreePort(defaultAgentPort, joinedFile(layout));
    keepTold(
      serversFile(layout),
      asked.servers.map((each) => `https://${each}`),
    );
    const own = { ...(kubeletConfigFile ? { kubeletConfigFile } : {}), ...(machineRuntime ? { machineRuntime } : {}) };
    writeJoined(layout, { ...facts, server, nodeName, address, agentPort, ...own });
  } catch (error) {
    throw explained(error);
  } finally {
    await newcomer[Symbol.asyncDispose]();
  }
}

/** What the server refuses, in words of joining. */
function explained(error: unknown): unknown {
  if (!(error instanceof StatusError)) return error;
  const remedy = 'a token that is for this: coracle token create --print-join-command, on the cluster';
  return new UserFailure(exitCodes.permission, 'E_TOKEN', `the cluster refuses: ${error.message}`, remedy);
}

/** What only a node may ask for itself; its object is there first, since it says which addresses are its own. */
async function obtainAsNode(
  layout: Layout,
  server: string,
  ca: string,
  nodeName: string,
  address: string,
): Promise<void> {
  const pair = await readIdentity(layout.pki, 'node-client');
  await using node = openClient({ server, ca, clientCertificate: pair });
  await announce(node.client, nodeName, address);
  const { serving, proxy } = wantedCertificates(nodeName, address);
  await Promise.all([serving, proxy].map((each) => obtainCertificate(node.client, layout.pki, each, clock)));
}

export async function announce(client: Client, name: string, address: string): Promise<void> {
  const nodes = client.resource(nodeKind);
  await nodes
    .create({
      apiVersion: 'v1',
      kind: 'Node',
      metadata: { name, labels: { 'kubernetes.io/hostname': name } },
      spec: {},
    })
    .catch((error) => {
      if (!isAlreadyExists(error)) throw error;
    });
  const addresses = [
    { type: 'InternalIP', address },
    { type: 'Hostname', address: name },
  ];
  await nodes.patch({ namespace: '', name }, { status: { addresses } }, { type: 'merge', subresource: 'status' });
}

function openClient(
  access: Omit<Parameters<typeof createHttpsTransport>[0], 'clock'>,
): { client: Client } & AsyncDisposable {
  const transport = createHttpsTransport({ ...access, clock });
  return {
    client: createClient(transport, { userAgent: userAgent('coracle'), clock }),
    [Symbol.asyncDispose]: () => transport[Symbol.asyncDispose](),
  };
}

function refuseTaken(layout: Layout): void {
  const isCluster = existsSync(layout.settings);
  if (!isCluster && !readJoined(layout)) return;
  throw new UserFailure(
    exitCodes.conflict,
    'E_DATA_DIR_TAKEN',
    isCluster ? `${layout.dataDir} holds a cluster` : `this machine has joined a cluster already (${layout.dataDir})`,
    isCluster ? 'name another: coracle join --name NAME' : 'start the node: coracle up; or leave: coracle reset',
  );
}

/** Two machines of one name would be one node. */
async function refuseKnown(client: Client, name: string): Promise<void> {
  const node = await client.resource(nodeKind).find({ namespace: '', name });
  if (!isConditionTrue(node?.status?.conditions, 'Ready')) return;
  throw new UserFailure(
    exitCodes.conflict,
    'E_NODE_EXISTS',
    `a node "${name}" is in the cluster and Ready`,
    'take another name: coracle join --node-name NAME',
  );
}

async function readFacts(client: Client): Promise<ClusterFacts> {
  const { data = {} } = await client.resource(configMapKind).get(clusterFactsPlace);
  return JSON.parse(data['cluster.json'] ?? '{}') as ClusterFacts;
}
