// Which volumes are in use here, and by which pods; found again in the node's folder after a restart.
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { csiVolumeName } from '../../api/storage/attachable-volumes.ts';
import type { CsiLayout } from './layout.ts';
import { loadVolumeData, type VolumeData } from './volume-data.ts';

/** A volume on this node. */
export interface VolumeUse {
  readonly uniqueName: string;
  readonly driver: string;
  readonly handle: string;
  /** Of the PersistentVolume. */
  readonly name: string;
  readonly isBlock: boolean;
  /** Those that want it, have it, or had it and were not rid of it yet. */
  readonly pods: Set<string>;
  /** Done by this process: after a restart it is done once more. */
  isStaged: boolean;
  /** As far as this node has grown it. */
  size: string | undefined;
  /** When to try to unstage it again. */
  retryAtMs: number;
  waitMs: number;
  /** What is done with it happens one after the other. */
  turn: Promise<unknown>;
}

export type UseKey = Pick<VolumeUse, 'uniqueName' | 'driver' | 'handle' | 'name' | 'isBlock'>;

export const firstWaitMs = 500;

export class VolumeUses {
  readonly #uses = new Map<string, VolumeUse>();

  all(): readonly VolumeUse[] {
    return [...this.#uses.values()];
  }

  of(key: UseKey): VolumeUse {
    const known = this.#uses.get(key.uniqueName);
    if (known) return known;
    const { driver, handle, name, isBlock } = key;
    const use: VolumeUse = {
      uniqueName: key.uniqueName,
      driver,
      handle,
      name,
      isBlock,
      pods: new Set(),
      isStaged: false,
      size: undefined,
      retryAtMs: 0,
      waitMs: firstWaitMs,
      turn: Promise.resolve(),
    };
    this.#uses.set(use.uniqueName, use);
    return use;
  }

  forget({ uniqueName }: VolumeUse): void {
    this.#uses.delete(uniqueName);
  }

  /** Reads what an earlier process left. */
  async restore(layout: CsiLayout): Promise<void> {
    for (const driver of await names(layout.plugin)) {
      if (driver === 'volumeDevices') continue;
      for (const hash of await names(join(layout.plugin, driver)))
        await this.#restore(join(layout.plugin, driver, hash), false);
    }
    for (const name of await names(layout.devices))
      if (name !== 'staging' && name !== 'publish') await this.#restore(join(layout.devices, name, 'data'), true);
    for (const pod of await names(layout.pods)) {
      for (const name of await names(layout.podVolumes(pod)))
        (await this.#restore(join(layout.podVolumes(pod), name), false))?.pods.add(pod);
      for (const name of await names(layout.podDevices(pod)))
        (await this.#restore(join(layout.device(name), 'data'), true))?.pods.add(pod);
    }
  }

  async #restore(folder: string, isBlock: boolean): Promise<VolumeUse | undefined> {
    const data = await loadVolumeData(folder);
    return data && data.volumeLifecycleMode !== 'Ephemeral' ? this.of(keyOf(data, isBlock)) : undefined;
  }
}

/** @param isBlock as the folder says where the data was */
export function keyOf({ driverName, volumeHandle, specVolID = '' }: VolumeData, isBlock: boolean): UseKey {
  return {
    uniqueName: csiVolumeName(driverName, volumeHandle),
    driver: driverName,
    handle: volumeHandle,
    name: specVolID,
    isBlock,
  };
}

const names = (folder: string): Promise<string[]> => readdir(folder).catch(() => []);
