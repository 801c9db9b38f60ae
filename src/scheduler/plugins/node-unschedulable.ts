import { accepted, type Filter, refusedForGood } from '../plugin.ts';
import { isTolerated } from './tolerations.ts';

const taint = { key: 'node.kubernetes.io/unschedulable', effect: 'NoSchedule' } as const;
const no = refusedForGood('node(s) were unschedulable');

/** Cordoned nodes take no pod that does not tolerate it. */
export const nodeUnschedulable: Filter = {
  name: 'NodeUnschedulable',
  keeps: 'node',
  wokenBy: ['node-added', 'node-taints'],
  helps: (_pod, { node }) => !node?.node.spec.unschedulable,
  prepare({ pod }) {
    if (isTolerated(pod.spec.tolerations, taint)) return undefined;
    return (node) => (node.node.spec.unschedulable ? no : accepted);
  },
};
