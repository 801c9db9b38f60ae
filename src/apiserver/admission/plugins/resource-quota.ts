// ResourceQuotas: what a namespace may hold altogether. The usage is written to the quota's status before the object is
// stored, one request at a time in a namespace and guarded by the quota's revision, so that no two requests share what is
// left. The quota controller takes back what was counted and then not stored.
import type { Pod, ResourceQuota } from '../../../../generated/core-v1.ts';
import { podKind, resourceQuotaKind } from '../../../../generated/kinds.ts';
import { isInScope, unspecified, usageOf } from '../../../api/core/quota-usage.ts';
import { Quantity, quantityOf } from '../../../api/meta/quantity.ts';
import { conflict, optimisticLockMessage } from '../../../api/meta/status-error.ts';
import type { AdmissionContext, AdmissionPlugin, AdmissionRequest } from '../plugin.ts';
import { isAbout, refuse } from '../refuse.ts';

/** Stores the quota if it still stands at its resourceVersion; false when somebody else wrote it. */
export type SaveQuota = (quota: ResourceQuota) => Promise<boolean>;

const attempts = 10;

export function resourceQuota(save: SaveQuota): AdmissionPlugin {
  /** The request of a namespace that others wait for. */
  const turns = new Map<string, Promise<unknown>>();
  return {
    name: 'ResourceQuota',
    validate(request, context) {
      if (request.operation !== 'CREATE' && request.operation !== 'UPDATE') return;
      if (request.subresource || !request.namespace || !request.object) return;
      if (context.objects.list(resourceQuotaKind, request.namespace).length === 0) return;
      return inTurn(turns, request.namespace, () => charge(request, context, save));
    },
  };
}

async function inTurn(turns: Map<string, Promise<unknown>>, key: string, work: () => Promise<void>): Promise<void> {
  const turn = (turns.get(key) ?? Promise.resolve()).then(work, work);
  turns.set(key, turn);
  try {
    await turn;
  } finally {
    if (turns.get(key) === turn) turns.delete(key);
  }
}

async function charge(request: AdmissionRequest, context: AdmissionContext, save: SaveQuota): Promise<void> {
  const added = addedUsage(request);
  for (const { metadata } of context.objects.list(resourceQuotaKind, request.namespace)) {
    for (let attempt = 1; ; attempt++) {
      const quota = context.objects.find(resourceQuotaKind, request.namespace, metadata.name);
      const charged = quota && withUsage(request, quota, added);
      if (!charged || request.isDryRun || (await save(charged))) break;
      if (attempt === attempts)
        throw conflict({ group: '', name: 'resourcequotas' }, metadata.name, optimisticLockMessage);
    }
  }
}

/** What the request adds; a change that frees something is for the controller to see. */
function addedUsage({ resource, object, oldObject }: AdmissionRequest): Map<string, Quantity> {
  const added = usageOf(resource, object!);
  for (const [name, before] of oldObject ? usageOf(resource, oldObject) : []) {
    added.set(name, (added.get(name) ?? Quantity.zero).minus(before));
  }
  for (const [name, value] of added) if (value.sign <= 0) added.delete(name);
  return added;
}

/** The quota with the usage added; undefined when the request does not concern it. @throws Forbidden */
function withUsage(
  request: AdmissionRequest,
  quota: ResourceQuota,
  added: ReadonlyMap<string, Quantity>,
): ResourceQuota | undefined {
  const { name } = quota.metadata;
  const { hard = {}, used = {} } = quota.status ?? {};
  const scopes = [
    ...(quota.spec?.scopes ?? []).map((scopeName) => ({ scopeName, operator: 'Exists' as const })),
    ...(quota.spec?.scopeSelector?.matchExpressions ?? []),
  ];
  if (!isInScope(request.resource, request.object!, scopes)) return undefined;
  if (isAbout(request, podKind) && request.operation === 'CREATE') {
    const open = unspecified(request.object as Pod, Object.keys(hard));
    if (open) throw refuse(request, `failed quota: ${name}: must specify ${open}`);
  }
  const concerned = [...added]
    .filter(([resource]) => hard[resource] !== undefined)
    .sort(([a], [b]) => (a < b ? -1 : 1));
  if (concerned.length === 0) return undefined;
  const unknown = concerned.filter(([resource]) => used[resource] === undefined).map(([resource]) => resource);
  if (unknown.length > 0) throw refuse(request, `status unknown for quota: ${name}, resources: ${unknown.join(',')}`);
  const exceeded = concerned.filter(
    ([resource, more]) => quantityOf(used[resource]).plus(more).compare(quantityOf(hard[resource])) > 0,
  );
  if (exceeded.length > 0) {
    const list = (value: (resource: string, more: Quantity) => unknown) =>
      exceeded.map(([resource, more]) => `${resource}=${value(resource, more)}`).join(',');
    const requested = list((_, more) => more);
    const limits = `used: ${list((resource) => used[resource])}, limited: ${list((resource) => hard[resource])}`;
    throw refuse(request, `exceeded quota: ${name}, requested: ${requested}, ${limits}`);
  }
  const next = { ...used };
  for (const [resource, more] of concerned) next[resource] = String(quantityOf(used[resource]).plus(more));
  return { ...quota, status: { ...quota.status, used: next } };
}
