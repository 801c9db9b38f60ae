// Tokens of service accounts: issued for TokenRequest, bound to the account and, if asked, to a pod, a node or a secret,
// and good only as long as those exist.
import { createHash } from 'node:crypto';
import type { Secret } from '../../../generated/core-v1.ts';
import { nodeKind, podKind, secretKind, serviceAccountKind } from '../../../generated/kinds.ts';
import type { KindRef, KubernetesObject } from '../../api/meta/object.ts';
import { unauthorized } from '../../api/meta/status-error.ts';
import type { Clock } from '../../base/clock.ts';
import { type Random, uuid } from '../../base/random.ts';
import type { ObjectReader } from '../registry/object-reader.ts';
import type { Authenticator, UserInfo } from './authenticator.ts';
import { readClaims, type SigningKey, signToken, type VerifyingKey, verifyToken } from './jwt.ts';
import { serviceAccountGroups, serviceAccountUsername } from './users.ts';

export interface NamedUid {
  readonly name: string;
  readonly uid: string;
}

/** What a token is bound to, besides the service account. */
export interface TokenBinding {
  readonly pod?: NamedUid;
  readonly node?: NamedUid;
  readonly secret?: NamedUid;
}

export interface TokenRequestParts {
  readonly namespace: string;
  readonly serviceAccount: NamedUid;
  readonly audiences: readonly string[];
  readonly expirationSeconds: number;
  /** After so long the token should have been replaced, though it is still good. */
  readonly warnAfterSeconds?: number;
  readonly binding: TokenBinding;
}

export interface ServiceAccountTokensOptions {
  readonly issuer: string;
  /** What a token must be for to be used with this server; default: the issuer. */
  readonly audiences?: readonly string[];
  readonly signingKey: SigningKey;
  /** Earlier keys whose tokens are still good. */
  readonly otherKeys?: readonly VerifyingKey[];
  readonly objects: ObjectReader;
  readonly clock: Clock;
  readonly random: Random;
  /** Called when a token kept in a Secret is used on a day its Secret does not name yet. */
  onSecretUsed?(secret: Secret): void;
}

/** The day (UTC, `2026-01-31`) a token kept in a Secret was last used. */
export const lastUsedLabel = 'kubernetes.io/legacy-token-last-used';
/** Set on Secrets nobody used for long: their tokens are refused. */
const invalidSinceLabel = 'kubernetes.io/legacy-token-invalid-since';
const dayMs = 86_400_000;
const dayOf = (ms: number) => new Date(ms).toISOString().slice(0, 10);

/** What a review says of a token. */
export type TokenVerdict =
  | { readonly user: UserInfo; readonly audiences: readonly string[] }
  /** Undefined error: not a token of this issuer. */
  | { readonly error: string | undefined };

interface VerifiedToken {
  readonly namespace: string;
  readonly serviceAccount: NamedUid;
  readonly binding: TokenBinding;
  readonly audiences: readonly string[];
  readonly notBefore: number;
  readonly expires: number;
  readonly id: string;
}

const cacheSize = 4096;
/** Clocks of clients and servers differ a little. */
const leewaySeconds = 60;
/** A pod that is being deleted may still say goodbye. */
const deletionGraceMs = 60_000;

export class ServiceAccountTokens implements Authenticator {
  readonly issuer: string;
  readonly audiences: readonly string[];
  readonly keys: readonly VerifyingKey[];
  readonly #options: ServiceAccountTokensOptions;
  /** Tokens whose signature has been checked, by their hash; null: it is wrong. Oldest first. */
  readonly #verified = new Map<string, VerifiedToken | null>();

  constructor(options: ServiceAccountTokensOptions) {
    this.#options = options;
    this.issuer = options.issuer;
    this.audiences = options.audiences ?? [options.issuer];
    this.keys = [options.signingKey, ...(options.otherKeys ?? [])];
  }

