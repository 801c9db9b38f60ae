// Keys of the store below a prefix of etcd's.

export class EtcdKeys {
  readonly #prefix: string;

  /** `prefix` is put before every key. */
  constructor(prefix: string) {
    this.#prefix = prefix;
  }

  encode(key: string): Buffer {
    return Buffer.from(this.#prefix + key);
  }

  decode(key: Uint8Array): string {
    return Buffer.from(key.buffer, key.byteOffset, key.byteLength).toString().slice(this.#prefix.length);
  }

  /** First key and the one after the last, of all that start with `prefix`. */
  under(prefix: string): { key: Buffer; rangeEnd: Buffer } {
    const key = this.encode(prefix);
    return { key, rangeEnd: endOf(key) };
  }

  /** Those of them that come after `after`. */
  after(prefix: string, after: string): { key: Buffer; rangeEnd: Buffer } {
    const { key, rangeEnd } = this.under(prefix);
    const next = Buffer.concat([this.encode(after), Buffer.from([0])]);
    return { key: Buffer.compare(next, key) > 0 ? next : key, rangeEnd };
  }
}

function endOf(prefix: Buffer): Buffer {
  const end = Buffer.from(prefix);
  for (let at = end.length - 1; at >= 0; at--) {
    if (end[at]! < 0xff) {
      end[at]!++;
      return end.subarray(0, at + 1);
    }
  }
  return Buffer.from([0]); // all keys
}
