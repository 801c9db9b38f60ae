// The classic discovery documents.
import { createHash } from 'node:crypto';
import { apiVersionOf } from '../../api/meta/object.ts';
import type { ResourceInfo, SubresourceInfo } from '../../api/resource-info.ts';
import { type RemoteVersion, type ServedGroup, servedGroups } from '../aggregation/served-groups.ts';
import type { ResourceTable } from '../registry/resource-table.ts';

const storageVerbs = ['get', 'list', 'create'];

/** What upstream stores in another version than we do; clients compare the hash only. */
const upstreamStorage: Readonly<Record<string, string>> = {
  'apiextensions.k8s.io/customresourcedefinitions': 'v1beta1',
  'admissionregistration.k8s.io/mutatingadmissionpolicies': 'v1beta1',
  'admissionregistration.k8s.io/mutatingadmissionpolicybindings': 'v1beta1',
};

/** Tells clients when a resource's storage version has changed: upstream's hash of group, version and kind. */
function storageVersionHash({ storage, rules, verbs }: ResourceInfo): string | undefined {
  if (!storageVerbs.every((verb) => verbs.includes(verb))) return undefined;
  const { group } = storage;
  const version = upstreamStorage[`${group}/${storage.plural}`] ?? storage.version;
  return createHash('sha256').update(`${group}/${version}/${rules.kind}`).digest().subarray(0, 8).toString('base64');
}

function resourceEntry(resource: ResourceInfo) {
  const hash = storageVersionHash(resource);
  return {
    name: resource.plural,
    singularName: resource.singular,
    namespaced: resource.namespaced,
    kind: resource.kind,
    verbs: resource.custom ? resource.verbs : [...resource.verbs].sort(),
    ...(resource.shortNames.length > 0 ? { shortNames: resource.shortNames } : {}),
    ...(resource.categories.length > 0 ? { categories: resource.categories } : {}),
    ...(hash ? { storageVersionHash: hash } : {}),
  };
}

function subresourceEntry(resource: ResourceInfo, part: SubresourceInfo) {
  const isOwn = part.group === resource.group && part.version === resource.version;
  return {
    name: `${resource.plural}/${part.name}`,
    singularName: '',
    namespaced: resource.namespaced,
    ...(isOwn ? {} : { group: part.group, version: part.version }),
    kind: part.kind,
    verbs: [...part.verbs].sort(),
  };
}

export function resourceList(table: ResourceTable, group: string, version: string) {
  const resources = table.resources(group, version).filter((resource) => resource.isDiscoverable);
  const entries = resources.flatMap((resource) => [
    resourceEntry(resource),
    ...resource.subresources.map((part) => subresourceEntry(resource, part)),
  ]);
  // Parts of custom resources come in the order of upstream's code: status, then scale.
  const rank = ({ name }: { name: string }) => (isCustom ? name.replace(/\/.*/, '') : name);
  const isCustom = resources.some((resource) => resource.custom);
  entries.sort((a, b) => (rank(a) < rank(b) ? -1 : rank(a) > rank(b) ? 1 : 0));
  return {
    kind: 'APIResourceList',
    // The core group's list is older than the habit of naming a version.
    ...(group === '' ? {} : { apiVersion: 'v1' }),
    groupVersion: apiVersionOf({ group, version }),
    resources: entries,
  };
}

function groupEntry({ group, versions }: ServedGroup) {
  const entries = versions.map(({ version }) => ({ groupVersion: `${group}/${version}`, version }));
  return { name: group, versions: entries, preferredVersion: entries[0]! };
}

/** Versions with something in them to discover. */
function versionsOf(table: ResourceTable, group: string, all: readonly string[]): string[] {
  return all.filter((version) => table.resources(group, version).some((resource) => resource.isDiscoverable));
}

/** Every group but the core one, with its versions; those of servers behind us among them. */
export function served(table: ResourceTable, remotes: readonly RemoteVersion[] = []): readonly ServedGroup[] {
  const own = [...table.groups()]
    .map(([group, all]) => ({ group, versions: versionsOf(table, group, all) }))
    .filter(({ group, versions }) => group !== '' && versions.length > 0);
  return servedGroups(
    own,
    remotes.filter(({ group }) => group !== ''),
  );
}

export function servedCore(table: ResourceTable): ServedGroup {
  const all = [...table.groups()].find(([group]) => group === '')?.[1] ?? [];
  return { group: '', versions: versionsOf(table, '', all).map((version) => ({ version })) };
}

export function apiGroup(group: ServedGroup) {
  return { kind: 'APIGroup', apiVersion: 'v1', ...groupEntry(group) };
}

export function apiGroupList(groups: readonly ServedGroup[]) {
  return { kind: 'APIGroupList', apiVersion: 'v1', groups: groups.map(groupEntry) };
}

export function apiVersions(serverAddress: string) {
  return {
    kind: 'APIVersions',
    versions: ['v1'],
    serverAddressByClientCIDRs: [{ clientCIDR: '0.0.0.0/0', serverAddress }],
  };
}
