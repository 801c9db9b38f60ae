// What the API server shows of static pods: an object for each, made again when somebody takes it away, gone when its
// manifest is. The pods themselves do not need it.
import type { Pod, PodStatus } from '../../../generated/core-v1.ts';
import { podKind } from '../../../generated/kinds.ts';
import { isAlreadyExists, isConflict, isNotFound } from '../../api/meta/status-error.ts';
import type { Clock } from '../../base/clock.ts';
import type { Logger } from '../../base/log.ts';
import type { Client } from '../../client/client.ts';
import type { Informer } from '../../reconcile/informer.ts';
import { isMirrorPod, mirrorAnnotation } from '../pods/pod-ending.ts';
import type { PodStatusSink } from '../status/status-writer.ts';
import { hashAnnotation } from './read-manifest.ts';

export interface MirrorPodsOptions {
  readonly client: Client;
  readonly pods: Informer<Pod>;
  readonly nodeName: string;
  /** Undefined until the node is registered. */
  readonly nodeUid: () => string | undefined;
  /** Writes the status of one mirror. */
  readonly sink: () => PodStatusSink;
  readonly clock: Clock;
  readonly log: Logger;
}

const retryMs = 5_000;

const keyOf = ({ metadata: { namespace, name } }: Pod): string => `${namespace}/${name}`;

export class MirrorPods {
  readonly #options: MirrorPodsOptions;
  #statics = new Map<string, Pod>();
  /** By namespace and name. */
  readonly #sinks = new Map<string, Set<MirrorSink>>();
  #wake = Promise.withResolvers<void>();

  constructor(options: MirrorPodsOptions) {
    this.#options = options;
    const changed = (pod: Pod) => {
      if (!isMirrorPod(pod)) return;
      for (const sink of this.#sinks.get(keyOf(pod)) ?? []) sink.push();
      this.#wake.resolve();
    };
    options.pods.onChange({ added: changed, updated: changed, deleted: changed });
  }

  /** These are all static pods there are. */
  set(pods: readonly Pod[]): void {
    this.#statics = new Map(pods.map((pod) => [keyOf(pod), pod]));
    this.#wake.resolve();
  }

  /** Where the status of a static pod goes. */
  sinkFor(pod: Pod): PodStatusSink {
    const key = keyOf(pod);
    const sinks = this.#sinks.get(key) ?? new Set();
    this.#sinks.set(key, sinks);
    const sink = new MirrorSink(pod, {
      mirror: () => {
        const mirror = this.#mirrorOf(key);
        return mirror && hashOf(mirror) === pod.metadata.annotations?.[hashAnnotation] ? mirror : undefined;
      },
      sink: this.#options.sink,
      onClose: () => {
        sinks.delete(sink);
        if (sinks.size === 0 && this.#sinks.get(key) === sinks) this.#sinks.delete(key);
      },
    });
    sinks.add(sink);
    return sink;
  }

  async run(signal: AbortSignal): Promise<void> {
    const { clock, log, pods } = this.#options;
    while (!signal.aborted) {
      this.#wake = Promise.withResolvers<void>();
      try {
        if (pods.hasSynced) await this.#reconcile();
      } catch (error) {
        log.debug('mirrors of static pods were not brought up to date', { error: String(error) });
      }
      const pause = new AbortController();
      const end = () => pause.abort();
      signal.addEventListener('abort', end, { once: true });
      void this.#wake.promise.then(end);
      await clock.sleep(retryMs, pause.signal);
      signal.removeEventListener('abort', end);
    }
  }

  #mirrorOf(key: string): Pod | undefined {
    return this.#options.pods.list().find((pod) => isMirrorPod(pod) && keyOf(pod) === key);
  }

  async #reconcile(): Promise<void> {
    const mirrors = this.#options.pods.list().filter(isMirrorPod);
    for (const mirror of mirrors) {
      const pod = this.#statics.get(keyOf(mirror));
      const isRight = pod && hashOf(mirror) === pod.metadata.annotations?.[hashAnnotation];
      if (!isRight || mirror.metadata.deletionTimestamp) await this.#delete(mirror);
    }
    for (const [key, pod] of this.#statics)
      if (!mirrors.some((mirror) => keyOf(mirror) === key)) await this.#create(pod);
  }

  async #create(pod: Pod): Promise<void> {
    const { client, nodeName, nodeUid, log } = this.#options;
    const uid = nodeUid();
    if (!uid) return;
    const { uid: _, ...metadata } = pod.metadata;
    const annotations = { ...metadata.annotations, [mirrorAnnotation]: metadata.annotations?.[hashAnnotation] ?? '' };
    const ownerReferences = [{ apiVersion: 'v1', kind: 'Node', name: nodeName, uid, controller: true }];
    const { status: __, ...rest } = pod;
    try {
      await client.resource(podKind).create({ ...rest, metadata: { ...metadata, annotations, ownerReferences } });
    } catch (error) {
      if (isAlreadyExists(error)) return; // the watch tells of it in a moment, or it is somebody else's
      log.warn('a static pod can not be shown', { pod: keyOf(pod), error: String(error) });
    }
  }

  async #delete({ metadata }: Pod): Promise<void> {
    const key = { namespace: metadata.namespace!, name: metadata.name };
    try {
      const preconditions = { uid: metadata.uid! };
      await this.#options.client.resource(podKind).delete(key, { gracePeriodSeconds: 0, preconditions });
    } catch (error) {
      if (!isNotFound(error) && !isConflict(error)) throw error;
    }
  }
}

const hashOf = ({ metadata }: Pod): string | undefined => metadata.annotations?.[mirrorAnnotation];

interface MirrorSinkOptions {
  /** The object that shows this pod now. */
  readonly mirror: () => Pod | undefined;
  readonly sink: () => PodStatusSink;
  readonly onClose: () => void;
}

/** Keeps the newest status until there is an object to write it to. */
class MirrorSink implements PodStatusSink {
  readonly #pod: Pod;
  readonly #options: MirrorSinkOptions;
  #latest: PodStatus | undefined;
  #inner: { readonly uid: string; readonly sink: PodStatusSink } | undefined;

  constructor(pod: Pod, options: MirrorSinkOptions) {
    this.#pod = pod;
    this.#options = options;
  }

  get latest(): PodStatus | undefined {
    return this.#latest ?? this.#pod.status;
  }

  set(_: Pod, status: PodStatus, soon: boolean): void {
    this.#latest = status;
    this.push(soon);
  }

  push(soon = true): void {
    const mirror = this.#options.mirror();
    if (!mirror || !this.#latest || mirror.metadata.deletionTimestamp) return;
    const uid = mirror.metadata.uid!;
    if (this.#inner?.uid !== uid) {
      this.#inner?.sink.close();
      this.#inner = { uid, sink: this.#options.sink() };
    }
    this.#inner.sink.set(mirror, this.#latest, soon);
  }

  /** Nothing of a static pod waits for the API server. */
  async flush(): Promise<void> {
    this.push();
  }

  close(): void {
    this.#inner?.sink.close();
    this.#options.onClose();
  }
}
