// What an ExternalName leads to outside the cluster: asked like a client's own question, and read.
import * as packets from 'dns-packet';
import type { Query } from './message.ts';
import type { ResourceRecord } from './resource-record.ts';

/** The same question about another name. */
export function encodeQuestionFor(query: Query, name: string): Query {
  const packet = packets.encode({
    type: 'query',
    questions: [{ name, type: query.type as packets.RecordType, class: 'IN' }],
  });
  return { ...query, name, rawQuestion: packet.subarray(12) };
}

/** The records of an answer that we know how to pass on. */
export function readAnswers(reply: Buffer): ResourceRecord[] {
  const { answers = [] } = packets.decode(reply);
  return answers
    .filter(({ type }) => type === 'A' || type === 'AAAA' || type === 'CNAME')
    .map((answer) => ({ ...(answer as { name: string; type: 'A'; data: string; ttl?: number }), ttl: 5 }));
}
