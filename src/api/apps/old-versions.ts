// What the old versions of the workload kinds have in common: apps/v1beta1, apps/v1beta2, extensions/v1beta1.
import type { LabelSelector } from '../../../generated/meta-v1.ts';
import type { OtherVersion } from '../kind.ts';
import type { KubernetesObject } from '../meta/object.ts';

/** First deprecated in; all three left upstream in v1.16. */
const deprecatedIn: Record<string, string> = {
  'apps/v1beta1': 'v1.8',
  'apps/v1beta2': 'v1.9',
  'extensions/v1beta1': 'v1.8',
};

export function oldWorkloadVersions(
  kind: string,
  defaults: Readonly<Record<string, (object: any) => void>>,
): OtherVersion<any>[] {
  return Object.entries(defaults).map(([groupVersion, fill]) => {
    const [group, version] = groupVersion.split('/') as [string, string];
    return {
      group,
      version,
      deprecationWarning: `${groupVersion} ${kind} is deprecated in ${deprecatedIn[groupVersion]}+, unavailable in v1.16+; use apps/v1 ${kind}`,
      defaults: fill,
      toStorage: (object) => {
        withoutOldFields(object);
        object.apiVersion = 'apps/v1';
        return object;
      },
      fromStorage: (object) => ({ ...object, apiVersion: groupVersion }),
      ...(hadMutableSelector(groupVersion, kind) ? { rules: { validateUpdate: () => {} } } : {}),
    };
  });
}

/** The first versions let a client change the selector, and whoever still writes in them may. */
function hadMutableSelector(groupVersion: string, kind: string): boolean {
  return groupVersion !== 'apps/v1beta2' && ['DaemonSet', 'Deployment', 'ReplicaSet'].includes(kind);
}

/** Fields that today's version no longer has. */
function withoutOldFields(object: KubernetesObject & { spec?: Record<string, unknown> }): void {
  if (!object.spec) return;
  delete object.spec['rollbackTo'];
  delete object.spec['templateGeneration'];
}

interface Workload extends KubernetesObject {
  spec?: { selector?: LabelSelector; template?: { metadata?: { labels?: Record<string, string> } } };
}

/** The old versions took the labels of the template for a selector that was left out, and for the object's own labels. */
export function selectorFromTemplate(object: Workload): void {
  const labels = object.spec?.template?.metadata?.labels;
  if (!labels || Object.keys(labels).length === 0) return;
  const selector = object.spec!.selector;
  const isAbsent = !selector || (!selector.matchLabels && !selector.matchExpressions);
  if (isAbsent) object.spec!.selector = { matchLabels: { ...labels } };
  if (Object.keys(object.metadata.labels ?? {}).length === 0) object.metadata.labels = { ...labels };
}
