// Sealing with the help of a key service, as upstream's v2 does it: a seed is made here and sealed there, a key of each
// value is derived from the seed, and the sealed seed is stored with every value. The service is asked once for each seed,
// never for a value.
import { createCipheriv, createDecipheriv, createHash, createHmac, randomBytes, randomUUID } from 'node:crypto';
import type { Clock } from '../../../base/clock.ts';
import type { Cipher } from '../ciphers.ts';
import type { KeyService } from './key-service.ts';
import {
  type Annotations,
  decodeMessage,
  type Envelope,
  encodeMessage,
  type StatusAnswer,
  sourceTypes,
} from './protocol.ts';

export interface EnvelopeOptions {
  readonly name: string;
  readonly service: KeyService;
  readonly clock: Clock;
}

const nonceBytes = 12;
const tagBytes = 16;
const seedBytes = 32;
const infoBytes = 32;

const healthyIntervalMs = 60_000;
const unhealthyIntervalMs = 10_000;
/** How long a seed writes after the service was last well. */
const seedLifeMs = 180_000;
const maxSeeds = 2000;
const maxKeyIdBytes = 1024;
const maxSourceBytes = 1024;
const maxAnnotationsBytes = 32 << 10;

interface WriterSeed {
  readonly seed: Buffer;
  readonly keyId: string;
  readonly source: Uint8Array;
  readonly annotations: Annotations;
  validUntilMs: number;
}

const hashed = (keyId: string): string => (keyId ? `sha256:${createHash('sha256').update(keyId).digest('hex')}` : '');

export class EnvelopeCipher implements Cipher {
  readonly #options: EnvelopeOptions;
  /** Opened by the service, by what it was given: the oldest go first. */
  readonly #seeds = new Map<string, Buffer>();
  readonly #opening = new Map<string, Promise<void>>();
  readonly #closing = new AbortController();
  #writer: WriterSeed | undefined;
  #problem: string | undefined = 'has not been asked yet';

  constructor(options: EnvelopeOptions) {
    this.#options = options;
  }

  /** Why the service can not be relied on; undefined: all is well. */
  get problem(): string | undefined {
    return this.#problem && `the key service ${this.#options.name}: ${this.#problem}`;
  }

  /** Asks until the service answers, and goes on asking how it is. @throws when it does not answer in time */
  async begin(patienceMs: number): Promise<void> {
    const { clock } = this.#options;
    const deadline = clock.monotonicMs() + patienceMs;
    for (;;) {
      await this.#look();
      if (!this.#problem) break;
      if (this.#closing.signal.aborted || clock.monotonicMs() > deadline) throw new Error(this.problem);
      await clock.sleep(500, this.#closing.signal);
    }
    void this.#watch();
  }

  close(): void {
    this.#closing.abort();
    this.#options.service.close();
  }

  async #watch(): Promise<void> {
    const { signal } = this.#closing;
    while (!signal.aborted) {
      await this.#options.clock.sleep(this.#problem ? unhealthyIntervalMs : healthyIntervalMs, signal);
      if (!signal.aborted) await this.#look();
    }
  }

  async #look(): Promise<void> {
    try {
      const status = await this.#options.service.status();
      const problem = problemOf(status);
      if (problem) throw new Error(problem);
      if (this.#writer?.keyId === status.keyId) this.#writer.validUntilMs = this.#lifeEnd();
      else await this.#renew();
      this.#problem = undefined;
    } catch (error) {
      this.#problem = (error as Error).message;
    }
  }

  #lifeEnd(): number {
    return this.#options.clock.monotonicMs() + seedLifeMs;
  }

  /** A new seed, sealed by the service with the key it has now. */
  async #renew(): Promise<void> {
    const seed = randomBytes(seedBytes);
    const { ciphertext, keyId, annotations } = await this.#options.service.encrypt(seed, randomUUID());
    const fields = { keyID: keyId, encryptedDEKSource: ciphertext, annotations };
    const problem = problemOfSource(fields);
    if (problem) throw new Error(`failed to encrypt DEK, error: ${problem}`);
    this.#writer = { seed, keyId, source: ciphertext, annotations, validUntilMs: this.#lifeEnd() };
    this.#keep(placeOf(fields), seed);
  }

  #keep(place: string, seed: Buffer): void {
    this.#seeds.delete(place);
    this.#seeds.set(place, seed);
    if (this.#seeds.size > maxSeeds) this.#seeds.delete(this.#seeds.keys().next().value!);
  }

