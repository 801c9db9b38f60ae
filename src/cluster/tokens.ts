// Bootstrap tokens, for `coracle token`: made, listed and deleted by the running server.
import { createHash, X509Certificate } from 'node:crypto';
import type { Secret } from '../../generated/core-v1.ts';
import { secretKind } from '../../generated/kinds.ts';
import {
  type BootstrapToken,
  bootstrapTokenName,
  bootstrapTokenNamespace,
  bootstrapTokenOf,
  bootstrapTokenType,
  bootstrapUsages,
  isBootstrapGroup,
  parseBootstrapToken,
} from '../api/core/bootstrap-token.ts';
import { isAlreadyExists, isNotFound } from '../api/meta/status-error.ts';
import { type Clock, rfc3339 } from '../base/clock.ts';
import type { Random } from '../base/random.ts';
import type { Client } from '../client/client.ts';
import { exitCodes, UserFailure } from './failure.ts';
import { joinGroup } from './join-objects.ts';
import type { ControlActions } from './socket/control-socket.ts';

export interface TokenLine {
  readonly token: string;
  readonly expires: string;
  readonly usages: readonly string[];
  readonly groups: readonly string[];
  readonly description: string;
}

export interface CreatedToken {
  readonly token: string;
  /** `192.0.2.2:6443` */
  readonly server: string;
  /** `sha256:…` of the authority's public key. */
  readonly caHash: string;
}

export interface TokensOptions {
  readonly admin: Client;
  readonly ca: string;
  readonly server: string;
  readonly clock: Clock;
  readonly random: Random;
}

/** Short: a token lets any machine in. kubeadm's last a day. */
const defaultTtlMs = 15 * 60_000;
const alphabet = 'abcdefghijklmnopqrstuvwxyz0123456789';

/** For the control socket. */
export function tokenActions(options: TokensOptions): ControlActions {
  return {
    'GET /tokens': () => listTokens(options),
    'POST /tokens/create': (_, query) => createToken(options, query),
    'POST /tokens/delete': (_, query) => deleteToken(options, query.get('token') ?? ''),
  };
}

async function createToken(options: TokensOptions, query: URLSearchParams): Promise<CreatedToken> {
  const { admin, clock, random, server, ca } = options;
  const wanted = query.get('token');
  const parsed = wanted === null ? generateToken(random) : parseBootstrapToken(wanted);
  if (!parsed) throw badToken(wanted ?? '');
  const groups = query.getAll('group');
  const usages = query.getAll('usage');
  const wrong = groups.find((group) => !isBootstrapGroup(group)) ?? usages.find((usage) => !isUsage(usage));
  if (wrong !== undefined) {
    const remedy = `groups begin with system:bootstrappers:, usages are ${bootstrapUsages.join(' and ')}`;
    throw new UserFailure(exitCodes.usage, 'E_TOKEN', `"${wrong}" is not for a bootstrap token`, remedy);
  }
  const ttlMs = Number(query.get('ttl-ms') ?? defaultTtlMs);
  const secret: Omit<Secret, 'metadata'> & { metadata: { namespace: string; name: string } } = {
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: { namespace: bootstrapTokenNamespace, name: bootstrapTokenName(parsed.id) },
    type: bootstrapTokenType,
    data: encoded({
      'token-id': parsed.id,
      'token-secret': parsed.secret,
      ...(ttlMs > 0 ? { expiration: rfc3339(clock.now() + ttlMs) } : {}),
      ...Object.fromEntries(
        (usages.length > 0 ? usages : bootstrapUsages).map((usage) => [`usage-bootstrap-${usage}`, 'true']),
      ),
      'auth-extra-groups': (groups.length > 0 ? groups : [joinGroup]).join(','),
      ...(query.get('description') ? { description: query.get('description')! } : {}),
    }),
  };
  await admin
    .resource(secretKind)
    .create(secret as Secret)
    .catch((error) => {
      if (!isAlreadyExists(error)) throw error;
      const remedy = `delete it first: coracle token delete ${parsed.id}`;
      throw new UserFailure(exitCodes.conflict, 'E_TOKEN_EXISTS', `there is a token "${parsed.id}" already`, remedy);
    });
  return { token: `${parsed.id}.${parsed.secret}`, server, caHash: caHashOf(ca) };
}

const isUsage = (text: string) => (bootstrapUsages as readonly string[]).includes(text);

const encoded = (data: Readonly<Record<string, string>>) =>
  Object.fromEntries(Object.entries(data).map(([key, text]) => [key, Buffer.from(text).toString('base64')]));

/** @returns a token that nobody has guessed */
export function generateToken(random: Random): Pick<BootstrapToken, 'id' | 'secret'> {
  const word = (length: number) => {
    let text = '';
    while (text.length < length) {
      // What is above the largest multiple of 36 would favour the first letters.
      for (const byte of random.bytes(length)) if (byte < 252 && text.length < length) text += alphabet[byte % 36];
    }
    return text;
  };
  return { id: word(6), secret: word(16) };
}

async function listTokens({ admin }: TokensOptions): Promise<TokenLine[]> {
  const { items } = await admin
    .resource(secretKind)
    .list({ namespace: bootstrapTokenNamespace, fieldSelector: `type=${bootstrapTokenType}` });
  return items
    .flatMap((secret) => bootstrapTokenOf(secret) ?? [])
    .map(({ id, secret, expiresMs, usages, groups, description }) => ({
      token: `${id}.${secret}`,
      expires: expiresMs === undefined ? '' : rfc3339(expiresMs),
      usages,
      groups,
      description,
    }));
}

/** By the whole token, or its first half. */
async function deleteToken({ admin }: TokensOptions, text: string): Promise<object> {
  const id = /^[a-z0-9]{6}$/.test(text) ? text : parseBootstrapToken(text)?.id;
  if (!id) throw badToken(text);
  const key = { namespace: bootstrapTokenNamespace, name: bootstrapTokenName(id) };
  await admin
    .resource(secretKind)
    .delete(key)
    .catch((error) => {
      if (!isNotFound(error)) throw error;
      const remedy = 'see them: coracle token list';
      throw new UserFailure(exitCodes.missing, 'E_NO_TOKEN', `there is no bootstrap token "${id}"`, remedy);
    });
  return { id };
}

function badToken(text: string): UserFailure {
  // The text may be a token with a slip: it is not repeated.
  const message = text === '' ? 'no token was named' : 'that is no bootstrap token';
  return new UserFailure(exitCodes.usage, 'E_TOKEN', message, 'tokens look like this: abcdef.0123456789abcdef');
}

/** The pin that joining machines hold the authority against: the digest of its public key. */
export function caHashOf(pem: string): string {
  const spki = new X509Certificate(pem).publicKey.export({ type: 'spki', format: 'der' });
  return `sha256:${createHash('sha256').update(spki).digest('hex')}`;
}
