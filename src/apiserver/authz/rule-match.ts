// What one RBAC rule allows.
import type { PolicyRule } from '../../../generated/rbac-v1.ts';
import type { AuthorizationAttributes } from './authorizer.ts';

export type Asked = Pick<
  AuthorizationAttributes,
  'verb' | 'isResource' | 'group' | 'resource' | 'subresource' | 'name' | 'path'
>;

export function ruleAllows(rule: PolicyRule, asked: Asked): boolean {
  if (!holds(rule.verbs, asked.verb)) return false;
  if (!asked.isResource) return (rule.nonResourceURLs ?? []).some((url) => urlCovers(url, asked.path));
  return (
    holds(rule.apiGroups, asked.group) &&
    resourcesHold(rule.resources, asked.resource, asked.subresource) &&
    (!rule.resourceNames?.length || rule.resourceNames.includes(asked.name))
  );
}

function holds(allowed: readonly string[] | undefined, value: string): boolean {
  return allowed !== undefined && (allowed.includes('*') || allowed.includes(value));
}

function resourcesHold(allowed: readonly string[] | undefined, resource: string, subresource: string): boolean {
  if (!allowed) return false;
  if (!subresource) return holds(allowed, resource);
  return holds(allowed, `${resource}/${subresource}`) || allowed.includes(`*/${subresource}`);
}

/** A `*` stands for anything, but only at the end. */
function urlCovers(allowed: string, path: string): boolean {
  if (allowed === '*' || allowed === path) return true;
  return allowed.endsWith('*') && path.startsWith(allowed.replace(/\*+$/, ''));
}

/** Parts of `wanted` that none of `held` covers, each with one group, resource, name and verb. */
export function uncoveredRules(held: readonly PolicyRule[], wanted: readonly PolicyRule[]): PolicyRule[] {
  return wanted.flatMap(breakDown).filter((part) => !held.some((rule) => covers(rule, part)));
}

function breakDown(rule: PolicyRule): PolicyRule[] {
  const parts: PolicyRule[] = [];
  for (const group of rule.apiGroups ?? []) {
    for (const resource of rule.resources ?? []) {
      for (const verb of rule.verbs) {
        const part = { verbs: [verb], apiGroups: [group], resources: [resource] };
        if (!rule.resourceNames?.length) parts.push(part);
        for (const name of rule.resourceNames ?? []) parts.push({ ...part, resourceNames: [name] });
      }
    }
  }
  for (const url of rule.nonResourceURLs ?? []) {
    for (const verb of rule.verbs) parts.push({ verbs: [verb], nonResourceURLs: [url] });
  }
  return parts;
}

function covers(held: PolicyRule, part: PolicyRule): boolean {
  if (!holds(held.verbs, part.verbs[0]!)) return false;
  if (part.nonResourceURLs)
    return (held.nonResourceURLs ?? []).some((url) => urlCovers(url, part.nonResourceURLs![0]!));
  const [resource, subresource = ''] = part.resources![0]!.split('/', 2) as [string, string?];
  return (
    holds(held.apiGroups, part.apiGroups![0]!) &&
    resourcesHold(held.resources, resource, subresource) &&
    (!held.resourceNames?.length ||
      (part.resourceNames !== undefined && held.resourceNames.includes(part.resourceNames[0]!)))
  );
}

/** Joins parts that differ in their verb only. */
export function compactRules(parts: readonly PolicyRule[]): PolicyRule[] {
  const joined = new Map<string, PolicyRule>();
  for (const part of parts) {
    const isSimple =
      part.resources?.length === 1 && part.apiGroups?.length === 1 && (part.resourceNames?.length ?? 0) <= 1;
    const key = isSimple
      ? JSON.stringify([part.apiGroups, part.resources, part.resourceNames])
      : JSON.stringify([part.nonResourceURLs, part.verbs, part.resources, part.apiGroups, part.resourceNames]);
    const known = joined.get(key);
    if (known && isSimple) known.verbs = [...new Set([...known.verbs, ...part.verbs])];
    else if (!known) joined.set(key, { ...part });
  }
  return [...joined.values()];
}

/** `{APIGroups:[""], Resources:["pods"], Verbs:["get" "list"]}` */
export function describeRule(rule: PolicyRule): string {
  const parts: string[] = [];
  const add = (label: string, values: readonly string[] | undefined) => {
    if (values?.length) parts.push(`${label}:[${values.map((value) => JSON.stringify(value)).join(' ')}]`);
  };
  add('APIGroups', rule.apiGroups);
  add('Resources', rule.resources);
  add('NonResourceURLs', rule.nonResourceURLs);
  add('ResourceNames', rule.resourceNames);
  add('Verbs', rule.verbs);
  return `{${parts.join(', ')}}`;
}
