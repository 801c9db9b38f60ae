// Static pods of a folder, or of one file: read again when the kernel says that something changed, and now and then.
import { open, readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Pod } from '../../../generated/core-v1.ts';
import type { Clock } from '../../base/clock.ts';
import type { Logger } from '../../base/log.ts';
import { followPath } from '../../base/path-changes.ts';
import { readManifest } from './read-manifest.ts';

export interface FileSourceOptions {
  readonly path: string;
  readonly periodMs: number;
  readonly nodeName: string;
  readonly clock: Clock;
  readonly log: Logger;
  /** All there are now. */
  readonly onPods: (pods: readonly Pod[]) => void;
}

const maxBytes = 10 * 2 ** 20;

export async function followFiles(options: FileSourceOptions, signal: AbortSignal): Promise<void> {
  const source = new FileSource(options);
  await followPath(options, (isChange) => source.look(isChange), signal);
}

class FileSource {
  readonly #options: FileSourceOptions;
  /** By path. */
  #pods = new Map<string, Pod>();
  readonly #problems = new Map<string, string>();

  constructor(options: FileSourceOptions) {
    this.#options = options;
  }

  /** @param keepsLast a file that cannot be read now may be in the middle of being written: its last pod goes on */
  async look(keepsLast: boolean): Promise<void> {
    const { onPods } = this.#options;
    const found = new Map<string, Pod>();
    for (const path of await this.#paths()) {
      const pod = (await this.#read(path)) ?? (keepsLast ? this.#pods.get(path) : undefined);
      if (pod) found.set(path, pod);
    }
    for (const path of this.#problems.keys())
      if (path !== this.#options.path && !(await exists(path))) this.#problems.delete(path);
    this.#pods = found;
    onPods([...found.values()]);
  }

  /** Names that begin with a dot are not meant for us. */
  async #paths(): Promise<string[]> {
    const { path } = this.#options;
    try {
      const info = await stat(path);
      if (info.isFile()) return [path];
      if (!info.isDirectory()) throw new Error('path is not a directory or file');
      const names = (await readdir(path)).filter((name) => !name.startsWith('.')).sort();
      this.#problems.delete(path);
      return names.map((name) => join(path, name));
    } catch (error) {
      this.#tell(
        path,
        (error as NodeJS.ErrnoException).code === 'ENOENT' ? 'path does not exist, ignoring' : String(error),
      );
      return [];
    }
  }

  async #read(path: string): Promise<Pod | undefined> {
    const { nodeName, clock } = this.#options;
    try {
      await using file = await open(path);
      const info = await file.stat();
      if (!info.isFile()) throw new Error('manifest path is not a file');
      if (info.size > maxBytes) throw new Error(`manifest is larger than ${maxBytes} bytes`);
      const text = await file.readFile('utf8');
      const [pod] = await readManifest(text, { kind: 'file', place: path, nodeName, nowMs: clock.now() });
      this.#problems.delete(path);
      // The same text is the same pod, seen when it was seen first.
      const before = this.#pods.get(path);
      return before?.metadata.uid === pod!.metadata.uid ? before : pod;
    } catch (error) {
      this.#tell(path, (error as Error).message);
      return undefined;
    }
  }

  /** Once. */
  #tell(path: string, problem: string): void {
    if (this.#problems.get(path) === problem) return;
    this.#problems.set(path, problem);
    this.#options.log.error('a manifest of a static pod could not be processed', undefined, { path, problem });
  }
}

const exists = (path: string): Promise<boolean> =>
  stat(path).then(
    () => true,
    () => false,
  );
