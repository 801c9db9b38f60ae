import type { Node } from '../../../generated/core-v1.ts';

/** No machine stands behind it, and no agent answers for it. */
export function isSimulatedNode({ status }: Node): boolean {
  return status?.nodeInfo?.containerRuntimeVersion.startsWith('simulated://') ?? false;
}
