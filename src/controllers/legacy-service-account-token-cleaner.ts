// Tokens that were made for service accounts by themselves, long ago, and that nobody has used for a year: marked invalid
// first, deleted a year after that.
import type { Secret } from '../../generated/core-v1.ts';
import { configMapKind, podKind, secretKind, serviceAccountKind } from '../../generated/kinds.ts';
import { podReferences } from '../api/core/pod-references.ts';
import { isConflict, isNotFound } from '../api/meta/status-error.ts';
import { timeMs } from '../api/meta/time.ts';
import { every } from '../base/clock.ts';
import type { Client } from '../client/client.ts';
import type { ControllerDefinition } from '../reconcile/controller.ts';

const type = 'kubernetes.io/service-account-token';
const nameAnnotation = 'kubernetes.io/service-account.name';
const uidAnnotation = 'kubernetes.io/service-account.uid';
const lastUsedLabel = 'kubernetes.io/legacy-token-last-used';
const invalidSinceLabel = 'kubernetes.io/legacy-token-invalid-since';
const tracking = { namespace: 'kube-system', name: 'kube-apiserver-legacy-service-account-token-tracking' };
const dayMs = 86_400_000;
/** Unused for so long is unused. */
const patienceMs = 365 * dayMs;

const dayOf = (ms: number) => new Date(ms).toISOString().slice(0, 10);
const isDay = (text: string | undefined): text is string =>
  text !== undefined && /^\d{4}-\d\d-\d\d$/.test(text) && !Number.isNaN(Date.parse(text));

export const legacyServiceAccountTokenCleaner: ControllerDefinition = {
  name: 'legacy-serviceaccount-token-cleaner',
  setup({ client, informers, clock }) {
    const accounts = informers.informer(serviceAccountKind);
    const secrets = informers.informer<Secret>(secretKind, { fieldSelector: `type=${type}` });
    const pods = informers.informer(podKind);
    const isMounted = ({ metadata: { namespace, name = '' } }: Secret) =>
      pods
        .list()
        .some(
          ({ metadata, spec }) =>
            metadata.namespace === namespace && podReferences(spec, metadata.name ?? '').secrets.has(name),
        );
    const isGenerated = ({ metadata: { namespace, name, annotations = {} } }: Secret) => {
      const account = accounts.find(`${namespace}/${annotations[nameAnnotation] ?? ''}`);
      const uid = annotations[uidAnnotation];
      if (!account || (uid && uid !== account.metadata.uid)) return false;
      return account.secrets?.some((each) => each.name === name) ?? false;
    };
    const clean = async (signal: AbortSignal) => {
      const now = clock.now();
      const { data } = (await client.resource(configMapKind).find(tracking)) ?? {};
      // The first day counts from its end.
      if (!isDay(data?.['since']) || now < Date.parse(data['since']) + dayMs + patienceMs) return;
      for (const secret of secrets.list()) {
        if (signal.aborted) return;
        const next = nextStep(secret, now);
        if (next && isGenerated(secret) && !isMounted(secret)) await take(client, secret, next, dayOf(now));
      }
    };
    return {
      name: 'legacy-serviceaccount-token-cleaner',
      async reconcile() {},
      async run(signal) {
        await clean(signal);
        for await (const _ of every(clock, dayMs, signal)) await clean(signal);
      },
    };
  },
};

/** Undefined: it is young, was used, or is being deleted. */
export function nextStep({ metadata }: Secret, nowMs: number): 'invalidate' | 'delete' | undefined {
  const oldest = dayOf(nowMs - patienceMs);
  const isYoung = (timeMs(metadata.creationTimestamp) ?? nowMs) >= nowMs - patienceMs;
  if (isYoung || metadata.deletionTimestamp) return undefined;
  const { [lastUsedLabel]: lastUsed, [invalidSinceLabel]: since } = metadata.labels ?? {};
  // A day that cannot be read tells nothing.
  if (lastUsed !== undefined && (!isDay(lastUsed) || lastUsed >= oldest)) return undefined;
  if (!isDay(since)) return 'invalidate';
  return since < oldest ? 'delete' : undefined;
}

async function take(client: Client, { metadata }: Secret, step: 'invalidate' | 'delete', day: string): Promise<void> {
  const { namespace = '', name = '', uid = '', resourceVersion = '', labels } = metadata;
  const resource = client.resource(secretKind);
  try {
    if (step === 'delete') await resource.delete({ namespace, name }, { preconditions: { uid, resourceVersion } });
    else {
      const current = await resource.find({ namespace, name });
      if (current?.metadata.uid !== uid) return;
      const marked = { ...labels, ...current.metadata.labels, [invalidSinceLabel]: day };
      await resource.update({ ...current, metadata: { ...current.metadata, labels: marked } });
    }
  } catch (error) {
    if (!isNotFound(error) && !isConflict(error)) throw error;
  }
}
