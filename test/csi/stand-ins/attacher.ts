// Does what VolumeAttachments ask for, by the driver's controller; the part of upstream's external-attacher.
import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { csiNodeKind, persistentVolumeKind, volumeAttachmentKind } from '../../../generated/kinds.ts';
import type { VolumeAttachment } from '../../../generated/storage-v1.ts';
import { isConflict, isNotFound } from '../../../src/api/meta/status-error.ts';
import { rfc3339, systemClock } from '../../../src/base/clock.ts';
import { GrpcError } from '../../../src/base/grpc.ts';
import { createLogger } from '../../../src/base/log.ts';
import { systemRandom } from '../../../src/base/random.ts';
import type { Client } from '../../../src/client/client.ts';
import { createClient } from '../../../src/client/create-client.ts';
import { createHttpsTransport } from '../../../src/client/https-transport.ts';
import { createKubeconfigTransport } from '../../../src/client/kubeconfig-transport.ts';
import type { GrpcMessage } from '../../../src/kubelet/grpc/proto.ts';
import { connectUnix, type GrpcClient } from '../../../src/kubelet/grpc/unix-client.ts';
import { rpcErrorText } from '../../../src/kubelet/runtime/rpc-error.ts';
import { createInformerFactory } from '../../../src/reconcile/informer-factory.ts';
import { controllerService, identityService } from './csi-proto.ts';
import { nameOfDriver } from './registrar.ts';

const serviceAccount = '/var/run/secrets/kubernetes.io/serviceaccount';

/** Flags of upstream's csi-attacher. Runs until the process ends. */
export async function runAttacher(args: readonly string[]): Promise<void> {
  const { values } = parseArgs({
    args: [...args],
    strict: false,
    options: {
      'csi-address': { type: 'string', default: '/run/csi/socket' },
      kubeconfig: { type: 'string', default: '' },
    },
  });
  const client = await connectCluster(String(values['kubeconfig']));
  const driver = connectUnix(String(values['csi-address']), controllerService);
  const name = await nameOfDriver(() => driver.callOf(identityService, 'GetPluginInfo', {}, { timeoutMs: 5_000 }));
  const { capabilities } = await driver.call('ControllerGetCapabilities', {});
  const attaches = capabilities.some((each: GrpcMessage) => each.rpc?.type === 'PUBLISH_UNPUBLISH_VOLUME');
  await new Attacher(client, driver, name, attaches).run();
}

async function connectCluster(kubeconfig: string): Promise<Client> {
  const options = { userAgent: 'csi-attacher' };
  if (kubeconfig)
    return createClient(await createKubeconfigTransport({ path: kubeconfig, clock: systemClock }), options);
  const { KUBERNETES_SERVICE_HOST: host, KUBERNETES_SERVICE_PORT: port } = process.env;
  const transport = createHttpsTransport({
    server: `https://${host?.includes(':') ? `[${host}]` : host}:${port}`,
    clock: systemClock,
    ca: readFileSync(`${serviceAccount}/ca.crt`, 'utf8'),
    token: () => readFileSync(`${serviceAccount}/token`, 'utf8'),
  });
  return createClient(transport, options);
}

const retryMs = 1_000;

class Attacher {
  readonly #client: Client;
  readonly #driver: GrpcClient;
  readonly #name: string;
  readonly #attaches: boolean;
  /** Attachments under way. */
  readonly #busy = new Set<string>();

  constructor(client: Client, driver: GrpcClient, name: string, attaches: boolean) {
    this.#client = client;
    this.#driver = driver;
    this.#name = name;
    this.#attaches = attaches;
  }

