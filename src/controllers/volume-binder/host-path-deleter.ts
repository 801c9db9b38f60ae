import { rm } from 'node:fs/promises';
import { normalize } from 'node:path';
import type { Deleter } from './provisioner.ts';

/** Removes directories below /tmp, as upstream does, and nothing else. */
export const hostPathDeleter: Deleter = {
  name: 'kubernetes.io/host-path',
  deletes: ({ spec }) => spec?.hostPath !== undefined,
  async delete({ spec }) {
    const path = spec!.hostPath!.path;
    if (!/^\/tmp\/[^/]/.test(normalize(path))) {
      throw new Error(`host_path deleter only supports /tmp/.+ but received provided ${path}`);
    }
    await rm(normalize(path), { recursive: true, force: true });
  },
};
