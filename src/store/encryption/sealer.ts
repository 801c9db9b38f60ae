// Seals and opens the values of each resource, as a configuration says.
import type { Clock } from '../../base/clock.ts';
import { type Cipher, createCipher } from './ciphers.ts';
import {
  type EncryptionConfiguration,
  type EncryptionRule,
  type Provider,
  ruleFor,
  socketOf,
} from './configuration.ts';

/** A stored value could not be opened: the key is missing, or the bytes were changed or moved. */
export class UnreadableValueError extends Error {
  constructor(key: string, problem: string) {
    super(`unable to transform key ${JSON.stringify(key)}: ${problem}`);
    this.name = 'UnreadableValueError';
  }
}

export interface Opened {
  readonly value: Uint8Array;
  /** Not as the first provider would write it today. */
  readonly isStale: boolean;
}

/** One resource's. */
interface Providers {
  /** Undefined: values are written as they are. */
  readonly writer: { readonly mark: Buffer; readonly cipher: Cipher } | undefined;
  /** By mark. */
  readonly readers: ReadonlyMap<string, Cipher>;
  readonly readsPlain: boolean;
}

const sealedMark = Buffer.from('k8s:enc:');
/** `k8s:enc:aesgcm:v1:NAME:` has five colons before the bytes. */
const colons = 5;

/** What is stored was sealed by some provider. Objects are JSON: none begins like this. */
export function isSealed(stored: Uint8Array): boolean {
  if (stored[0] !== sealedMark[0] || stored.length < sealedMark.length) return false;
  return sealedMark.equals(stored.subarray(0, sealedMark.length));
}

/** The mark before the sealed bytes: which cipher, which key. */
export function markOf(stored: Uint8Array): string | undefined {
  let seen = 0;
  const end = Math.min(stored.length, 256);
  for (let at = 0; at < end; at++) {
    if (stored[at] === 0x3a && ++seen === colons) return Buffer.from(stored.subarray(0, at + 1)).toString();
  }
  return undefined;
}

export class Sealer {
  readonly configuration: EncryptionConfiguration;
  readonly #byRule: ReadonlyMap<EncryptionRule, Providers>;
  /** By `GROUP/RESOURCE`; null: not encrypted. */
  readonly #byResource = new Map<string, Providers | null>();

  private constructor(configuration: EncryptionConfiguration, byRule: ReadonlyMap<EncryptionRule, Providers>) {
    this.configuration = configuration;
    this.#byRule = byRule;
  }

  /**
   * @param clock for key services; where there are none it is not looked at
   * @param signal ends waiting for them
   * @throws KeyServiceError
   */
  static async create(configuration: EncryptionConfiguration, clock?: Clock, signal?: AbortSignal): Promise<Sealer> {
    const byRule = new Map<EncryptionRule, Providers>();
    const sealer = new Sealer(configuration, byRule);
    try {
      for (const rule of configuration.rules) byRule.set(rule, await providersOf(rule, clock, signal));
    } catch (error) {
      sealer.close();
      throw error;
    }
    return sealer;
  }

