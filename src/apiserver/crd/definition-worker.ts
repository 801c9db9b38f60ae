// Writes what the server decides about definitions: their names and conditions, and the end of those that are deleted.
import type { CustomResourceDefinition } from '../../../generated/apiextensions-v1.ts';
import { cleanupFinalizer } from '../../api/apiextensions/custom-resource-definition.ts';
import { isEqual } from '../../api/meta/equality.ts';
import { isNotFound } from '../../api/meta/status-error.ts';
import type { ResourceInfo } from '../../api/resource-info.ts';
import { objectWriter } from '../subresources/handler-request.ts';
import type { ServerParts } from '../verbs/call.ts';
import { statusAfter, withTerminating } from './conditions.ts';
import { deleteInstances } from './delete-instances.ts';
import { decideNames } from './names.ts';
import { serverUser } from './server-user.ts';

const retryMs = 1000;

export class DefinitionWorker {
  readonly #parts: ServerParts;
  readonly #all: () => readonly CustomResourceDefinition[];
  readonly #waiting = new Set<string>();
  readonly #ending = new Map<string, Promise<void>>();
  #wake = Promise.withResolvers<void>();

  constructor(parts: ServerParts, all: () => readonly CustomResourceDefinition[]) {
    this.#parts = parts;
    this.#all = all;
  }

  /** Something about the definition changed; others of its group may have waited for a name of it. */
  look(definition: CustomResourceDefinition): void {
    for (const other of this.#all()) {
      const isWaiting = other.status?.conditions?.some(
        ({ type, status }) => type === 'NamesAccepted' && status === 'False',
      );
      if (isWaiting && other.spec.group === definition.spec.group) this.#waiting.add(other.metadata.name);
    }
    this.#waiting.add(definition.metadata.name);
    this.#wake.resolve();
  }

  async run(signal: AbortSignal): Promise<void> {
    const stop = () => this.#wake.resolve();
    signal.addEventListener('abort', stop, { once: true });
    while (!signal.aborted) {
      await this.#wake.promise;
      this.#wake = Promise.withResolvers<void>();
      if (signal.aborted) break;
      const names = [...this.#waiting];
      this.#waiting.clear();
      for (const name of names) await this.#attempt(name, signal);
    }
    await Promise.all(this.#ending.values());
  }

  async #attempt(name: string, signal: AbortSignal): Promise<void> {
    try {
      await this.#reconcile(name, signal);
    } catch (error) {
      if (signal.aborted || isNotFound(error)) return;
      this.#parts.log.error('the status of a definition of custom resources could not be written', error, { name });
      void this.#parts.clock.sleep(retryMs, signal).then(() => {
        this.#waiting.add(name);
        this.#wake.resolve();
      });
    }
  }

  #find(name: string): CustomResourceDefinition | undefined {
    return this.#all().find(({ metadata }) => metadata.name === name);
  }

  async #reconcile(name: string, signal: AbortSignal): Promise<void> {
    const definition = this.#find(name);
    if (!definition || signal.aborted) return;
    if (definition.metadata.deletionTimestamp) this.#end(definition, signal);
    else await this.#decide(definition);
  }

  async #decide(definition: CustomResourceDefinition): Promise<void> {
    const nowMs = this.#parts.clock.now();
    const next = (current: CustomResourceDefinition) => statusAfter(current, decideNames(current, this.#all()), nowMs);
    if (isEqual(next(definition), definition.status)) return;
    await this.#writeStatus(definition, next);
  }

  async #writeStatus(
    { metadata }: CustomResourceDefinition,
    statusOf: (current: CustomResourceDefinition) => CustomResourceDefinition['status'],
  ): Promise<void> {
    const change = (current: any) => ({ ...current, status: statusOf(current) });
    await this.#update(metadata.name, metadata.uid, change, 'status');
  }

  async #update(name: string, uid: string | undefined, change: (current: any) => any, subresource = ''): Promise<void> {
    await objectWriter(this.#parts).update(this.#resource(), '', name, change, {
      user: serverUser,
      isDryRun: false,
      skipsAdmission: true,
      skipsValidation: true,
      ...(uid ? { uidPrecondition: uid } : {}),
      ...(subresource ? { subresource } : {}),
    });
  }

  #resource(): ResourceInfo {
    return this.#parts.registry.table.stored('apiextensions.k8s.io', 'customresourcedefinitions')!;
  }

  /** Runs beside the others: objects with finalizers may keep a definition waiting for long. */
  #end(definition: CustomResourceDefinition, signal: AbortSignal): void {
    const { name, uid, finalizers } = definition.metadata;
    if (!finalizers?.includes(cleanupFinalizer) || this.#ending.has(uid!)) return;
    const ended = this.#cleanUp(definition, signal)
      .catch((error) => {
        if (signal.aborted || isNotFound(error)) return;
        this.#parts.log.error('objects of a deleted definition remain', error, { name });
        void this.#parts.clock.sleep(retryMs, signal).then(() => {
          this.#waiting.add(name);
          this.#wake.resolve();
        });
      })
      .finally(() => this.#ending.delete(uid!));
    this.#ending.set(uid!, ended);
  }

  async #cleanUp(definition: CustomResourceDefinition, signal: AbortSignal): Promise<void> {
    const { name, uid } = definition.metadata;
    const { clock } = this.#parts;
    const say = (status: 'True' | 'False', reason: string, message: string) =>
      this.#writeStatus(definition, (current) => withTerminating(current, status, reason, message, clock.now()));
    await say('True', 'InstanceDeletionInProgress', 'CustomResource deletion is in progress');
    const isEmpty = await deleteInstances(this.#parts, definition, signal);
    if (!isEmpty) return;
    await say('False', 'InstanceDeletionCompleted', 'removed all instances');
    await this.#update(name, uid, (current) => ({
      ...current,
      metadata: {
        ...current.metadata,
        finalizers: (current.metadata.finalizers ?? []).filter((each: string) => each !== cleanupFinalizer),
      },
    }));
  }
}
