// Seals and opens the values of each resource, as a configuration says.
import { type Cipher, createCipher } from './ciphers.ts';
import { type EncryptionConfiguration, type EncryptionRule, ruleFor } from './configuration.ts';

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

  static async create(configuration: EncryptionConfiguration): Promise<Sealer> {
    const byRule = new Map<EncryptionRule, Providers>();
    for (const rule of configuration.rules) byRule.set(rule, await providersOf(rule));
    return new Sealer(configuration, byRule);
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

  /** @throws UnreadableValueError */
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
      const value = cipher.open(stored.subarray(mark.length), key);
      return { value, isStale: providers?.writer?.cipher !== cipher };
    } catch (error) {
      throw new UnreadableValueError(key, (error as Error).message);
    }
  }
}

async function providersOf({ providers }: EncryptionRule): Promise<Providers> {
  const readers = new Map<string, Cipher>();
  let writer: Providers['writer'];
  for (const [index, { type, keys }] of providers.entries()) {
    for (const [position, key] of keys.entries()) {
      const mark = `k8s:enc:${type}:v1:${key.name}:`;
      const cipher = await createCipher(type, key);
      if (!readers.has(mark)) readers.set(mark, cipher);
      if (index === 0 && position === 0) writer = { mark: Buffer.from(mark), cipher };
    }
  }
  return { writer, readers, readsPlain: providers.some(({ type }) => type === 'identity') };
}
