// A kubelet that has grown a volume tells so in the status of its claim, and may change nothing else there.

import type { PersistentVolumeClaim, TypedObjectReference } from '../../../../generated/core-v1.ts';
import type { KubernetesObject } from '../../../api/meta/object.ts';
import type { AdmissionRequest } from '../plugin.ts';
import { refuse } from '../refuse.ts';

export function checkClaimStatus(request: AdmissionRequest, node: string): void {
  const { operation } = request;
  if (operation !== 'UPDATE') throw refuse(request, `unexpected operation ${JSON.stringify(operation)}`);
  const [before, after] = [linesOf(request.oldObject as Claim), linesOf(request.object as Claim)];
  const difference = unifiedDiff(before, after);
  if (!difference) return;
  const problem = `node ${JSON.stringify(node)} is not allowed to update fields other than status.quantity and status.conditions: ${difference}`;
  throw refuse(request, problem);
}

type Claim = PersistentVolumeClaim & KubernetesObject;

/** What may not change, line by line, with the names that upstream shows it under. */
function linesOf({ metadata, spec = {}, status = {} }: Claim): string[] {
  const shown = {
    ...metadata,
    resourceVersion: undefined,
    managedFields: undefined,
    Spec: {
      AccessModes: spec.accessModes ?? null,
      Selector: spec.selector ?? null,
      Resources: { Limits: spec.resources?.limits ?? null, Requests: spec.resources?.requests ?? null },
      VolumeName: spec.volumeName ?? '',
      StorageClassName: spec.storageClassName ?? null,
      VolumeMode: spec.volumeMode ?? null,
      DataSource: spec.dataSource ? source(spec.dataSource) : null,
      DataSourceRef: spec.dataSourceRef
        ? { ...source(spec.dataSourceRef), Namespace: spec.dataSourceRef.namespace ?? null }
        : null,
      VolumeAttributesClassName: spec.volumeAttributesClassName ?? null,
    },
    Status: {
      Phase: status.phase ?? '',
      AccessModes: status.accessModes ?? null,
      Capacity: null,
      Conditions: null,
      AllocatedResources: null,
      AllocatedResourceStatuses: null,
      CurrentVolumeAttributesClassName: status.currentVolumeAttributesClassName ?? null,
      ModifyVolumeStatus: status.modifyVolumeStatus
        ? {
            TargetVolumeAttributesClassName: status.modifyVolumeStatus.targetVolumeAttributesClassName ?? '',
            Status: status.modifyVolumeStatus.status,
          }
        : null,
    },
  };
  return JSON.stringify(shown, undefined, 1).split('\n');
}

const source = ({ apiGroup, kind, name }: TypedObjectReference) => ({
  APIGroup: apiGroup ?? null,
  Kind: kind,
  Name: name,
});

const context = 3;

/** As one hunk, from the first to the last line that differs; '' when none does. */
function unifiedDiff(before: readonly string[], after: readonly string[]): string {
  let head = 0;
  while (head < before.length && before[head] === after[head]) head++;
  if (head === before.length && head === after.length) return '';
  let tail = 0;
  const most = Math.min(before.length, after.length) - head;
  while (tail < most && before.at(-1 - tail) === after.at(-1 - tail)) tail++;
  const start = Math.max(0, head - context);
  const [endBefore, endAfter] = [before.length - tail, after.length - tail];
  const more = Math.min(context, tail);
  const lines = [
    ...before.slice(start, head).map((line) => ` ${line}`),
    ...before.slice(head, endBefore).map((line) => `-${line}`),
    ...after.slice(head, endAfter).map((line) => `+${line}`),
    ...before.slice(endBefore, endBefore + more).map((line) => ` ${line}`),
  ];
  const range = (end: number) => `${start + 1},${end + more - start}`;
  return `@@ -${range(endBefore)} +${range(endAfter)} @@\n${lines.join('\n')}\n`;
}
