// What the cluster is told of this node's drivers: its CSINode, an annotation and labels of its Node.
import type { Node } from '../../../generated/core-v1.ts';
import { csiNodeKind, nodeKind } from '../../../generated/kinds.ts';
import type { CSINode, CSINodeDriver } from '../../../generated/storage-v1.ts';
import { isAlreadyExists } from '../../api/meta/status-error.ts';
import type { Clock } from '../../base/clock.ts';
import type { Client } from '../../client/client.ts';
import type { NodeInfo } from './node-client.ts';

export interface NodeRecordOptions {
  readonly nodeName: string;
  readonly client: Client;
  readonly clock: Clock;
}

const nodeIdAnnotation = 'csi.volume.kubernetes.io/nodeid';
const migratedAnnotation = 'storage.alpha.kubernetes.io/migrated-plugins';

/** Types of volumes that drivers have taken over from Kubernetes itself. */
const migrated = ['aws-ebs', 'azure-disk', 'azure-file', 'cinder', 'gce-pd', 'portworx-volume', 'vsphere-volume'].map(
  (name) => `kubernetes.io/${name}`,
);

const tries = 4;
const maxCount = 2 ** 31 - 1;

export class NodeRecord {
  readonly #options: NodeRecordOptions;
  #turn: Promise<unknown> = Promise.resolve();

  constructor(options: NodeRecordOptions) {
    this.#options = options;
  }

