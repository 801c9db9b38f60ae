// /runningpods/: what the runtime runs, whatever the API server says; in the shape of pods.
import { rfc3339 } from '../../base/clock.ts';
import { podNameLabel, podNamespaceLabel } from '../pods/labels.ts';
import type { RuntimeTracker } from '../pods/runtime-tracker.ts';

export function runningPods(tracker: RuntimeTracker): object[] {
  return [...tracker.podUids()].flatMap((uid) => {
    const { sandboxes, containers } = tracker.stateOf(uid);
    const running = containers.filter(({ state }) => state === 'CONTAINER_RUNNING');
    const labels = sandboxes[0]?.labels ?? running[0]?.labels;
    if (!labels || running.length === 0) return [];
    return [
      {
        metadata: {
          name: labels[podNameLabel],
          namespace: labels[podNamespaceLabel],
          uid,
          ...(sandboxes[0] ? { creationTimestamp: rfc3339(sandboxes[0].createdAtMs) } : {}),
        },
        spec: { containers: running.map(({ name, image }) => ({ name, image, resources: {} })) },
        status: {},
      },
    ];
  });
}
