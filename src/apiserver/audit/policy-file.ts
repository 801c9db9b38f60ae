// Reads a policy as people write it: YAML or JSON. Every mistake is told with its place.
import { levels, type Policy, stages } from './policy.ts';

export class PolicyError extends Error {
  override readonly name = 'PolicyError';
}

const versions = ['audit.k8s.io/v1'];
const known: Readonly<Record<string, readonly string[]>> = {
  policy: ['apiVersion', 'kind', 'metadata', 'rules', 'omitStages', 'omitManagedFields'],
  rule: [
    'level',
    'users',
    'userGroups',
    'verbs',
    'resources',
    'namespaces',
    'nonResourceURLs',
    'omitStages',
    'omitManagedFields',
  ],
  resources: ['group', 'resources', 'resourceNames'],
};

type Fields = Readonly<Record<string, unknown>>;

class Reader {
  readonly problems: string[] = [];

  fields(value: unknown, at: string, kind: string): Fields {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) {
      this.problems.push(`${at || 'the policy'}: must be an object`);
      return {};
    }
    for (const name of Object.keys(value))
      if (!known[kind]!.includes(name)) this.problems.push(`${at ? `${at}.` : ''}${name}: unknown field`);
    return value as Fields;
  }

  list(value: unknown, at: string): readonly unknown[] {
    if (value === undefined || value === null) return [];
    if (Array.isArray(value)) return value;
    this.problems.push(`${at}: must be a list`);
    return [];
  }

  texts(fields: Fields, name: string, at: string): readonly string[] {
    const found = this.list(fields[name], `${at}.${name}`);
    if (found.every((each) => typeof each === 'string')) return found as string[];
    this.problems.push(`${at}.${name}: must be a list of texts`);
    return [];
  }

  flag(fields: Fields, name: string, at: string): void {
    const value = fields[name];
    if (value !== undefined && typeof value !== 'boolean') this.problems.push(`${at}${name}: must be true or false`);
  }

  stages(value: unknown, at: string): void {
    for (const [index, stage] of this.list(value, at).entries()) {
      if (!(stages as readonly unknown[]).includes(stage))
        this.problems.push(
          `${at}[${index}]: Invalid value: ${JSON.stringify(stage)}: allowed stages are ${stages.join(',')}`,
        );
    }
  }
}

/** @throws PolicyError, YamlError */
export async function parsePolicy(text: string): Promise<Policy> {
  const { parseYaml } = await import('../../base/yaml.ts');
  const value = parseYaml(text);
  const reader = new Reader();
  const policy = reader.fields(value, '', 'policy');
  if (policy['kind'] !== 'Policy' || !versions.includes(String(policy['apiVersion'])))
    reader.problems.push(`must be a Policy of ${versions.join(' or ')}`);
  reader.stages(policy['omitStages'], 'omitStages');
  reader.flag(policy, 'omitManagedFields', '');
  const rules = reader.list(policy['rules'], 'rules');
  if (rules.length === 0) reader.problems.push('rules: at least one is needed');
  for (const [index, rule] of rules.entries()) checkRule(reader, rule, `rules[${index}]`);
  if (reader.problems.length > 0) throw new PolicyError(reader.problems.join('; '));
  return policy as unknown as Policy;
}

function checkRule(reader: Reader, value: unknown, at: string): void {
  const rule = reader.fields(value, at, 'rule');
  const { level } = rule;
  if (level === undefined || level === '') reader.problems.push(`${at}.level: Required value`);
  else if (!(levels as readonly unknown[]).includes(level)) {
    const supported = levels.map((each) => JSON.stringify(each)).join(', ');
    reader.problems.push(`${at}.level: Unsupported value: ${JSON.stringify(level)}: supported values: ${supported}`);
  }
  for (const name of ['users', 'userGroups', 'verbs', 'namespaces']) reader.texts(rule, name, at);
  reader.stages(rule['omitStages'], `${at}.omitStages`);
  reader.flag(rule, 'omitManagedFields', `${at}.`);
  const urls = reader.texts(rule, 'nonResourceURLs', at);
  for (const [index, url] of urls.entries()) checkUrl(reader, url, `${at}.nonResourceURLs[${index}]`);
  const resources = reader.list(rule['resources'], `${at}.resources`);
  for (const [index, each] of resources.entries()) checkResources(reader, each, `${at}.resources[${index}]`);
  const namespaces = reader.list(rule['namespaces'], `${at}.namespaces`);
  if (urls.length > 0 && resources.length + namespaces.length > 0)
    reader.problems.push(`${at}.nonResourceURLs: rules cannot apply to both regular resources and non-resource URLs`);
}

function checkUrl(reader: Reader, url: string, at: string): void {
  if (url === '*') return;
  const invalid = (problem: string) => reader.problems.push(`${at}: Invalid value: ${JSON.stringify(url)}: ${problem}`);
  if (!url.startsWith('/')) invalid("non-resource URL rules must begin with a '/' character");
  if (url.slice(0, -1).includes('*')) invalid("non-resource URL wildcards '*' must be the final character of the rule");
}

function checkResources(reader: Reader, value: unknown, at: string): void {
  const resources = reader.fields(value, at, 'resources');
  const { group = '' } = resources;
  const isName = typeof group === 'string' && /^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$/.test(group);
  if (group !== '' && group !== '*' && !isName)
    reader.problems.push(
      `${at}.group: Invalid value: ${JSON.stringify(group)}: must be the name of a group, without a version`,
    );
  const names = reader.texts(resources, 'resourceNames', at);
  if (names.length > 0 && reader.texts(resources, 'resources', at).length === 0)
    reader.problems.push(`${at}.resourceNames: using resourceNames requires at least one resource`);
}