  /** There is a CSINode, it is this node's, and says what is migrated. */
  async initialize(): Promise<void> {
    await this.#retry('error updating CSINode annotation', async () => {
      const found = await this.#ownCsiNode();
      const annotations = found.metadata.annotations ?? {};
      if (annotations[migratedAnnotation] === migrated.join(',')) return;
      const next = { ...annotations, [migratedAnnotation]: migrated.join(',') };
      await this.#csiNodes().update({ ...found, metadata: { ...found.metadata, annotations: next } });
    });
  }

  /** @throws Error in upstream's words, for the driver */
  async install(driver: string, info: NodeInfo): Promise<void> {
    if (info.nodeId === '') throw new Error('error adding CSI driver node info: driverNodeID must not be empty');
    await this.#named('error updating Node object with CSI driver node info', () => this.#installInNode(driver, info));
    await this.update(driver, info);
  }

  /** As `install`, where only its figures can have changed. */
  async update(driver: string, info: NodeInfo): Promise<void> {
    await this.#named('error updating CSINode object with CSI driver node info', () =>
      this.#retry('error updating CSINode', async () => {
        const found = await this.#ownCsiNode();
        const before = driversOf(found).find(({ name }) => name === driver);
        const next = driverEntry(driver, info);
        if (JSON.stringify(before && inOrder(before)) === JSON.stringify(inOrder(next))) return;
        const drivers = [...driversOf(found).filter(({ name }) => name !== driver), next];
        await this.#csiNodes().update({ ...found, spec: { ...found.spec, drivers } });
      }),
    );
  }

  async uninstall(driver: string): Promise<void> {
    await this.#retry('error uninstalling CSI driver from CSINode object error updating CSINode', async () => {
      const found = await this.#csiNodes().find(this.#key());
      if (!found || !driversOf(found).some(({ name }) => name === driver)) return;
      const drivers = driversOf(found).filter(({ name }) => name !== driver);
      await this.#csiNodes().update({ ...found, spec: { ...found.spec, drivers } });
    });
    await this.#retry('error removing CSI driver node info from Node object error updating node', async () => {
      const node = await this.#node();
      const ids = nodeIds(node);
      if (!Object.hasOwn(ids, driver)) return;
      const { [driver]: _, ...rest } = ids;
      const value = Object.keys(rest).length > 0 ? JSON.stringify(rest) : null;
      await this.#patchNode(node, { annotations: { [nodeIdAnnotation]: value } });
    });
  }

  async #installInNode(driver: string, { nodeId, topology }: NodeInfo): Promise<void> {
    await this.#retry('error updating node', async () => {
      const node = await this.#node();
      const labels = node.metadata.labels ?? {};
      for (const [key, value] of Object.entries(topology))
        if (labels[key] !== undefined && labels[key] !== value)
          throw new Error(
            `detected topology value collision: driver reported "${key}":"${value}" but existing label is "${key}":"${labels[key]}"`,
          );
      const ids = nodeIds(node);
      const isNew = ids[driver] !== nodeId || Object.keys(topology).some((key) => labels[key] === undefined);
      if (!isNew) return;
      const annotation = JSON.stringify(sorted({ ...ids, [driver]: nodeId }));
      await this.#patchNode(node, { annotations: { [nodeIdAnnotation]: annotation }, labels: topology });
    });
  }

  async #ownCsiNode(): Promise<CSINode> {
    const { nodeName } = this.#options;
    const { uid } = (await this.#node()).metadata;
    const found = await this.#csiNodes().find(this.#key());
    if (!found) return this.#createCsiNode(uid!);
    const isOurs = found.metadata.ownerReferences?.some(
      (owner) => owner.kind === 'Node' && owner.name === nodeName && owner.uid === uid,
    );
    if (isOurs) return found;
    const old = found.metadata.ownerReferences?.find(({ kind }) => kind === 'Node')?.uid ?? '';
    await this.#csiNodes().delete(this.#key());
    throw new Error(
      `CSINode "${nodeName}" was owned by different node (oldNodeID="${old}", newNodeID="${uid}"), deleted it`,
    );
  }

  async #createCsiNode(uid: string): Promise<CSINode> {
    const { nodeName } = this.#options;
    try {
      return await this.#csiNodes().create({
        metadata: {
          name: nodeName,
          annotations: { [migratedAnnotation]: migrated.join(',') },
          ownerReferences: [{ apiVersion: 'v1', kind: 'Node', name: nodeName, uid }],
        },
        spec: { drivers: [] },
      });
    } catch (error) {
      if (isAlreadyExists(error)) return this.#csiNodes().get(this.#key());
      throw error;
    }
  }

  #key() {
    return { namespace: '', name: this.#options.nodeName };
  }

  #csiNodes() {
    return this.#options.client.resource(csiNodeKind);
  }

  #node(): Promise<Node> {
    return this.#options.client.resource(nodeKind).get(this.#key());
  }

  async #patchNode({ metadata }: Node, changes: object): Promise<void> {
    const patch = { metadata: { resourceVersion: metadata.resourceVersion, ...changes } };
    await this.#options.client.resource(nodeKind).patch(this.#key(), patch, { type: 'merge' });
  }

  /** Four times, 10 to 250 ms apart; one after the other, as several drivers write the same objects. */
  async #retry(what: string, action: () => Promise<void>): Promise<void> {
    const { clock } = this.#options;
    const problems: string[] = [];
    const { promise, resolve } = Promise.withResolvers<void>();
    const before = this.#turn;
    this.#turn = promise;
    await before;
    try {
      for (let attempt = 0, waitMs = 10; attempt < tries; attempt++, waitMs *= 5) {
        try {
          return await action();
        } catch (error) {
          problems.push((error as Error).message);
          if (attempt + 1 < tries) await clock.sleep(waitMs);
        }
      }
    } finally {
      resolve();
    }
    const unique = [...new Set(problems)];
    const text = unique.length === 1 ? unique[0] : `[${unique.join(', ')}]`;
    throw new Error(`${what}: timed out waiting for the condition; caused by: ${text}`);
  }

  async #named(what: string, action: () => Promise<void>): Promise<void> {
    try {
      await action();
    } catch (error) {
      throw new Error(`${what}: ${(error as Error).message}`, { cause: error });
    }
  }
}

/** An empty list is stored as none. */
const driversOf = (csiNode: CSINode | undefined): readonly CSINodeDriver[] => csiNode?.spec.drivers ?? [];

function driverEntry(name: string, { nodeId, maxVolumes, topology }: NodeInfo): CSINodeDriver {
  const topologyKeys = Object.keys(topology).sort();
  const count = Math.min(maxVolumes, maxCount);
  return {
    name,
    nodeID: nodeId,
    ...(topologyKeys.length > 0 ? { topologyKeys } : {}),
    ...(count > 0 ? { allocatable: { count } } : {}),
  };
}

const inOrder = ({ name, nodeID, topologyKeys, allocatable }: CSINodeDriver) => [
  name,
  nodeID,
  [...(topologyKeys ?? [])].sort(),
  allocatable?.count,
];

function sorted(ids: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(ids).sort(([a], [b]) => (a < b ? -1 : 1)));
}

/** Drivers' names of this node. */
function nodeIds({ metadata }: Node): Record<string, string> {
  const text = metadata.annotations?.[nodeIdAnnotation];
  if (!text) return {};
  try {
    return JSON.parse(text) ?? {};
  } catch (error) {
    throw new Error(
      `failed to parse node's "${nodeIdAnnotation}" annotation value (${JSON.stringify(text)}) err=${error}`,
    );
  }
}
