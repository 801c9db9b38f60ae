import { join } from 'node:path';
import type { Pod } from '../../../generated/core-v1.ts';

/** Where the logs of a pod's containers are. */
export function podLogDir(logDir: string, { metadata }: Pod): string {
  return join(logDir, `${metadata.namespace}_${metadata.name}_${metadata.uid}`);
}
