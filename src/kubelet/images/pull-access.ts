// Whether a pod may use an image that is here already, or must show the registry that it could pull it.

import { withoutVersion } from './image-name.ts';
import type { Credential } from './keyring.ts';
import type { PullCredentials, PullRecords } from './pull-records.ts';

/** Which images are for everybody, though they may have been pulled with somebody's credentials. */
export interface VerificationPolicy {
  readonly mode: 'NeverVerify' | 'NeverVerifyPreloadedImages' | 'NeverVerifyAllowlistedImages' | 'AlwaysVerify';
  /** Repositories, or `example.com/team/*`, for NeverVerifyAllowlistedImages. */
  readonly allowed?: readonly string[];
}

export const defaultVerification: VerificationPolicy = { mode: 'NeverVerifyPreloadedImages' };

/** A record grows no further by pods that only use the image. */
const maxSecretsByUse = 100;

/** @param credentials asked only when it depends on them */
export async function mustPull(
  { records, policy }: { readonly records: PullRecords; readonly policy: VerificationPolicy },
  image: string,
  imageRef: string,
  credentials: () => Promise<readonly Credential[]>,
): Promise<boolean> {
  const record = await records.pulled(imageRef);
  const wasPulledByUs = record !== undefined || (await records.isPulling(image));
  if (!verifies(policy, image, wasPulledByUs)) return false;
  const repository = withoutVersion(image);
  const mapping = record?.credentialMapping ?? {};
  const known = Object.hasOwn(mapping, repository) ? mapping[repository] : undefined;
  if (!known) return true;
  if (known.nodePodsAccessible) return false;
  if (!known.kubernetesSecrets && !known.kubernetesServiceAccounts) return true;
  const match = matchOf(known, await credentials());
  if (!match) return true;
  if (match.isNew && (known.kubernetesSecrets?.length ?? 0) < maxSecretsByUse)
    await records.addPulled(imageRef, repository, recordOf(match.credential));
  return false;
}

function verifies({ mode, allowed = [] }: VerificationPolicy, image: string, wasPulledByUs: boolean): boolean {
  if (mode === 'NeverVerify') return false;
  if (mode === 'AlwaysVerify') return true;
  if (mode === 'NeverVerifyPreloadedImages') return wasPulledByUs;
  const repository = withoutVersion(image);
  return !allowed.some((each) =>
    each.endsWith('/*') ? repository.startsWith(each.slice(0, -1)) : repository === each,
  );
}

/** The same words of another Secret will do, and so will other words of the same Secret. */
function matchOf(
  { kubernetesSecrets = [], kubernetesServiceAccounts = [] }: PullCredentials,
  credentials: readonly Credential[],
): { readonly credential: Credential; readonly isNew: boolean } | undefined {
  for (const credential of credentials) {
    const { source, hash } = credential;
    if (!source || !('secret' in source)) continue;
    for (const known of kubernetesSecrets) {
      const isSamePlace = isSame(known, source.secret);
      const isSameHash = known.credentialHash === hash;
      if (isSamePlace || isSameHash) return { credential, isNew: !(isSamePlace && isSameHash) };
    }
  }
  const account = credentials.find(({ source }) => source && 'serviceAccount' in source);
  if (!account?.source || !('serviceAccount' in account.source)) return undefined;
  const { serviceAccount } = account.source;
  const isKnown = kubernetesServiceAccounts.some((each) => isSame(each, serviceAccount));
  return isKnown ? { credential: account, isNew: false } : undefined;
}

interface Place {
  readonly uid: string;
  readonly namespace: string;
  readonly name: string;
}

const isSame = (one: Place, other: Place) =>
  one.uid === other.uid && one.namespace === other.namespace && one.name === other.name;

/** What is noted of an image that was pulled with this credential, or with none. */
export function recordOf(credential: Credential | undefined): PullCredentials {
  const { source, hash } = credential ?? {};
  if (!source) return { nodePodsAccessible: true };
  if ('secret' in source) return { kubernetesSecrets: [{ ...source.secret, credentialHash: hash! }] };
  return { kubernetesServiceAccounts: [source.serviceAccount] };
}