  issue(request: TokenRequestParts): { token: string; expiresAtMs: number } {
    const { namespace, serviceAccount, binding } = request;
    const nowSeconds = Math.floor(this.#options.clock.now() / 1000);
    const expires = nowSeconds + request.expirationSeconds;
    const warnAfter = request.warnAfterSeconds && { warnafter: nowSeconds + request.warnAfterSeconds };
    const token = signToken(this.#options.signingKey, {
      aud: request.audiences,
      exp: expires,
      iat: nowSeconds,
      iss: this.issuer,
      jti: uuid(this.#options.random),
      'kubernetes.io': { namespace, ...binding, serviceaccount: serviceAccount, ...warnAfter },
      nbf: nowSeconds,
      sub: serviceAccountUsername(namespace, serviceAccount.name),
    });
    return { token, expiresAtMs: expires * 1000 };
  }

  async authenticate({ bearerToken }: { readonly bearerToken?: string }): Promise<UserInfo | undefined> {
    if (bearerToken === undefined) return undefined;
    const verdict = this.review(bearerToken, this.audiences);
    if ('user' in verdict) return verdict.user;
    if (verdict.error === undefined) return undefined;
    throw unauthorized();
  }

  /** Whether the token is good for one of the audiences now, and whose it is. */
  review(token: string, audiences: readonly string[]): TokenVerdict {
    if (readClaims(token)?.['iss'] !== this.issuer) return { error: undefined };
    const verified = this.#verify(token);
    if (!verified) return { error: 'failed to verify the token signature' };
    const common = verified.audiences.filter((audience) => audiences.includes(audience));
    if (common.length === 0) {
      const list = (names: readonly string[]) => `[${names.map((name) => JSON.stringify(name)).join(' ')}]`;
      return {
        error: `token audiences ${list(verified.audiences)} is invalid for the target audiences ${list(audiences)}`,
      };
    }
    const problem = this.#whyNotNow(verified);
    return problem ? { error: problem } : { user: userOf(verified), audiences: common };
  }

  #verify(token: string): VerifiedToken | null {
    const hash = createHash('sha256').update(token).digest('base64');
    let verified = this.#verified.get(hash);
    if (verified === undefined) {
      const claims = verifyToken(token, this.keys);
      verified = (claims && parseClaims(claims)) ?? null;
      if (this.#verified.size >= cacheSize) this.#verified.delete(this.#verified.keys().next().value!);
      this.#verified.set(hash, verified);
    }
    return verified;
  }

  #whyNotNow({ notBefore, expires, namespace, serviceAccount, binding }: VerifiedToken): string | undefined {
    const seconds = this.#options.clock.now() / 1000;
    if (seconds > expires + leewaySeconds) return 'service account token has expired';
    if (seconds < notBefore - leewaySeconds) return 'service account token is not valid yet';
    const isGone = !this.#isThere(serviceAccountKind, namespace, serviceAccount);
    if (isGone) return 'service account token has been invalidated';
    const { pod, node, secret } = binding;
    const isUnbound =
      (pod && !this.#isThere(podKind, namespace, pod)) ||
      (secret && !this.#isThere(secretKind, namespace, secret)) ||
      // A pod's node is told for information; a token bound to a node alone goes with it.
      (node && !pod && !this.#isThere(nodeKind, '', node));
    if (isUnbound) return 'service account token has been invalidated';
    return secret ? this.#whyNotKept(namespace, secret.name, serviceAccount.name) : undefined;
  }

  /** Notes the day of use, also when the token is refused. */
  #whyNotKept(namespace: string, name: string, account: string): string | undefined {
    const secret = this.#options.objects.find(secretKind, namespace, name);
    if (secret?.type !== 'kubernetes.io/service-account-token') return undefined;
    const labels = secret.metadata.labels ?? {};
    const now = this.#options.clock.now();
    // Servers' days differ around midnight.
    const isNoted = [dayOf(now), dayOf(now + dayMs)].includes(labels[lastUsedLabel] ?? '');
    if (!isNoted) this.#options.onSecretUsed?.(secret);
    if (!labels[invalidSinceLabel]) return undefined;
    return `the token in secret ${namespace}/${name} for service account ${namespace}/${account} has been marked invalid. Use tokens from the TokenRequest API or manually created secret-based tokens, or remove the '${invalidSinceLabel}' label from the secret to temporarily allow use of this token`;
  }

  #isThere(kind: KindRef<any>, namespace: string, { name, uid }: NamedUid): boolean {
    const object: KubernetesObject | undefined = this.#options.objects.find(kind, namespace, name);
    if (!object || object.metadata.uid !== uid) return false;
    const deletion = object.metadata.deletionTimestamp;
    return !deletion || Date.parse(deletion) + deletionGraceMs > this.#options.clock.now();
  }
}

function userOf({ namespace, serviceAccount, binding, id }: VerifiedToken): UserInfo {
  const extra: Record<string, string[]> = {};
  if (id) extra['authentication.kubernetes.io/credential-id'] = [`JTI=${id}`];
  for (const kind of ['node', 'pod'] as const) {
    const bound = binding[kind];
    if (!bound) continue;
    extra[`authentication.kubernetes.io/${kind}-name`] = [bound.name];
    if (bound.uid) extra[`authentication.kubernetes.io/${kind}-uid`] = [bound.uid];
  }
  return {
    username: serviceAccountUsername(namespace, serviceAccount.name),
    uid: serviceAccount.uid,
    groups: serviceAccountGroups(namespace),
    ...(Object.keys(extra).length > 0 ? { extra } : {}),
  };
}

/** Undefined when the claims are not those of a token that this server issues. */
function parseClaims(claims: Record<string, unknown>): VerifiedToken | undefined {
  const kubernetes = claims['kubernetes.io'] as Record<string, unknown> | undefined;
  const namespace = kubernetes?.['namespace'];
  const serviceAccount = named(kubernetes?.['serviceaccount']);
  const { exp, nbf, sub, jti, aud } = claims;
  if (!kubernetes || typeof namespace !== 'string' || !serviceAccount) return undefined;
  if (typeof exp !== 'number' || sub !== serviceAccountUsername(namespace, serviceAccount.name)) return undefined;
  const [pod, node, secret] = [named(kubernetes['pod']), named(kubernetes['node']), named(kubernetes['secret'])];
  return {
    namespace,
    serviceAccount,
    binding: { ...(node ? { node } : {}), ...(pod ? { pod } : {}), ...(secret ? { secret } : {}) },
    audiences: (Array.isArray(aud) ? aud : [aud]).filter((audience) => typeof audience === 'string'),
    notBefore: typeof nbf === 'number' ? nbf : 0,
    expires: exp,
    id: typeof jti === 'string' ? jti : '',
  };
}

function named(value: unknown): NamedUid | undefined {
  const { name, uid } = (value ?? {}) as Partial<NamedUid>;
  return typeof name === 'string' && typeof uid === 'string' ? { name, uid } : undefined;
}
