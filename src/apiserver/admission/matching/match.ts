// Whether a webhook or a policy is meant for a request, and in which version it wants to see the objects.

import type { NamedRuleWithOperations } from '../../../../generated/admissionregistration-v1.ts';
import type { LabelSelector } from '../../../../generated/meta-v1.ts';
import { apiVersionOf, type KubernetesObject } from '../../../api/meta/object.ts';
import type { ObjectConversion, ResourceInfo } from '../../../api/resource-info.ts';
import { copyJson } from '../../../schema/copy-json.ts';
import type { AdmissionContext, AdmissionRequest } from '../plugin.ts';
import { equivalentsOf, type GroupVersionKind, kindFor } from './equivalents.ts';
import { matchesRule, ruleSubject } from './rules.ts';
import { matchesNamespaceSelector, matchesObjectSelector, nameOf } from './selectors.ts';

/** The fields that webhooks, policies and bindings (`matchConstraints`, `matchResources`) share. */
export interface MatchCriteria {
  readonly matchPolicy?: 'Exact' | 'Equivalent' | undefined;
  readonly namespaceSelector?: LabelSelector | undefined;
  readonly objectSelector?: LabelSelector | undefined;
}

/** How what matched sees the request. */
export interface Match {
  /** The resource in the version to be shown. */
  readonly resource: ResourceInfo;
  /** What the objects are there: a part's own kind for `scale`, `binding`… */
  readonly kind: GroupVersionKind;
}

/** Kinds that decide about admission are never shown to webhooks and policies: nobody could mend them. */
export function isExempt({ resource }: AdmissionRequest): boolean {
  return resource.group === 'admissionregistration.k8s.io' && exempt.has(resource.plural);
}

const exempt = new Set([
  'validatingwebhookconfigurations',
  'mutatingwebhookconfigurations',
  'validatingadmissionpolicies',
  'validatingadmissionpolicybindings',
  'mutatingadmissionpolicies',
  'mutatingadmissionpolicybindings',
]);

type Outcome<T> = { readonly value: T } | { readonly error: unknown };

function attempt(look: () => boolean): Outcome<boolean> {
  try {
    return { value: look() };
  } catch (error) {
    return { error };
  }
}

const isNo = (outcome: Outcome<boolean>) => 'value' in outcome && !outcome.value;

/** The first rule decides in which version, earlier versions of the request itself first. */
function matchRules(
  rules: readonly NamedRuleWithOperations[],
  policy: MatchCriteria['matchPolicy'],
  request: AdmissionRequest,
  { table }: AdmissionContext,
): Match | undefined {
  const { resource, subresource } = request;
  const isNamed = ({ resourceNames }: NamedRuleWithOperations) =>
    !resourceNames?.length || resourceNames.includes(nameOf(request));
  const subject = ruleSubject(request);
  if (rules.some((rule) => matchesRule(rule, subject) && isNamed(rule))) return { resource, kind: kindOf(request) };
  if (policy !== 'Equivalent') return undefined;
  const others = equivalentsOf(table, resource);
  for (const rule of rules) {
    for (const other of others) {
      const kind = kindFor(other, subresource);
      if (kind && matchesRule(rule, ruleSubject(request, other)) && isNamed(rule)) return { resource: other, kind };
    }
  }
  return undefined;
}

/** The kind of the request's object in the version of the request. */
export function kindOf({ resource, subresource, kind }: AdmissionRequest): GroupVersionKind {
  return kind ?? kindFor(resource, subresource) ?? resource;
}

/** A webhook. @throws NotFound when it would match but for a namespace that is not there */
export function matchWebhook(
  criteria: MatchCriteria & { readonly rules?: readonly NamedRuleWithOperations[] | undefined },
  request: AdmissionRequest,
  context: AdmissionContext,
): Match | undefined {
  return matchAll(criteria, request, context, () =>
    matchRules(criteria.rules ?? [], criteria.matchPolicy, request, context),
  );
}

/**
 * A policy's `matchConstraints` or a binding's `matchResources`; without rules everything matches.
 * @throws NotFound when it would match but for a namespace that is not there
 */
export function matchResources(
  criteria: MatchCriteria & {
    readonly resourceRules?: readonly NamedRuleWithOperations[] | undefined;
    readonly excludeResourceRules?: readonly NamedRuleWithOperations[] | undefined;
  },
  request: AdmissionRequest,
  context: AdmissionContext,
): Match | undefined {
  const { resourceRules, excludeResourceRules, matchPolicy } = criteria;
  return matchAll(criteria, request, context, () => {
    if (matchRules(excludeResourceRules ?? [], matchPolicy, request, context)) return undefined;
    if (!resourceRules?.length) return { resource: request.resource, kind: kindOf(request) };
    return matchRules(resourceRules, matchPolicy, request, context);
  });
}

/** Trouble with the selectors only counts when the rules match. */
function matchAll(
  { namespaceSelector, objectSelector }: MatchCriteria,
  request: AdmissionRequest,
  context: AdmissionContext,
  byRules: () => Match | undefined,
): Match | undefined {
  const namespace = attempt(() => matchesNamespaceSelector(namespaceSelector, request, context));
  if (isNo(namespace) || !matchesObjectSelector(objectSelector, request)) return undefined;
  const match = byRules();
  if (match && 'error' in namespace) throw namespace.error;
  return match;
}

export interface VersionedObjects {
  readonly object: KubernetesObject | undefined;
  readonly oldObject: KubernetesObject | undefined;
}

/** The request's objects in the version that matched. They may be the request's own: not to be changed. */
export async function versionedObjects(request: AdmissionRequest, match: Match): Promise<VersionedObjects> {
  const { object, oldObject } = request;
  return { object: await inVersion(request, match, object), oldObject: await inVersion(request, match, oldObject) };
}

/** Parts of their own kind come as they are; objects are in the storage version, and are converted. */
async function inVersion(
  { kind }: AdmissionRequest,
  { resource }: Match,
  object: KubernetesObject | undefined,
): Promise<KubernetesObject | undefined> {
  if (!object || kind) return object;
  const { storage, custom } = resource;
  if (custom?.conversion) return convertOne(custom.conversion, object, apiVersionOf(resource));
  if (storage.group === resource.group && storage.version === resource.version) return object;
  return resource.fromStorage(copyJson(object));
}

/** By the definition's webhook, unless the object is in that version. */
export async function convertOne(
  conversion: ObjectConversion,
  object: KubernetesObject,
  apiVersion: string,
): Promise<KubernetesObject> {
  if (object.apiVersion === apiVersion) return object;
  const json = Buffer.from(JSON.stringify(object));
  const metadata = () => copyJson(object.metadata);
  const [converted] = await conversion.convert([{ apiVersion: object.apiVersion!, json, metadata }], apiVersion);
  return converted!;
}