  /** Undefined when what is needed to open it is here; else settles when it is. */
  prepare(sealed: Uint8Array): Promise<void> | undefined {
    const envelope = read(sealed);
    const place = placeOf(envelope);
    if (this.#seeds.has(place)) return undefined;
    let opening = this.#opening.get(place);
    if (!opening) {
      const { encryptedDEKSource: ciphertext, keyID: keyId, annotations } = envelope;
      opening = this.#options.service
        .decrypt({ ciphertext, keyId, annotations }, randomUUID())
        .then((seed) => this.#keep(place, seed))
        .finally(() => this.#opening.delete(place));
      this.#opening.set(place, opening);
    }
    return opening.catch((error: Error) => {
      throw new Error(`failed to decrypt DEK, error: ${error.message}`);
    });
  }

  seal(plain: Uint8Array, boundTo: string): Uint8Array {
    const writer = this.#writer;
    if (!writer || this.#options.clock.monotonicMs() > writer.validUntilMs) {
      throw new Error(`encryptedDEKSource with keyID hash "${hashed(writer?.keyId ?? '')}" expired`);
    }
    const info = randomBytes(infoBytes);
    const nonce = randomBytes(nonceBytes);
    const cipher = createCipheriv('aes-256-gcm', derive(writer.seed, info), nonce, { authTagLength: tagBytes });
    cipher.setAAD(Buffer.from(boundTo));
    return encodeMessage('EncryptedObject', {
      encryptedData: Buffer.concat([info, nonce, cipher.update(plain), cipher.final(), cipher.getAuthTag()]),
      keyID: writer.keyId,
      encryptedDEKSource: writer.source,
      annotations: writer.annotations,
      encryptedDEKSourceType: sourceTypes.seed,
    });
  }

  /** After `prepare`. */
  open(sealed: Uint8Array, boundTo: string): Uint8Array {
    const envelope = read(sealed);
    const source = this.#seeds.get(placeOf(envelope));
    if (!source) throw new Error('the key service has not been asked for its key');
    const { encryptedData: data } = envelope;
    const isSeed = envelope.encryptedDEKSourceType === sourceTypes.seed;
    const start = isSeed ? infoBytes : 0;
    if (data.length < start + nonceBytes + tagBytes)
      throw new Error('the stored data was shorter than the required size');
    const key = isSeed ? derive(source, data.subarray(0, infoBytes)) : source;
    return openGcm(key, data.subarray(start), boundTo);
  }

  /** Whether it would be sealed with another key of the service today, or in another way. */
  isStale(sealed: Uint8Array): boolean {
    const { keyID, encryptedDEKSourceType } = read(sealed);
    return keyID !== this.#writer?.keyId || encryptedDEKSourceType !== sourceTypes.seed;
  }
}

/** The second half of HKDF with SHA-256: the seed is random already. */
const derive = (seed: Buffer, info: Uint8Array): Buffer =>
  createHmac('sha256', seed).update(info).update(Buffer.of(1)).digest();

function openGcm(key: Buffer, data: Uint8Array, boundTo: string): Buffer {
  const bits = (key.length * 8) as 128 | 192 | 256;
  const end = data.length - tagBytes;
  try {
    const decipher = createDecipheriv(`aes-${bits}-gcm`, key, data.subarray(0, nonceBytes), {
      authTagLength: tagBytes,
    });
    decipher.setAAD(Buffer.from(boundTo));
    decipher.setAuthTag(data.subarray(end));
    return Buffer.concat([decipher.update(data.subarray(nonceBytes, end)), decipher.final()]);
  } catch {
    throw new Error('cipher: message authentication failed');
  }
}

function read(sealed: Uint8Array): Envelope {
  let envelope: Envelope;
  try {
    envelope = decodeMessage<Envelope>('EncryptedObject', sealed);
  } catch {
    throw new Error('what is stored is no sealed object');
  }
  const type = envelope.encryptedDEKSourceType;
  if (type !== sourceTypes.key && type !== sourceTypes.seed) throw new Error(`unknown encryptedDEKSourceType: ${type}`);
  if (envelope.encryptedData.length === 0) throw new Error('encrypted data is empty');
  const problem = problemOfSource(envelope);
  if (problem) throw new Error(problem);
  return envelope;
}

type Source = Pick<Envelope, 'keyID' | 'encryptedDEKSource' | 'annotations'>;

/** What a seed is found by: all that the service is told about it. */
function placeOf({ keyID, encryptedDEKSource, annotations }: Source): string {
  const hash = createHash('sha256');
  const annotated = Object.keys(annotations).sort();
  for (const part of [encryptedDEKSource, keyID, ...annotated.flatMap((name) => [name, annotations[name]!])]) {
    hash.update(`${Buffer.byteLength(part)}:`).update(part);
  }
  return hash.digest('base64');
}

function problemOfSource({ keyID, encryptedDEKSource: { length }, annotations }: Source): string | undefined {
  if (length === 0) return 'failed to validate encrypted DEK source: encrypted DEK source is empty';
  if (length > maxSourceBytes) {
    return `failed to validate encrypted DEK source: encrypted DEK source is ${length} bytes, which exceeds the max size of ${maxSourceBytes}`;
  }
  const badKeyId = problemOfKeyId(keyID);
  if (badKeyId) return `failed to validate key id: ${badKeyId}`;
  let total = 0;
  for (const [name, value] of Object.entries(annotations)) {
    if (!/^[a-z0-9](?:[-a-z0-9.]*[a-z0-9])?$/.test(name) || !name.includes('.')) {
      return `failed to validate annotations: ${JSON.stringify(name)} should be a domain with at least two segments separated by dots`;
    }
    total += name.length + value.length;
  }
  if (total <= maxAnnotationsBytes) return undefined;
  return `failed to validate annotations: total size of annotations is ${total}, which exceeds the max size of ${maxAnnotationsBytes}`;
}

function problemOfKeyId(keyId: string): string | undefined {
  const bytes = Buffer.byteLength(keyId);
  if (bytes === 0) return 'keyID is empty';
  return bytes > maxKeyIdBytes ? `keyID is ${bytes} bytes, which exceeds the max size of ${maxKeyIdBytes}` : undefined;
}

function problemOf({ healthz, version, keyId }: StatusAnswer): string | undefined {
  if (healthz !== 'ok') return `got unexpected healthz status: ${healthz}`;
  if (version !== 'v2' && version !== 'v2beta1') return `expected KMSv2 API version v2, got ${version}`;
  const problem = problemOfKeyId(keyId);
  return problem && `got invalid KMSv2 KeyID hash "${hashed(keyId)}": ${problem}`;
}
