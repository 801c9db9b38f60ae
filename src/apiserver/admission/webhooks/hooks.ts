// The webhooks in force: what the caches of configurations amount to, made anew when one of them has changed.
import type { MutatingWebhook, ValidatingWebhook } from '../../../../generated/admissionregistration-v1.ts';
import type { KindRef, KubernetesObject } from '../../../api/meta/object.ts';
import type { ObjectReader } from '../../registry/object-reader.ts';

export interface Hook<W extends MutatingWebhook | ValidatingWebhook> {
  readonly configuration: string;
  readonly webhook: W;
  /** Tells webhooks of one name apart. */
  readonly uid: string;
  /** Among all webhooks of its sort: names it in audit annotations. */
  readonly index: number;
}

interface Configuration<W> extends KubernetesObject {
  webhooks?: W[];
}

const none: readonly never[] = Object.freeze([]);

export class HookList<W extends MutatingWebhook | ValidatingWebhook> {
  readonly #kind: KindRef<Configuration<W>>;
  #hooks: readonly Hook<W>[] = none;
  #at = -1;

  constructor(kind: KindRef<Configuration<W>>) {
    this.#kind = kind;
  }

  /** By the configuration's name, then as they stand in it. */
  of(objects: ObjectReader): readonly Hook<W>[] {
    const at = objects.changedAt(this.#kind);
    if (at === this.#at) return this.#hooks;
    this.#at = at;
    const found = objects.list(this.#kind).flatMap(hooksOf);
    this.#hooks = found.map((hook, index) => ({ ...hook, index }));
    return this.#hooks;
  }
}

function hooksOf<W extends MutatingWebhook | ValidatingWebhook>({ metadata, webhooks }: Configuration<W>) {
  const counts = new Map<string, number>();
  return (webhooks ?? []).map((webhook) => {
    const count = counts.get(webhook.name) ?? 0;
    counts.set(webhook.name, count + 1);
    return { configuration: metadata.name, webhook, uid: `${metadata.name}/${webhook.name}/${count}` };
  });
}
