// A volume becomes the group's of its pod; who waits for it long is told.
import type { Pod } from '../../../generated/core-v1.ts';
import type { Clock } from '../../base/clock.ts';
import type { Logger } from '../../base/log.ts';
import type { PodEvents } from '../events.ts';
import { giveToGroup } from './ownership.ts';
import type { ReadyVolume } from './volume-driver.ts';

const firstReportMs = 30_000;
const reportMs = 60_000;
const advice =
  'is taking longer than expected, consider using OnRootMismatch - https://kubernetes.io/docs/tasks/configure-pod-container/security-context/#configure-volume-permission-and-ownership-change-policy-for-pods';

export interface GiveVolumeServices {
  readonly clock: Clock;
  readonly log: Logger;
  readonly events: PodEvents;
}

export async function giveVolume(pod: Pod, ready: ReadyVolume, services: GiveVolumeServices): Promise<void> {
  const { fsGroup, fsGroupChangePolicy } = pod.spec.securityContext ?? {};
  if (!ready.takesOwnership || fsGroup === undefined) return;
  const { clock, log, events } = services;
  const folder = fromPod(ready.hostPath, pod.metadata.uid!);
  let fileCount = 0;
  let refusals = 0;
  let timer: Disposable;
  const report = (rest: string) => {
    events.pod(pod, 'Warning', 'VolumePermissionChangeInProgress', `Setting volume ownership for ${folder}${rest}`);
    timer = clock.timer(reportMs, () => report(`, processed ${fileCount} files.`));
  };
  timer = clock.timer(firstReportMs, () => report(` ${advice}`));
  try {
    await giveToGroup(ready.hostPath, {
      gid: fsGroup,
      onlyOnMismatch: fsGroupChangePolicy === 'OnRootMismatch',
      isReadOnly: ready.isReadOnly,
      onChanged: () => {
        fileCount += 1;
      },
      onRefused: (error) => {
        refusals += 1;
        if (refusals === 1)
          log.warn('a file of a volume does not become the group’s', { folder, error: error.message });
      },
    });
  } finally {
    timer[Symbol.dispose]();
  }
}

/** From the pod's UID on: what is before it is nobody's business. */
function fromPod(path: string, uid: string): string {
  const at = path.indexOf(uid);
  return at < 0 ? path : path.slice(at);
}
