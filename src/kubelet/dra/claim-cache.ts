// The claims that are prepared on this node, or may be, with who uses them. On disk before a driver is called: whatever happens to the
// agent, what was prepared is unprepared.
import { readFile, rename, writeFile } from 'node:fs/promises';
import type { ClaimReference, PreparedDevice } from './dra-proto.ts';

export interface ClaimInfo extends ClaimReference {
  /** Pods on this node that use it. */
  readonly podUids: Set<string>;
  /** Devices by driver; empty until the driver has answered. */
  readonly drivers: Map<string, readonly PreparedDevice[]>;
  isPrepared: boolean;
}

interface Stored extends ClaimReference {
  readonly podUids: readonly string[];
  readonly drivers: Readonly<Record<string, readonly PreparedDevice[]>>;
}

const version = 1;

export class ClaimCache {
  readonly #path: string;
  readonly #claims = new Map<string, ClaimInfo>();
  #writing: Promise<void> = Promise.resolve();

  /** @param path of the file; its folder must be there */
  constructor(path: string) {
    this.#path = path;
  }

  /** @returns why what was prepared before is not known, if so */
  async load(): Promise<string | undefined> {
    const text = await readFile(this.#path, 'utf8').catch(() => undefined);
    if (text === undefined) return undefined;
    try {
      const stored = JSON.parse(text) as { version: number; claims: Stored[] };
      if (stored.version !== version) throw new Error(`version ${stored.version} is not known`);
      for (const { namespace, name, uid, podUids, drivers } of stored.claims)
        this.#claims.set(`${namespace}/${name}`, {
          namespace,
          name,
          uid,
          podUids: new Set(podUids),
          drivers: new Map(Object.entries(drivers)),
          // Drivers are asked once more: a machine that was started anew has lost what they had set up.
          isPrepared: false,
        });
      return undefined;
    } catch (error) {
      return String(error);
    }
  }

  find(namespace: string, name: string): ClaimInfo | undefined {
    return this.#claims.get(`${namespace}/${name}`);
  }

  all(): Iterable<ClaimInfo> {
    return this.#claims.values();
  }

  add(info: ClaimInfo): void {
    this.#claims.set(`${info.namespace}/${info.name}`, info);
  }

  delete({ namespace, name }: ClaimReference): void {
    this.#claims.delete(`${namespace}/${name}`);
  }

  /** Settles when what is true now is on disk. @throws when it can not be written */
  save(): Promise<void> {
    const claims = [...this.#claims.values()].map(
      ({ namespace, name, uid, podUids, drivers }): Stored => ({
        namespace,
        name,
        uid,
        podUids: [...podUids],
        drivers: Object.fromEntries(drivers),
      }),
    );
    const text = JSON.stringify({ version, claims });
    const written = this.#writing.then(async () => {
      await writeFile(`${this.#path}.new`, text, { mode: 0o600, flush: true });
      await rename(`${this.#path}.new`, this.#path);
    });
    this.#writing = written.catch(() => undefined);
    return written;
  }
}
