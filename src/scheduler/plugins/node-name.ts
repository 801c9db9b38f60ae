import { accepted, type Filter, refusedForGood } from '../plugin.ts';

const no = refusedForGood("node(s) didn't match the requested node name");

/** Only the node the pod names. */
export const nodeName: Filter = {
  name: 'NodeName',
  keeps: 'node',
  wokenBy: ['node-added'],
  helps: ({ pod }, { node }) => !node || node.name === pod.spec.nodeName,
  prepare(pod) {
    const wanted = pod.pod.spec.nodeName;
    if (!wanted) return undefined;
    return (node) => (node.name === wanted ? accepted : no);
  },
};
