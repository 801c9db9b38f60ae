// What a driver is told besides the volume: secrets, the pod, its tokens.
import type { Pod, SecretReference } from '../../../generated/core-v1.ts';
import { secretKind } from '../../../generated/kinds.ts';
import type { CSIDriver } from '../../../generated/storage-v1.ts';
import type { Client } from '../../client/client.ts';
import { csiMessage } from './csi-error.ts';
import type { CsiVolumeSpec } from './volume-spec.ts';

type Texts = Record<string, string>;

/** @param problem what an error begins with; `%s` stands for the Secret. @throws Error that has nothing in it of the Secret */
export async function readSecret(
  client: Client,
  problem: string,
  reference: SecretReference | undefined,
): Promise<Texts> {
  if (!reference) return {};
  const { namespace = '', name = '' } = reference;
  try {
    const { data = {} } = await client.resource(secretKind).get({ namespace, name });
    return Object.fromEntries(
      Object.entries(data).map(([key, value]) => [key, Buffer.from(value, 'base64').toString('utf8')]),
    );
  } catch (error) {
    const why = csiMessage(`failed to find the secret ${name} in the namespace ${namespace} with error`, error);
    throw new Error(`${problem.replace('%s', () => `${namespace}/${name}`)}: ${why}`, { cause: error });
  }
}

/** In the order in which drivers are told. */
export interface PodToken {
  readonly token: string;
  readonly expirationTimestamp: string;
}

export type RequestToken = (
  pod: Pod,
  wish: { readonly audience: string; readonly expirationSeconds?: number | undefined },
) => Promise<PodToken>;

export interface PodData {
  readonly context: Texts;
  readonly secrets: Texts;
}

/** What `podInfoOnMount` and `tokenRequests` of the driver's object ask for. */
export async function podData(
  pod: Pod,
  { mode }: CsiVolumeSpec,
  driver: CSIDriver | undefined,
  requestToken: RequestToken,
): Promise<PodData> {
  const { podInfoOnMount, tokenRequests = [], serviceAccountTokenInSecrets } = driver?.spec ?? {};
  const context: Texts = {};
  if (podInfoOnMount) {
    context['csi.storage.k8s.io/pod.name'] = pod.metadata.name;
    context['csi.storage.k8s.io/pod.namespace'] = pod.metadata.namespace ?? '';
    context['csi.storage.k8s.io/pod.uid'] = pod.metadata.uid ?? '';
    context['csi.storage.k8s.io/serviceAccount.name'] = pod.spec.serviceAccountName ?? '';
    context['csi.storage.k8s.io/ephemeral'] = String(mode === 'Ephemeral');
  }
  if (tokenRequests.length === 0) return { context, secrets: {} };
  const tokens: Record<string, PodToken> = {};
  for (const { audience, expirationSeconds } of tokenRequests.toSorted((a, b) => (a.audience < b.audience ? -1 : 1)))
    tokens[audience] = await requestToken(pod, { audience, expirationSeconds }).catch((error: Error) => {
      // Upstream's spelling.
      const what = 'mounter.SetUpAt failed to get service accoount token attributes';
      throw new Error(csiMessage(what, new Error(`failed to fetch token: ${error.message}`)), { cause: error });
    });
  const own = { 'csi.storage.k8s.io/serviceAccount.tokens': JSON.stringify(tokens) };
  return serviceAccountTokenInSecrets ? { context, secrets: own } : { context: { ...context, ...own }, secrets: {} };
}
