import { featuresForScheduling } from '../../api/core/declared-features.ts';
import { accepted, type Filter, refusedForGood } from '../plugin.ts';

const no = refusedForGood("node(s) didn't match Pod's required features");

/** Only nodes that declare what the pod needs of them. */
export const nodeDeclaredFeatures: Filter = {
  name: 'NodeDeclaredFeatures',
  keeps: 'node',
  wokenBy: ['node-added', 'node-features'],
  prepare({ pod }) {
    const needed = featuresForScheduling(pod.spec);
    if (needed.length === 0) return undefined;
    return ({ node }) => {
      const declared = node.status?.declaredFeatures ?? [];
      return needed.every((feature) => declared.includes(feature)) ? accepted : no;
    };
  },
};
