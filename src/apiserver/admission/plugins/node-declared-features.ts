import type { Pod } from '../../../../generated/core-v1.ts';
import { nodeKind, podKind } from '../../../../generated/kinds.ts';
import { featuresForUpdate } from '../../../api/core/declared-features.ts';
import { isEqual } from '../../../api/meta/equality.ts';
import type { AdmissionPlugin } from '../plugin.ts';
import { isAbout, refuse } from '../refuse.ts';

/** A pod that has a node is changed only as far as the node says that it can follow. */
export const nodeDeclaredFeatures: AdmissionPlugin = {
  name: 'NodeDeclaredFeatureValidator',
  validate(request, { objects }) {
    if (request.operation !== 'UPDATE' || !(isAbout(request, podKind) || isAbout(request, podKind, 'resize'))) return;
    const [{ spec }, { spec: current }] = [request.object as Pod, request.oldObject as Pod];
    if (!spec.nodeName || isEqual(spec, current)) return;
    const needed = featuresForUpdate(spec, current);
    if (needed.length === 0) return;
    const node = objects.find(nodeKind, '', spec.nodeName);
    if (!node) throw refuse(request, `node "${spec.nodeName}" not found`);
    const missing = needed.filter((feature) => !node.status?.declaredFeatures?.includes(feature));
    if (missing.length === 0) return;
    const list = missing.join(', ');
    throw refuse(request, `pod update requires features ${list} which are not available on node "${spec.nodeName}"`);
  },
};