  /** Why values could not be written or read: a key service is not well. */
  get problem(): string | undefined {
    for (const cipher of this.#ciphers()) if (cipher.problem) return cipher.problem;
    return undefined;
  }

  /** Lets go of key services. */
  close(): void {
    for (const cipher of this.#ciphers()) cipher.close?.();
  }

  *#ciphers(): Generator<Cipher> {
    for (const { readers } of this.#byRule.values()) yield* readers.values();
  }

  #providers(group: string, resource: string): Providers | null {
    const name = `${group}/${resource}`;
    let found = this.#byResource.get(name);
    if (found === undefined) {
      const rule = ruleFor(this.configuration, group, resource);
      found = rule ? this.#byRule.get(rule)! : null;
      this.#byResource.set(name, found);
    }
    return found;
  }

  /** Whether values of this resource are written sealed. */
  seals(group: string, resource: string): boolean {
    return this.#providers(group, resource)?.writer !== undefined;
  }

  seal(group: string, resource: string, key: string, plain: Uint8Array): Uint8Array {
    const writer = this.#providers(group, resource)?.writer;
    return writer ? Buffer.concat([writer.mark, writer.cipher.seal(plain, key)]) : plain;
  }

  /** Whether a provider of this resource has the key that the value was sealed with. */
  knows(group: string, resource: string, stored: Uint8Array): boolean {
    const providers = this.#providers(group, resource);
    if (!isSealed(stored)) return !providers || providers.readsPlain;
    return providers?.readers.has(markOf(stored) ?? '') === true;
  }

  /** Undefined: the value may be opened. Else it may when this has settled. @throws UnreadableValueError */
  prepare(group: string, resource: string, key: string, stored: Uint8Array): Promise<void> | undefined {
    if (!isSealed(stored)) return undefined;
    const mark = markOf(stored) ?? '';
    const cipher = this.#providers(group, resource)?.readers.get(mark);
    if (!cipher?.prepare) return undefined;
    const unreadable = (error: Error) => new UnreadableValueError(key, error.message);
    try {
      return cipher.prepare(stored.subarray(mark.length))?.catch((error) => {
        throw unreadable(error as Error);
      });
    } catch (error) {
      throw unreadable(error as Error);
    }
  }

  /** After `prepare`. @throws UnreadableValueError */
  open(group: string, resource: string, key: string, stored: Uint8Array): Opened {
    const providers = this.#providers(group, resource);
    if (!isSealed(stored)) {
      if (providers && !providers.readsPlain) throw new UnreadableValueError(key, 'no matching prefix found');
      return { value: stored, isStale: providers?.writer !== undefined };
    }
    const mark = markOf(stored) ?? '';
    const cipher = providers?.readers.get(mark);
    if (!cipher) {
      throw new UnreadableValueError(key, `no matching key was found: it was sealed as ${JSON.stringify(mark)}`);
    }
    try {
      const sealed = stored.subarray(mark.length);
      const value = cipher.open(sealed, key);
      return { value, isStale: providers?.writer?.cipher !== cipher || cipher.isStale?.(sealed) === true };
    } catch (error) {
      throw new UnreadableValueError(key, (error as Error).message);
    }
  }
}

async function providersOf(
  { providers }: EncryptionRule,
  clock: Clock | undefined,
  signal: AbortSignal | undefined,
): Promise<Providers> {
  const readers = new Map<string, Cipher>();
  let writer: Providers['writer'];
  const add = (mark: string, cipher: Cipher, isWriter: boolean) => {
    if (!readers.has(mark)) readers.set(mark, cipher);
    if (isWriter) writer = { mark: Buffer.from(mark), cipher };
  };
  try {
    for (const [index, provider] of providers.entries()) {
      const { type, keys, service } = provider;
      if (service) {
        add(`k8s:enc:kms:v2:${service.name}:`, await keyServiceCipher(provider, clock, signal), index === 0);
      }
      for (const [position, key] of keys.entries()) {
        add(`k8s:enc:${type}:v1:${key.name}:`, await createCipher(type, key), index === 0 && position === 0);
      }
    }
  } catch (error) {
    for (const cipher of readers.values()) cipher.close?.();
    throw error;
  }
  return { writer, readers, readsPlain: providers.some(({ type }) => type === 'identity') };
}

/** A key service does not answer, or not as it must. */
export class KeyServiceError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'KeyServiceError';
  }
}

/** A service that starts beside the cluster may take this long. */
const servicePatienceMs = 30_000;

async function keyServiceCipher(
  { service }: Provider,
  clock: Clock | undefined,
  signal: AbortSignal | undefined,
): Promise<Cipher> {
  if (!service || !clock) throw new Error('a key service needs settings and a clock');
  const { connectKeyService } = await import('./kms/key-service.ts');
  const { EnvelopeCipher } = await import('./kms/envelope.ts');
  const { name, timeoutMs } = service;
  const cipher = new EnvelopeCipher({ name, service: connectKeyService(socketOf(service), timeoutMs), clock });
  const giveUp = () => cipher.close();
  signal?.addEventListener('abort', giveUp, { once: true });
  try {
    signal?.throwIfAborted();
    await cipher.begin(servicePatienceMs);
  } catch (error) {
    cipher.close();
    throw new KeyServiceError((error as Error).message);
  } finally {
    signal?.removeEventListener('abort', giveUp);
  }
  return cipher;
}
