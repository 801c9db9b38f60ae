// Which nodes take what comes to the addresses of load balancers.
import type { Node } from '../../../generated/core-v1.ts';
import { isConditionTrue } from '../meta/conditions.ts';

const excludedLabel = 'node.kubernetes.io/exclude-from-external-load-balancers';
const leavingTaint = 'ToBeDeletedByClusterAutoscaler';

/** Ready, not about to go, and not excluded by label. */
export const takesOutsideTraffic = ({ metadata, spec, status }: Node): boolean =>
  metadata.labels?.[excludedLabel] === undefined &&
  !spec?.taints?.some(({ key }) => key === leavingTaint) &&
  isConditionTrue(status?.conditions, 'Ready');
