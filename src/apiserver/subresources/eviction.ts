// Eviction: a deletion that asks the pod's disruption budget first.
import type { Pod } from '../../../generated/core-v1.ts';
import { podDisruptionBudgetKind, podKind } from '../../../generated/kinds.ts';
import type { DeleteOptions } from '../../../generated/meta-v1.ts';
import type { Eviction, PodDisruptionBudget } from '../../../generated/policy-v1.ts';
import { FieldErrors, path } from '../../api/meta/field-errors.ts';
import { matchesSelector } from '../../api/meta/labels.ts';
import { selectorOf } from '../../api/meta/selectors.ts';
import {
  badRequest,
  forbidden,
  invalid,
  isConflict,
  notFound,
  StatusError,
  tooManyRequests,
  unexplained,
} from '../../api/meta/status-error.ts';
import { rfc3339 } from '../../base/clock.ts';
import { statusAnswer } from '../http/answer.ts';
import { checkDeleteOptions } from '../verbs/delete-options.ts';
import { checkPreconditions } from '../verbs/preconditions.ts';
import type { SubresourceHandler, SubresourceRequest } from './handler.ts';
import { created } from './success.ts';

const oldForms = new Map([['policy/v1beta1/Eviction', 'io.k8s.api.policy.v1beta1.Eviction']]);
const attempts = 20;
const maxDisruptedPods = 2000;
const budgetMessage = "Cannot evict pod as it would violate the pod's disruption budget.";

export function evictPod(): SubresourceHandler {
  return {
    group: '',
    resource: 'pods',
    subresource: 'eviction',
    methods: ['POST'],
    async handle(request) {
      const expected = { group: 'policy', version: 'v1', kind: 'Eviction', typeName: 'io.k8s.api.policy.v1.Eviction' };
      const eviction = (await request.decode(expected, oldForms)) as Eviction;
      let options: DeleteOptions = {};
      const complete = () => {
        options = optionsOf(eviction, request);
      };
      await request.admit({ operation: 'CREATE', object: eviction, kind: expected, complete });
      return evict(request, request.info.name, options);
    },
  };
}

function optionsOf({ metadata, deleteOptions = {} }: Eviction, { info, query }: SubresourceRequest): DeleteOptions {
  if (metadata.name !== info.name) throw badRequest('name in URL does not match name in Eviction object');
  if (deleteOptions.ignoreStoreReadErrorWithClusterBreakingPotential) {
    const errors = new FieldErrors();
    const at = path('deleteOptions', 'ignoreStoreReadErrorWithClusterBreakingPotential');
    errors.invalid(at, true, 'can not be set for pod eviction, try after removing the option');
    throw invalid({ group: 'policy', name: 'Eviction' }, info.name, errors.summary(), errors.causes());
  }
  const asked = query.getAll('dryRun');
  const given = deleteOptions.dryRun ?? [];
  if (asked.length > 0 && given.length > 0 && asked.join() !== given.join()) {
    const both = `[${asked.join(' ')}] and [${given.join(' ')}]`;
    throw unexplained(`Non-matching dry-run options in request and content: ${both}`);
  }
  const { dryRun: _dryRun, ...options } = deleteOptions;
  const dryRun = given.length > 0 ? given : asked;
  return { ...options, ...(dryRun.length > 0 ? { dryRun } : {}) };
}

async function evict(request: SubresourceRequest, name: string, options: DeleteOptions) {
  const hasVersion = options.preconditions?.resourceVersion !== undefined;
  for (let attempt = 1; ; attempt++) {
    const pod = request.objects.find(podKind, request.info.namespace, name);
    if (!pod) throw notFound({ group: '', name: 'pods' }, name);
    try {
      if (isOver(pod)) {
        const isPending = pod.status?.phase === 'Pending' && !pod.metadata.deletionTimestamp;
        await remove(request, pod, isPending && !hasVersion ? atVersion(options, pod) : options);
        return created();
      }
      const budgets = budgetsOf(request, pod);
      if (budgets.length > 1) return tooManyBudgets();
      const [budget] = budgets;
      const isSpared = budget !== undefined && !isReady(pod) && mayGoUnhealthy(budget);
      if (budget && !isSpared) await spend(request, budget, pod, options);
      await remove(request, pod, isSpared && !hasVersion ? atVersion(options, pod) : options);
      return created();
    } catch (error) {
      if (!isConflict(error) || hasVersion || options.preconditions?.uid || attempt === attempts) throw error;
    }
  }
}

