import { accepted, type Filter, refusedForGood } from '../plugin.ts';
import { isTolerated } from './tolerations.ts';

const taint = { key: 'node.kubernetes.io/unschedulable', effect: 'NoSchedule' } as const;

/** Cordoned nodes take no pod that does not tolerate it. */
export const nodeUnschedulable: Filter = {
  name: 'NodeUnschedulable',
  wokenBy: ['node-added', 'node-taints'],
  prepare: (pod) => (node) =>
    node.node.spec.unschedulable && !isTolerated(pod.pod.spec.tolerations, taint)
      ? refusedForGood('node(s) were unschedulable')
      : accepted,
};
