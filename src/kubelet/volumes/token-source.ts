// Service account tokens bound to pods, asked of the API server and renewed before they end.
import type { TokenRequest } from '../../../generated/authentication-v1.ts';
import type { Pod } from '../../../generated/core-v1.ts';
import { serviceAccountKind } from '../../../generated/kinds.ts';
import type { Clock } from '../../base/clock.ts';
import type { Client } from '../../client/client.ts';

export interface TokenWish {
  readonly audience?: string;
  readonly expirationSeconds: number;
}

interface Token {
  readonly text: string;
  readonly renewAtMs: number;
  readonly expiresAtMs: number;
}

/** Tokens are kept in memory only, by pod and wish. */
export class TokenSource {
  readonly #client: Client;
  readonly #clock: Clock;
  readonly #tokens = new Map<string, Token>();

  constructor(client: Client, clock: Clock) {
    this.#client = client;
    this.#clock = clock;
  }

  /** While there is no new one, the old one serves as long as it is good. */
  async token(pod: Pod, wish: TokenWish): Promise<string> {
    const key = `${pod.metadata.uid}/${wish.audience ?? ''}/${wish.expirationSeconds}`;
    const known = this.#tokens.get(key);
    if (known && this.#clock.now() < known.renewAtMs) return known.text;
    try {
      const fresh = await this.#request(pod, wish);
      this.#tokens.set(key, fresh);
      return fresh.text;
    } catch (error) {
      if (known && this.#clock.now() < known.expiresAtMs) return known.text;
      const what = known ? 'token expired and refresh failed' : 'failed to fetch token';
      throw new Error(`${what}: ${(error as Error).message}`, { cause: error });
    }
  }

  forget(podUid: string): void {
    for (const key of this.#tokens.keys()) if (key.startsWith(`${podUid}/`)) this.#tokens.delete(key);
  }

  async #request(pod: Pod, wish: TokenWish): Promise<Token> {
    const { token, expirationTimestamp } = await requestPodToken(this.#client, pod, wish);
    const now = this.#clock.now();
    const lifeMs = Math.max(0, Date.parse(expirationTimestamp) - now) || wish.expirationSeconds * 1000;
    // Renewed after four fifths of its life, and each day at the latest.
    return { text: token, renewAtMs: now + Math.min(lifeMs * 0.8, 24 * 3_600_000), expiresAtMs: now + lifeMs };
  }
}

/** A token of the pod's service account that ends with the pod. */
export async function requestPodToken(
  client: Client,
  pod: Pod,
  wish: { readonly audience?: string; readonly expirationSeconds?: number | undefined },
): Promise<{ token: string; expirationTimestamp: string }> {
  const { namespace, name, uid } = pod.metadata;
  const request: TokenRequest = {
    apiVersion: 'authentication.k8s.io/v1',
    kind: 'TokenRequest',
    metadata: {} as TokenRequest['metadata'],
    spec: {
      audiences: wish.audience ? [wish.audience] : [],
      ...(wish.expirationSeconds === undefined ? {} : { expirationSeconds: wish.expirationSeconds }),
      boundObjectRef: { apiVersion: 'v1', kind: 'Pod', name, uid: uid! },
    },
  };
  const account = pod.spec.serviceAccountName || 'default';
  const { status } = await client
    .resource(serviceAccountKind)
    .post<TokenRequest>({ namespace: namespace!, name: account }, 'token', request);
  return { token: status?.token ?? '', expirationTimestamp: status?.expirationTimestamp ?? '' };
}
