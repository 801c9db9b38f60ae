// Questions as we ask them, and how to tell whether an answer is to them.
import { headerBytes, largestUdpBytes, type Query, skipName, typeNumbers } from './message.ts';

/** The same question with room for an id. */
export function encodeQuestion(query: Query): Buffer {
  const header = Buffer.alloc(headerBytes);
  header.writeUInt16BE(0x0100, 2); // recursion desired
  header.writeUInt16BE(1, 4);
  if (!query.edns) return Buffer.concat([header, query.rawQuestion]);
  header.writeUInt16BE(1, 10);
  const opt = Buffer.from([0, 0, 41, largestUdpBytes >> 8, largestUdpBytes & 255, 0, 0, 0, 0, 0, 0]);
  return Buffer.concat([header, query.rawQuestion, opt]);
}

/** A question of our own. @throws for what is no name */
export function questionAbout(name: string, type: keyof typeof typeNumbers): Query {
  const labels = name.split('.').map((label) => Buffer.from(label, 'latin1'));
  if (name.length > 253 || labels.some(({ length }) => length === 0 || length > 63)) throw new Error('no name');
  const parts = labels.flatMap((label) => [Buffer.from([label.length]), label]);
  const rawQuestion = Buffer.concat([...parts, Buffer.from([0, 0, typeNumbers[type], 0, 1])]);
  return { id: 0, name: name.toLowerCase(), type, isInternet: true, recursionDesired: true, rawQuestion };
}

/** An answer to this very question, and nothing else. */
export function isAnswerTo(question: Buffer, candidate: Buffer): boolean {
  if (candidate.length < headerBytes || candidate.readUInt16BE(0) !== question.readUInt16BE(0)) return false;
  if ((candidate.readUInt16BE(2) & 0x8000) === 0 || candidate.readUInt16BE(4) !== 1) return false;
  const end = skipName(question, headerBytes) + 4;
  const asked = question.toString('latin1', headerBytes, end);
  const echoed = candidate.toString('latin1', headerBytes, end);
  return asked === echoed || asked.toLowerCase() === echoed.toLowerCase();
}
