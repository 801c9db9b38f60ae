// Runs the admission plugins of a request, in their order.
import { FieldErrors } from '../../api/meta/field-errors.ts';
import type { KubernetesObject } from '../../api/meta/object.ts';
import type { ResourceInfo } from '../../api/resource-info.ts';
import type { Slices } from '../../base/turns.ts';
import type { AdmissionRequest, PartKind } from '../admission/plugin.ts';
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
  /** Default: `update`. */
  readonly verb?: string;
  readonly isDryRun: boolean;
  readonly signal?: AbortSignal | undefined;
  /** One of many that the request is about: it names none of them. */
  readonly isUnnamed?: boolean;
  readonly skipsAdmission?: boolean;
  readonly skipsValidation?: boolean;
  /** The body as parsed JSON, to quote from; see given-empties.ts. */
  given?(): unknown;
  /** Between the steps of the write others have their turn, when it has taken long. */
  readonly slices?: Slices;
  /** What webhooks and policies are told that the client asked for. */
  options?(operation: AdmissionRequest['operation']): object;
  warn(text: string): void;
  annotate?(key: string, value: string): void;
}

interface Admitted {
  readonly operation: AdmissionRequest['operation'];
  readonly object?: KubernetesObject;
  readonly oldObject?: KubernetesObject;
  readonly name?: string;
  readonly kind?: PartKind | undefined;
}

const ignored = () => {};

function requestOf(call: WriteCall, { kind, ...admitted }: Admitted): AdmissionRequest {
  return {
    resource: call.resource,
    subresource: call.subresource,
    namespace: call.namespace,
    name: call.isUnnamed ? '' : call.name,
    user: call.user,
    verb: call.verb ?? 'update',
    isDryRun: call.isDryRun,
    signal: call.signal,
    rounds: { isSecond: false, wantsSecond: false, notes: new Map() },
    warn: call.warn,
    annotate: call.annotate ?? ignored,
    ...(call.options ? { options: () => call.options!(admitted.operation) } : {}),
    ...(kind ? { kind } : {}),
    ...admitted,
  };
}

/** Plugins that change the object. */
export async function admit(call: WriteCall, admitted: Admitted): Promise<void> {
  if (call.skipsAdmission) return;
  await runMutating(call.server, requestOf(call, admitted));
}

/** Once, and again when a plugin wants that. */
export async function runMutating({ registry, admission }: ServerParts, request: AdmissionRequest): Promise<void> {
  const context = { objects: registry, table: registry.table };
  for (;;) {
    for (const plugin of admission) {
      const waiting = plugin.admit?.(request, context);
      if (waiting) await waiting;
    }
    if (request.rounds.isSecond || !request.rounds.wantsSecond) return;
    request.rounds.isSecond = true;
  }
}

/** What plugins find in the object that its kind's rules can not know of; mostly there is nobody to ask. */
export async function judgedByPlugins(call: WriteCall, admitted: Admitted): Promise<FieldErrors | undefined> {
  if (call.skipsAdmission) return undefined;
  const { admission, registry } = call.server;
  let found: FieldErrors | undefined;
  for (const { judge } of admission) {
    if (judge?.group !== call.resource.group) continue;
    const errors = await judge.errorsOf(requestOf(call, admitted), { objects: registry, table: registry.table });
    if (errors.isEmpty) continue;
    found ??= new FieldErrors();
    found.append(errors);
  }
  return found;
}

/** Whether `judgedByPlugins` has anybody to ask. */
export const hasJudges = ({ server, resource }: WriteCall): boolean =>
  server.admission.some(({ judge }) => judge?.group === resource.group);

/** Plugins that refuse. The object is frozen from here on. */
export async function checkAdmission(call: WriteCall, admitted: Admitted): Promise<void> {
  if (call.skipsAdmission || call.server.admission.length === 0) return;
  if (admitted.object) deepFreeze(admitted.object);
  await runValidating(call.server, requestOf(call, admitted));
}

export async function runValidating({ registry, admission }: ServerParts, request: AdmissionRequest): Promise<void> {
  const context = { objects: registry, table: registry.table };
  for (const plugin of admission) {
    const waiting = plugin.validate?.(request, context);
    if (waiting) await waiting;
  }
}
