// Runs the admission plugins of a request, in their order.
import type { KubernetesObject } from '../../api/meta/object.ts';
import type { ResourceInfo } from '../../api/resource-info.ts';
import type { AdmissionRequest } from '../admission/plugin.ts';
import type { UserInfo } from '../authn/authenticator.ts';
import { deepFreeze } from '../registry/entry.ts';
import type { ServerParts } from './call.ts';

/** Who writes what, as far as plugins and rules need to know. */
export interface WriteCall {
  readonly server: ServerParts;
  readonly resource: ResourceInfo;
  readonly subresource: string;
  readonly namespace: string;
  readonly name: string;
  readonly user: UserInfo;
  readonly isDryRun: boolean;
  readonly signal?: AbortSignal | undefined;
  readonly skipsAdmission?: boolean;
  readonly skipsValidation?: boolean;
  warn(text: string): void;
}

interface Admitted {
  readonly operation: AdmissionRequest['operation'];
  readonly object?: KubernetesObject;
  readonly oldObject?: KubernetesObject;
  readonly name?: string;
}

function requestOf(call: WriteCall, admitted: Admitted): AdmissionRequest {
  return {
    resource: call.resource,
    subresource: call.subresource,
    namespace: call.namespace,
    name: call.name,
    user: call.user,
    isDryRun: call.isDryRun,
    warn: call.warn,
    ...admitted,
  };
}

/** Plugins that change the object. */
export async function admit(call: WriteCall, admitted: Admitted): Promise<void> {
  if (call.skipsAdmission) return;
  const request = requestOf(call, admitted);
  const context = { objects: call.server.registry };
  for (const plugin of call.server.admission) {
    const waiting = plugin.admit?.(request, context);
    if (waiting) await waiting;
  }
}

/** Plugins that refuse. The object is frozen from here on. */
export async function checkAdmission(call: WriteCall, admitted: Admitted): Promise<void> {
  if (call.skipsAdmission || call.server.admission.length === 0) return;
  if (admitted.object) deepFreeze(admitted.object);
  const request = requestOf(call, admitted);
  const context = { objects: call.server.registry };
  for (const plugin of call.server.admission) {
    const waiting = plugin.validate?.(request, context);
    if (waiting) await waiting;
  }
}
