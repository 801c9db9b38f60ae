// What an ExternalName leads to outside the cluster: asked like a client's own question, and read.
import * as packets from 'dns-packet';
import { type Query, typeNumbers } from './message.ts';
import { questionAbout } from './question.ts';
import type { ResourceRecord } from './resource-record.ts';

/** The same question about another name. @throws for what is no name */
export function questionFor(query: Query, name: string): Query | undefined {
  if (!(query.type in typeNumbers)) return undefined;
  return { ...questionAbout(name, query.type as keyof typeof typeNumbers), recursionDesired: query.recursionDesired };
}

/** The records of an answer that we know how to pass on. */
export function readAnswers(reply: Buffer): ResourceRecord[] {
  const { answers = [] } = packets.decode(reply);
  return answers
    .filter(({ type }) => type === 'A' || type === 'AAAA' || type === 'CNAME')
    .map((answer) => ({ ...(answer as { name: string; type: 'A'; data: string; ttl?: number }), ttl: 5 }));
}