  async run(): Promise<void> {
    const log = createLogger((line) => process.stdout.write(line));
    const clock = systemClock;
    const informers = createInformerFactory({ client: this.#client, clock, random: systemRandom, log });
    const attachments = informers.informer(volumeAttachmentKind);
    const look = (each: VolumeAttachment) => void this.#look(each);
    attachments.onChange({ added: look, updated: look });
    const retries = setInterval(() => attachments.list().forEach(look), retryMs);
    await informers.run(new AbortController().signal);
    clearInterval(retries);
  }

  get #finalizer(): string {
    return `external-attacher/${this.#name.replaceAll(/[^-a-zA-Z0-9]/g, '-')}`;
  }

  async #look(attachment: VolumeAttachment): Promise<void> {
    const { spec, metadata, status } = attachment;
    if (spec.attacher !== this.#name || this.#busy.has(metadata.name)) return;
    if (!metadata.deletionTimestamp && status?.attached) return;
    this.#busy.add(metadata.name);
    try {
      const now = await this.#client.resource(volumeAttachmentKind).find({ namespace: '', name: metadata.name });
      if (now?.metadata.deletionTimestamp) await this.#detach(now);
      else if (now && !now.status?.attached) await this.#attach(now);
    } catch (error) {
      if (!isConflict(error) && !isNotFound(error)) console.log(`${metadata.name}: ${rpcErrorText(error)}`);
    } finally {
      this.#busy.delete(metadata.name);
    }
  }

  async #attach(attachment: VolumeAttachment): Promise<void> {
    const finalizers = attachment.metadata.finalizers ?? [];
    if (this.#attaches && !finalizers.includes(this.#finalizer))
      await this.#writeFinalizers(attachment, [...finalizers, this.#finalizer]);
    try {
      const attachmentMetadata = this.#attaches ? await this.#publish(attachment) : {};
      await this.#write(attachment, { attached: true, attachmentMetadata, attachError: null });
    } catch (error) {
      const errorCode = error instanceof GrpcError ? { errorCode: error.code } : {};
      const attachError = { time: rfc3339(Date.now()), message: rpcErrorText(error), ...errorCode };
      await this.#write(attachment, { attached: false, attachError });
      throw error;
    }
  }

  async #publish({ spec }: VolumeAttachment): Promise<Record<string, string>> {
    const name = spec.source.persistentVolumeName!;
    const volume = await this.#client.resource(persistentVolumeKind).get({ namespace: '', name });
    const { csi, accessModes = [], mountOptions = [], volumeMode } = volume.spec;
    const answer = await this.#driver.call('ControllerPublishVolume', {
      volumeId: csi!.volumeHandle,
      nodeId: await this.#nodeId(spec.nodeName),
      readonly: csi!.readOnly ?? false,
      volumeContext: csi!.volumeAttributes ?? {},
      volumeCapability: {
        ...(volumeMode === 'Block'
          ? { block: {} }
          : { mount: { fsType: csi!.fsType ?? '', mountFlags: mountOptions } }),
        accessMode: { mode: accessModes.includes('ReadWriteMany') ? 5 : 1 },
      },
    });
    return answer.publishContext;
  }

  async #detach(attachment: VolumeAttachment): Promise<void> {
    const finalizers = attachment.metadata.finalizers ?? [];
    if (!finalizers.includes(this.#finalizer)) return;
    try {
      const name = attachment.spec.source.persistentVolumeName!;
      const volume = await this.#client.resource(persistentVolumeKind).find({ namespace: '', name });
      const nodeId = await this.#nodeId(attachment.spec.nodeName);
      const request = { volumeId: volume?.spec.csi?.volumeHandle, nodeId };
      if (request.volumeId) await this.#driver.call('ControllerUnpublishVolume', request);
    } catch (error) {
      const detachError = { time: rfc3339(Date.now()), message: rpcErrorText(error) };
      await this.#write(attachment, { attached: true, detachError });
      throw error;
    }
    const rest = finalizers.filter((each) => each !== this.#finalizer);
    await this.#writeFinalizers(attachment, rest);
  }

  async #nodeId(nodeName: string): Promise<string> {
    const node = await this.#client.resource(csiNodeKind).find({ namespace: '', name: nodeName });
    const entry = node?.spec.drivers?.find(({ name }) => name === this.#name);
    if (!entry) throw new Error(`node "${nodeName}" has no NodeID annotation`);
    return entry.nodeID;
  }

  async #writeFinalizers({ metadata }: VolumeAttachment, finalizers: readonly string[]): Promise<void> {
    await this.#client
      .resource(volumeAttachmentKind)
      .patch({ namespace: '', name: metadata.name }, { metadata: { finalizers } }, { type: 'merge' });
  }

  async #write({ metadata }: VolumeAttachment, status: object): Promise<void> {
    await this.#client
      .resource(volumeAttachmentKind)
      .patch({ namespace: '', name: metadata.name }, { status }, { type: 'merge', subresource: 'status' });
  }
}
