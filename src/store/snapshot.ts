// A snapshot: everything at one revision, as the engine holds it (sealed values stay sealed), in a file that knows whether
// it is whole. A line of JSON; then a record for each key: lengths of key and value, the revisions it was made and last
// changed at, key, value; an empty key ends them, with their number; then the SHA-256 of all that came before.
import { createHash, type Hash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { isSealed, markOf } from './encryption/sealer.ts';
import type { Store, StoredValue } from './store.ts';

export interface SnapshotHeader {
  readonly format: 'coracle-snapshot';
  readonly version: 1;
  readonly revision: number;
  /** RFC 3339. */
  readonly takenAt: string;
}

export interface SnapshotSummary extends SnapshotHeader {
  readonly keys: number;
  readonly sizeBytes: number;
  readonly sha256: string;
  /** Marks of the keys that sealed values in it need: `k8s:enc:aesgcm:v1:NAME:`. */
  readonly sealedBy: readonly string[];
}

const pageRows = 500;
const headBytes = 4 + 4 + 8 + 8;
const digestBytes = 32;
const maxHeaderBytes = 4096;

/** The bytes of a snapshot of all keys below `prefix`, while writes go on. */
export async function* writeSnapshot(store: Store, takenAt: string, prefix = '/'): AsyncGenerator<Buffer> {
  const hash = createHash('sha256');
  const hashed = (bytes: Buffer) => {
    hash.update(bytes);
    return bytes;
  };
  let page = await store.range({ prefix, limit: pageRows });
  const { revision } = page;
  const header: SnapshotHeader = { format: 'coracle-snapshot', version: 1, revision, takenAt };
  yield hashed(Buffer.from(`${JSON.stringify(header)}\n`));
  let keys = 0;
  for (;;) {
    keys += page.items.length;
    if (page.items.length > 0) yield hashed(Buffer.concat(page.items.flatMap(recordOf)));
    if (page.remaining === 0) break;
    page = await store.range({ prefix, limit: pageRows, revision, after: page.items.at(-1)!.key });
  }
  yield hashed(headOf(0, 0, keys, 0));
  yield hash.digest();
}

function recordOf({ key, value, createRevision, modRevision }: StoredValue): Uint8Array[] {
  const name = Buffer.from(key);
  return [headOf(name.length, value.length, createRevision, modRevision), name, value];
}

function headOf(keyBytes: number, valueBytes: number, created: number, modified: number): Buffer {
  const head = Buffer.alloc(headBytes);
  head.writeUInt32LE(keyBytes, 0);
  head.writeUInt32LE(valueBytes, 4);
  head.writeBigUInt64LE(BigInt(created), 8);
  head.writeBigUInt64LE(BigInt(modified), 16);
  return head;
}

/** The file is no snapshot, or not a whole one. */
export class SnapshotError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'SnapshotError';
  }
}

/** Reads a whole snapshot and checks it. @throws SnapshotError */
export async function verifySnapshot(file: string): Promise<SnapshotSummary> {
  const hash = createHash('sha256');
  const reader = new SnapshotReader(file, hash);
  const header = await reader.header();
  const sealedBy = new Set<string>();
  let keys = 0;
  for await (const { value } of reader.items()) {
    keys++;
    if (isSealed(value)) sealedBy.add(markOf(value) ?? '');
  }
  const { count, sizeBytes, sha256 } = reader.end!;
  if (count !== keys) throw new SnapshotError(`it says it has ${count} keys and has ${keys}`);
  return { ...header, keys, sizeBytes, sha256, sealedBy: [...sealedBy] };
}

/** What a snapshot holds; verify it first. */
export async function* readSnapshot(file: string): AsyncGenerator<StoredValue> {
  const reader = new SnapshotReader(file, createHash('sha256'));
  await reader.header();
  yield* reader.items();
}

class SnapshotReader {
  readonly #chunks: AsyncIterator<Buffer>;
  readonly #hash: Hash;
  #rest: Buffer = Buffer.alloc(0);
  #sizeBytes = 0;
  end: { count: number; sizeBytes: number; sha256: string } | undefined;

  constructor(file: string, hash: Hash) {
    this.#chunks = createReadStream(file, { highWaterMark: 1 << 20 })[Symbol.asyncIterator]() as AsyncIterator<Buffer>;
    this.#hash = hash;
  }

  async header(): Promise<SnapshotHeader> {
    let end = -1;
    while (end < 0) {
      end = this.#rest.indexOf(0x0a);
      if (end < 0 && (this.#rest.length > maxHeaderBytes || !(await this.#more()))) break;
    }
    const line = end < 0 ? '' : (await this.#take(end + 1)).toString();
    try {
      const header = JSON.parse(line) as SnapshotHeader;
      if (header.format === 'coracle-snapshot' && header.version === 1) return header;
    } catch {
      // said below
    }
    throw new SnapshotError('it is no snapshot');
  }

  async *items(): AsyncGenerator<StoredValue> {
    for (;;) {
      const head = await this.#take(headBytes);
      const [keyBytes, valueBytes] = [head.readUInt32LE(0), head.readUInt32LE(4)];
      const [first, second] = [Number(head.readBigUInt64LE(8)), Number(head.readBigUInt64LE(16))];
      if (keyBytes === 0) return this.#finish(first);
      if (keyBytes > 1 << 16 || valueBytes > 1 << 28) throw new SnapshotError('it is damaged');
      const body = await this.#take(keyBytes + valueBytes);
      const key = body.toString('utf8', 0, keyBytes);
      yield { key, value: body.subarray(keyBytes), createRevision: first, modRevision: second };
    }
  }

  async #finish(count: number): Promise<void> {
    const expected = this.#hash.digest();
    const found = await this.#take(digestBytes, false);
    if (!expected.equals(found)) throw new SnapshotError('its checksum is wrong: it is damaged');
    if (this.#rest.length > 0 || (await this.#more())) throw new SnapshotError('something follows its end');
    this.end = { count, sizeBytes: this.#sizeBytes, sha256: expected.toString('hex') };
  }

  async #more(): Promise<boolean> {
    const { done, value } = await this.#chunks.next();
    if (done) return false;
    this.#sizeBytes += value.length;
    this.#rest = this.#rest.length > 0 ? Buffer.concat([this.#rest, value]) : value;
    return true;
  }

  async #take(size: number, isHashed = true): Promise<Buffer> {
    while (this.#rest.length < size) if (!(await this.#more())) throw new SnapshotError('it breaks off');
    const taken = this.#rest.subarray(0, size);
    this.#rest = this.#rest.subarray(size);
    if (isHashed) this.#hash.update(taken);
    return taken;
  }
}