const atVersion = (options: DeleteOptions, { metadata }: Pod): DeleteOptions => ({
  ...options,
  preconditions: { ...options.preconditions, resourceVersion: metadata.resourceVersion! },
});

/** Ended, not yet begun, or on its way out: no budget counts it. */
function isOver({ status, metadata }: Pod): boolean {
  return metadata.deletionTimestamp !== undefined || ['Succeeded', 'Failed', 'Pending'].includes(status?.phase ?? '');
}

function isReady({ status }: Pod): boolean {
  return status?.conditions?.some(({ type, status: is }) => type === 'Ready' && is === 'True') ?? false;
}

function budgetsOf({ objects }: SubresourceRequest, pod: Pod): PodDisruptionBudget[] {
  if (Object.keys(pod.metadata.labels ?? {}).length === 0) return [];
  return objects
    .list(podDisruptionBudgetKind, pod.metadata.namespace)
    .filter(({ spec }) => spec?.selector && matchesSelector(selectorOf(spec.selector)!, pod.metadata.labels));
}

/** A pod that serves nobody may go when enough others do. */
function mayGoUnhealthy({ spec, status }: PodDisruptionBudget): boolean {
  if (spec?.unhealthyPodEvictionPolicy === 'AlwaysAllow') return true;
  const { currentHealthy = 0, desiredHealthy = 0 } = status ?? {};
  return currentHealthy >= desiredHealthy && desiredHealthy > 0;
}

