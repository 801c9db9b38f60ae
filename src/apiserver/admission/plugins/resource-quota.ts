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

/** Of one quota, what a request adds to its resources. */
interface Charge {
  readonly quota: ResourceQuota;
  readonly more: readonly (readonly [resource: string, more: Quantity])[];
}

async function charge(request: AdmissionRequest, context: AdmissionContext, save: SaveQuota): Promise<void> {
  const { namespace } = request;
  const added = addedUsage(request);
  const chargeOf = (name: string): Charge[] => {
    const quota = context.objects.find(resourceQuotaKind, namespace, name);
    const more = quota ? concernedUsage(request, quota, added) : [];
    return quota && more.length > 0 ? [{ quota, more }] : [];
  };
  let names = context.objects.list(resourceQuotaKind, namespace).map(({ metadata }) => metadata.name);
  const charged: Charge[] = [];
  try {
    for (let attempt = 1; names.length > 0; attempt++) {
      // All are asked before one is written: what the last one refuses must not be counted by the first.
      const charges = names.flatMap(chargeOf);
      if (request.isDryRun) return;
      names = [];
      for (const each of charges) {
        if (await save(withUsage(each, 'plus'))) charged.push(each);
        else names.push(each.quota.metadata.name);
      }
      if (names.length > 0 && attempt === attempts)
        throw conflict({ group: '', name: 'resourcequotas' }, names[0]!, optimisticLockMessage);
    }
  } catch (error) {
    // Another server took what was left of one quota after this request had been counted by another one.
    for (const each of charged) await giveBack(each, context, save);
    throw error;
  }
}

/** As well as it can be done at once; else the quota controller does it. */
async function giveBack({ quota, more }: Charge, context: AdmissionContext, save: SaveQuota): Promise<void> {
  const { namespace = '', name } = quota.metadata;
  for (let attempt = 1; attempt <= attempts; attempt++) {
    const current = context.objects.find(resourceQuotaKind, namespace, name);
    if (!current || (await save(withUsage({ quota: current, more }, 'minus')))) return;
  }
}

function withUsage({ quota, more }: Charge, how: 'plus' | 'minus'): ResourceQuota {
  const used = { ...quota.status?.used };
  for (const [resource, amount] of more) used[resource] = String(quantityOf(used[resource])[how](amount));
  return { ...quota, status: { ...quota.status, used } };
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

/** What the quota counts of it; nothing when the request does not concern it. @throws Forbidden */
function concernedUsage(
  request: AdmissionRequest,
  quota: ResourceQuota,
  added: ReadonlyMap<string, Quantity>,
): Charge['more'] {
  const { name } = quota.metadata;
  const { hard = {}, used = {} } = quota.status ?? {};
  const scopes = [
    ...(quota.spec?.scopes ?? []).map((scopeName) => ({ scopeName, operator: 'Exists' as const })),
    ...(quota.spec?.scopeSelector?.matchExpressions ?? []),
  ];
  if (!isInScope(request.resource, request.object!, scopes)) return [];
  if (isAbout(request, podKind) && request.operation === 'CREATE') {
    const open = unspecified(request.object as Pod, Object.keys(hard));
    if (open) throw refuse(request, `failed quota: ${name}: must specify ${open}`);
  }
  const concerned = [...added]
    .filter(([resource]) => hard[resource] !== undefined)
    .sort(([a], [b]) => (a < b ? -1 : 1));
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
  return concerned;
}
