import type { Pod } from '../../../generated/core-v1.ts';
import { gracePeriodAnnotation, podNameLabel, podNamespaceLabel } from './labels.ts';
import type { PodRuntime } from './runtime-tracker.ts';

/** As much of a pod as its labels tell: enough to end it. */
export function orphanPod(uid: string, { sandboxes, containers }: PodRuntime): Pod | undefined {
  const labels = sandboxes[0]?.labels ?? containers[0]?.labels;
  if (!labels) return undefined;
  const names = [...new Set(containers.map(({ name }) => name))];
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: labels[podNameLabel] ?? '', namespace: labels[podNamespaceLabel] ?? '', uid },
    spec: {
      containers: names.map((name) => ({ name })),
      terminationGracePeriodSeconds: Number(containers[0]?.annotations[gracePeriodAnnotation] ?? 30),
    },
  };
}
