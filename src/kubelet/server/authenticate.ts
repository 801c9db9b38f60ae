// Who asks the node API: a client certificate, else a token that the API server knows. Answers about tokens are kept for a while.
import { createHash } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import type { TLSSocket } from 'node:tls';
import { tokenReviewKind } from '../../../generated/kinds.ts';
import type { Clock } from '../../base/clock.ts';
import type { Client } from '../../client/client.ts';
import { AnswerCache } from './answer-cache.ts';

export interface NodeCaller {
  readonly username: string;
  readonly uid?: string;
  readonly groups: readonly string[];
  readonly extra?: Readonly<Record<string, readonly string[]>>;
}

/** Undefined: nobody that is known. */
export type NodeAuthenticate = (request: IncomingMessage) => Promise<NodeCaller | undefined>;

/** Upstream's default. */
const tokenMs = 120_000;
const maxTokenLetters = 16_384;

/** Who a verified certificate names. */
export function callerByCertificate(request: IncomingMessage): NodeCaller | undefined {
  const socket = request.socket as TLSSocket;
  if (!socket.authorized) return undefined;
  const { CN, O } = socket.getPeerCertificate().subject as { CN?: string; O?: string | string[] };
  if (!CN) return undefined;
  return { username: CN, groups: [...(O === undefined ? [] : [O].flat()), 'system:authenticated'] };
}

/** Certificates, then tokens by TokenReview. */
export function createAuthentication(client: Client, clock: Clock): NodeAuthenticate {
  const answers = new AnswerCache<NodeCaller | undefined>(clock);
  return async (request) => {
    const caller = callerByCertificate(request);
    if (caller) return caller;
    const [, token] = /^bearer +([^\s]+)\s*$/i.exec(request.headers.authorization ?? '') ?? [];
    if (!token || token.length > maxTokenLetters) return undefined;
    // Not the token itself: what is kept in memory must not open anything.
    const key = createHash('sha256').update(token).digest('base64');
    return answers.get(key, tokenMs, () => review(client, token));
  };
}

async function review(client: Client, token: string): Promise<NodeCaller | undefined> {
  const { status } = await client.resource(tokenReviewKind).create({ metadata: { name: '' }, spec: { token } });
  if (!status?.authenticated || !status.user?.username) return undefined;
  const { username, uid, groups = [], extra } = status.user;
  return { username, groups, ...(uid ? { uid } : {}), ...(extra ? { extra } : {}) };
}
