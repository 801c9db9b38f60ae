// What the driver keeps: volumes are folders or files that become loop devices, snapshots are copies of them.
import { execFile } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { cp, mkdir, rm, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';

export interface Volume {
  readonly id: string;
  readonly name: string;
  readonly isBlock: boolean;
  readonly isInline: boolean;
  bytes: number;
  /** Loop device while it is staged. */
  device?: string;
  readonly source?: { readonly kind: 'snapshot' | 'volume'; readonly id: string };
  /** Nodes it is attached to. */
  attachedTo: string[];
}

export interface Snapshot {
  readonly id: string;
  readonly name: string;
  readonly volumeId: string;
  readonly bytes: number;
  readonly createdAtMs: number;
  readonly isBlock: boolean;
}

interface Kept {
  volumes: Record<string, Volume>;
  snapshots: Record<string, Snapshot>;
}

const execute = promisify(execFile);

/** Runs a system program; gives what it printed. */
export async function system(program: string, ...args: string[]): Promise<string> {
  const { stdout } = await execute(program, args);
  return stdout.trim();
}

export class DriverState {
  readonly folder: string;
  readonly #kept: Kept;

  constructor(folder: string) {
    this.folder = folder;
    mkdirSync(folder, { recursive: true });
    this.#kept = existsSync(this.#file) ? JSON.parse(readFileSync(this.#file, 'utf8')) : { volumes: {}, snapshots: {} };
  }

  get volumes(): Volume[] {
    return Object.values(this.#kept.volumes);
  }

  get snapshots(): Snapshot[] {
    return Object.values(this.#kept.snapshots);
  }

  volume(id: string): Volume | undefined {
    return this.#kept.volumes[id];
  }

  snapshot(id: string): Snapshot | undefined {
    return this.#kept.snapshots[id];
  }

  /** A folder, or the file behind a device. */
  pathOf(id: string): string {
    return join(this.folder, 'volumes', id);
  }

  snapshotPath(id: string): string {
    return join(this.folder, 'snapshots', id);
  }

  async create(wish: Omit<Volume, 'id' | 'attachedTo'> & { readonly id?: string }): Promise<Volume> {
    const volume: Volume = { ...wish, id: wish.id ?? randomUUID(), attachedTo: [] };
    const path = this.pathOf(volume.id);
    await mkdir(join(this.folder, 'volumes'), { recursive: true });
    const { source } = volume;
    if (source) {
      const from = source.kind === 'snapshot' ? this.snapshotPath(source.id) : this.pathOf(source.id);
      await cp(from, path, { recursive: true, preserveTimestamps: true });
    } else if (volume.isBlock) await writeFile(path, '');
    else await mkdir(path, { recursive: true, mode: 0o777 });
    if (volume.isBlock) await truncate(path, volume.bytes);
    this.#kept.volumes[volume.id] = volume;
    this.save();
    return volume;
  }

  async resize(volume: Volume, bytes: number): Promise<void> {
    volume.bytes = bytes;
    if (volume.isBlock) await truncate(this.pathOf(volume.id), bytes);
    this.save();
  }

  async delete(id: string): Promise<void> {
    const device = this.volume(id)?.device;
    if (device) await system('losetup', '-d', device).catch(() => undefined);
    await rm(this.pathOf(id), { recursive: true, force: true });
    delete this.#kept.volumes[id];
    this.save();
  }

  async createSnapshot(name: string, volume: Volume): Promise<Snapshot> {
    const { id: volumeId, bytes, isBlock } = volume;
    const snapshot: Snapshot = { id: randomUUID(), name, volumeId, bytes, isBlock, createdAtMs: Date.now() };
    await mkdir(join(this.folder, 'snapshots'), { recursive: true });
    await cp(this.pathOf(volumeId), this.snapshotPath(snapshot.id), { recursive: true });
    this.#kept.snapshots[snapshot.id] = snapshot;
    this.save();
    return snapshot;
  }

  async deleteSnapshot(id: string): Promise<void> {
    await rm(this.snapshotPath(id), { recursive: true, force: true });
    delete this.#kept.snapshots[id];
    this.save();
  }

  save(): void {
    writeFileSync(`${this.#file}.new`, JSON.stringify(this.#kept));
    renameSync(`${this.#file}.new`, this.#file);
  }

  get #file(): string {
    return join(this.folder, 'state.json');
  }
}
