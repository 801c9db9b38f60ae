// Makes two runs of a scenario comparable: generated names, hashes, addresses and times become placeholders.
import { X509Certificate } from 'node:crypto';

const uuid = /[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}/g;
const time = /\b\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:\d\d)/g;
/** But for the ranges that documentation uses: scenarios write those themselves. */
const address = /\b(?!192\.0\.2\.|198\.51\.100\.|203\.0\.113\.)(?:\d{1,3}\.){3}\d{1,3}\b/g;
const suffix = '[bcdfghjklmnpqrstvwxz2456789]{5}(?![a-z0-9])';
const dropped = new Set(['resourceVersion', 'managedFields', 'selfLink']);
const sets = new Set(['finalizers', 'subsets', 'endpoints', 'addresses', 'notReadyAddresses', 'victims']);
const nodePorts = { first: 30_000, last: 32_767 };

export class Names {
  readonly #namespace: string;
  readonly #hashes = new Map<string, string>();
  readonly #bases = new Set<string>();
  readonly #writtenPorts = new Set<number>();

  constructor(namespace: string) {
    this.#namespace = namespace;
  }

  /** A hash of a revision: numbered in order of appearance. */
  learnHash(hash: string | undefined): void {
    if (hash && !this.#hashes.has(hash)) this.#hashes.set(hash, `<hash-${this.#hashes.size + 1}>`);
  }

  /** What the scenario made: a name like `web-x7k2p` is then known to come from `web`. */
  learnBase(name: string | undefined): void {
    if (name) this.#bases.add(name.replaceAll(this.#namespace, '{ns}'));
  }

  /** A port that the scenario chose, not the server. */
  learnPort(port: number): void {
    this.#writtenPorts.add(port);
  }

  text(value: string): string {
    let text = value.replaceAll(this.#namespace, '{ns}');
    text = text.replace(uuid, '<uid>').replace(time, '<time>').replace(address, '<ip>');
    for (const [hash, placeholder] of this.#hashes) text = text.replaceAll(hash, placeholder);
    for (const base of this.#bases) if (text.includes(base)) text = maskSuffixes(text, base);
    return text
      .replace(/^NewReplicaSetCreated$/, 'ReplicaSetUpdated')
      .replace(/^Created new replica set ("\S+")$/, 'ReplicaSet $1 is progressing.');
  }

  /** Any value; keys are sorted, sets and (unless `isOrdered`) conditions too. */
  value(value: unknown, isOrdered = false, key = ''): any {
    if (typeof value === 'string') return this.#string(value, key);
    if (typeof value === 'number') return this.#isAllocatedPort(value, key) ? '<nodePort>' : value;
    if (Array.isArray(value)) return this.#list(value, isOrdered, key);
    if (value === null || typeof value !== 'object') return value;
    const entries = Object.entries(value)
      .filter(([name]) => !dropped.has(name))
      .map(([name, each]) => [this.text(name), this.value(each, isOrdered, name)] as const);
    return Object.fromEntries(entries.sort(([a], [b]) => (a < b ? -1 : 1)));
  }

  #string(value: string, key: string): unknown {
    if (key === 'certificate' && value) return certificateFacts(value);
    return key === 'uid' ? '<uid>' : this.text(value);
  }

  #list(list: readonly unknown[], isOrdered: boolean, key: string): unknown[] {
    const items = list.map((item) => this.value(item, isOrdered, key));
    if (key === 'conditions' && !isOrdered) return items.sort((a, b) => (a.type < b.type ? -1 : 1));
    return sets.has(key) ? sorted(items) : items;
  }

  #isAllocatedPort(value: number, key: string): boolean {
    const isInRange = value >= nodePorts.first && value <= nodePorts.last;
    return /nodeport$/i.test(key) && isInRange && !this.#writtenPorts.has(value);
  }
}

/** `web-<hash-1>-x7k2p` → `web-<hash-1>-*`; the minutes in the names of a CronJob's jobs → `<minutes>`. */
function maskSuffixes(text: string, base: string): string {
  const name = base.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
  return text
    .replace(new RegExp(`(?<![a-z0-9])(${name}(?:-<hash-\\d+>|-\\d+|-<minutes>)*)-${suffix}`, 'g'), '$1-*')
    .replace(new RegExp(`(?<![a-z0-9])(${name})-\\d{8}(?!\\d)`, 'g'), '$1-<minutes>')
    .replace(new RegExp(`(${name}-<minutes>)-${suffix}`, 'g'), '$1-*');
}

export const canonical = (value: unknown): string => JSON.stringify(value);

export function sorted<T>(items: readonly T[]): T[] {
  return [...items].sort((a, b) => (canonical(a) < canonical(b) ? -1 : 1));
}

/** A certificate is new each time; what it says is not. */
function certificateFacts(base64: string): unknown {
  try {
    const { subject, subjectAltName, keyUsage, ca, validFrom, validTo } = new X509Certificate(
      Buffer.from(base64, 'base64'),
    );
    const seconds = Math.round((Date.parse(validTo) - Date.parse(validFrom)) / 1000);
    const validSeconds = seconds > 86_400 ? '<as long as the authority allows>' : seconds;
    return { subject, subjectAltName, extendedKeyUsage: keyUsage, ca, validSeconds };
  } catch {
    return '<certificate>';
  }
}
