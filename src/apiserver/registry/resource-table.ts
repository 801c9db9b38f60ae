// Which resources are served, by group and version. Custom resources join and leave while the server runs.
import { compareVersions } from '../../api/meta/version-order.ts';
import type { ResourceInfo } from '../../api/resource-info.ts';

export class ResourceTable {
  readonly #byVersion = new Map<string, Map<string, ResourceInfo>>();
  readonly #groups = new Map<string, string[]>();
  readonly #stored = new Map<string, ResourceInfo>();
  readonly #byKind = new Map<string, ResourceInfo>();
  readonly #builtIn = new Set<string>();
  /** Grows with every change: discovery documents are remade when it does. */
  generation = 0;

  constructor(resources: readonly ResourceInfo[]) {
    for (const resource of resources) {
      this.#builtIn.add(resource.group);
      this.add(resource);
    }
  }

  add(resource: ResourceInfo): void {
    const { group, version } = resource;
    const key = `${group}/${version}`;
    let plurals = this.#byVersion.get(key);
    if (!plurals) {
      plurals = new Map();
      this.#byVersion.set(key, plurals);
      const versions = this.#groups.get(group) ?? [];
      this.#groups.set(group, [...versions, version]);
      if (resource.custom) this.#order(group);
    }
    plurals.set(resource.plural, resource);
    this.#byKind.set(`${key}/${resource.kind}`, resource);
    const storedAs = resource.custom?.conversion?.storedAs;
    const isStored = storedAs
      ? storedAs === key
      : group === resource.storage.group && version === resource.storage.version;
    if (isStored) {
      this.#stored.set(`${group}/${resource.plural}`, resource);
    }
    this.generation++;
  }

  /** No longer served; nothing happens when another resource has taken its place. */
  remove(resource: ResourceInfo): void {
    const { group, version } = resource;
    const key = `${group}/${version}`;
    const plurals = this.#byVersion.get(key);
    if (plurals?.get(resource.plural) !== resource) return;
    plurals.delete(resource.plural);
    this.generation++;
    const kindKey = `${key}/${resource.kind}`;
    if (this.#byKind.get(kindKey) === resource) this.#byKind.delete(kindKey);
    const storedKey = `${group}/${resource.plural}`;
    if (this.#stored.get(storedKey) === resource) this.#stored.delete(storedKey);
    if (plurals.size > 0) return;
    this.#byVersion.delete(key);
    const versions = this.#groups.get(group)!.filter((each) => each !== version);
    if (versions.length > 0) this.#groups.set(group, versions);
    else this.#groups.delete(group);
  }

  /** Versions of custom resources by preference; groups that only they are in come last, by name. */
  #order(group: string): void {
    this.#groups.set(group, [...this.#groups.get(group)!].sort(compareVersions));
    const custom = [...this.#groups].filter(([name]) => !this.isBuiltIn(name)).sort(([a], [b]) => (a < b ? -1 : 1));
    for (const [name] of custom) this.#groups.delete(name);
    for (const [name, versions] of custom) this.#groups.set(name, versions);
  }

  /** Whether the group was there when the server started, and not by a definition. */
  isBuiltIn(group: string): boolean {
    return this.#builtIn.has(group);
  }

  find(group: string, version: string, plural: string): ResourceInfo | undefined {
    return this.#byVersion.get(`${group}/${version}`)?.get(plural);
  }

  findKind(group: string, version: string, kind: string): ResourceInfo | undefined {
    return this.#byKind.get(`${group}/${version}/${kind}`);
  }

  /** The resource in the version it is stored in. */
  stored(group: string, plural: string): ResourceInfo | undefined {
    return this.#stored.get(`${group}/${plural}`);
  }

  hasGroup(group: string): boolean {
    return this.#groups.has(group);
  }

  hasVersion(group: string, version: string): boolean {
    return this.#byVersion.has(`${group}/${version}`);
  }

  /** In order of preference. */
  groups(): Iterable<readonly [string, readonly string[]]> {
    return this.#groups;
  }

  resources(group: string, version: string): readonly ResourceInfo[] {
    return [...(this.#byVersion.get(`${group}/${version}`)?.values() ?? [])];
  }

  all(): readonly ResourceInfo[] {
    return [...this.#byVersion.values()].flatMap((plurals) => [...plurals.values()]);
  }
}