function tooManyBudgets() {
  const message = 'This pod has more than one PodDisruptionBudget, which the eviction subresource does not support.';
  return statusAnswer(500, { kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Failure', message, code: 500 });
}

/** Takes one disruption from the budget, and notes the pod so that its controller does not count it as available. */
async function spend(
  request: SubresourceRequest,
  { metadata }: PodDisruptionBudget,
  pod: Pod,
  options: DeleteOptions,
): Promise<void> {
  const now = rfc3339(request.clock.now());
  await request.writer.update(
    request.resourceFor('policy', 'poddisruptionbudgets'),
    metadata.namespace!,
    metadata.name,
    (current) => {
      const budget = current as PodDisruptionBudget;
      checkBudget(budget);
      const left = budget.status!.disruptionsAllowed! - 1;
      const disrupted = { ...budget.status!.disruptedPods, [pod.metadata.name]: now };
      const conditions = left === 0 ? withoutDisruptions(budget, now) : budget.status!.conditions;
      const status = { ...budget.status!, disruptionsAllowed: left, disruptedPods: disrupted };
      return { ...budget, status: conditions ? { ...status, conditions } : status };
    },
    {
      user: request.user,
      isDryRun: options.dryRun !== undefined,
      subresource: 'status',
      skipsAdmission: true,
      skipsValidation: true,
    },
  );
}

function checkBudget({ metadata, status }: PodDisruptionBudget): void {
  const { name, generation = 0 } = metadata;
  if ((status?.observedGeneration ?? 0) < generation) {
    throw blocked(`The disruption budget ${name} is still being processed by the server.`, 10);
  }
  const refuse = (problem: string) => forbidden({ group: 'policy', name: 'poddisruptionbudget' }, name, problem);
  const {
    disruptionsAllowed = 0,
    disruptedPods = {},
    currentHealthy = 0,
    desiredHealthy = 0,
    conditions = [],
  } = status!;
  if (disruptionsAllowed < 0) throw refuse('pdb disruptions allowed is negative');
  if (Object.keys(disruptedPods).length > maxDisruptedPods) {
    throw refuse('DisruptedPods map too big - too many evictions not confirmed by PDB controller');
  }
  if (disruptionsAllowed > 0) return;
  const condition = conditions.find(
    ({ type, status: is, message }) => type === 'DisruptionAllowed' && is === 'False' && message,
  );
  const subject = `The disruption budget ${name}`;
  const not = `${subject} does not allow evicting pods currently`;
  if (condition?.reason === 'SyncFailed') throw blocked(`${not} because it failed sync: ${condition.message}`, 0);
  if (currentHealthy <= desiredHealthy) {
    throw blocked(`${subject} needs ${desiredHealthy} healthy pods and has ${currentHealthy} currently`, 0);
  }
  throw blocked(condition ? `${not} (${condition.reason}): ${condition.message}` : not, 0);
}

function blocked(message: string, retryAfterSeconds: number): StatusError {
  const { status } = tooManyRequests(budgetMessage, retryAfterSeconds);
  const causes = [{ reason: 'DisruptionBudget', message }];
  return new StatusError({ ...status, details: { causes, ...(retryAfterSeconds > 0 ? { retryAfterSeconds } : {}) } });
}

function withoutDisruptions({ metadata, status }: PodDisruptionBudget, now: string) {
  const conditions = status?.conditions ?? [];
  const was = conditions.find(({ type }) => type === 'DisruptionAllowed');
  const next = {
    type: 'DisruptionAllowed',
    status: 'False' as const,
    observedGeneration: status?.observedGeneration ?? metadata.generation ?? 0,
    lastTransitionTime: was?.status === 'False' ? was.lastTransitionTime : now,
    reason: 'InsufficientPods',
    message: '',
  };
  return [...conditions.filter((each) => each !== was), next];
}

/** Says why before it goes: whoever watches the pod can tell an eviction from a deletion. */
async function remove(request: SubresourceRequest, { metadata }: Pod, options: DeleteOptions): Promise<void> {
  const { user, clock } = request;
  const pods = request.resourceFor('', 'pods');
  const isDryRun = options.dryRun !== undefined;
  let preconditions = options.preconditions;
  if (isDryRun) checkDeleteOptions(options);
  else {
    const marked = await request.writer.update(
      pods,
      metadata.namespace!,
      metadata.name,
      (current) => {
        checkPreconditions({ group: '', name: 'Pod' }, metadata.name, preconditions ?? {}, current.metadata);
        return markDisrupted(current as Pod, rfc3339(clock.now()));
      },
      {
        user,
        isDryRun,
        subresource: 'status',
        skipsAdmission: true,
        skipsValidation: true,
        ...(preconditions?.uid ? {} : { uidPrecondition: metadata.uid! }),
      },
    );
    if (preconditions?.resourceVersion)
      preconditions = { ...preconditions, resourceVersion: marked.metadata.resourceVersion! };
  }
  const final: DeleteOptions = { ...options, ...(preconditions ? { preconditions } : {}) };
  if (!isDryRun) checkDeleteOptions(final);
  // The eviction was admitted: the deletion that follows is part of it.
  const context = { user, isDryRun, skipsAdmission: true };
  await request.writer.delete(pods, metadata.namespace!, metadata.name, final, context);
}

function markDisrupted(pod: Pod, now: string): Pod {
  const conditions: { type: string; status: string; lastTransitionTime?: string }[] = pod.status?.conditions ?? [];
  const before = conditions.find(({ type }) => type === 'DisruptionTarget');
  const condition = {
    type: 'DisruptionTarget',
    status: 'True',
    lastProbeTime: null,
    lastTransitionTime: before?.status === 'True' ? before.lastTransitionTime : now,
    reason: 'EvictionByEvictionAPI',
    message: 'Eviction API: evicting',
  };
  const marked = before ? conditions.map((each) => (each === before ? condition : each)) : [...conditions, condition];
  return { ...pod, status: { ...pod.status, conditions: marked as any } };
}
