// Which resources are served, by group and version. Custom resources join and leave while the server runs.
import type { ResourceInfo } from '../../api/resource-info.ts';

export class ResourceTable {
  readonly #byVersion = new Map<string, Map<string, ResourceInfo>>();
  readonly #groups = new Map<string, string[]>();
  readonly #stored = new Map<string, ResourceInfo>();
  readonly #byKind = new Map<string, ResourceInfo>();
  /** Grows with every change: discovery documents are remade when it does. */
  generation = 0;

  constructor(resources: readonly ResourceInfo[]) {
    for (const resource of resources) this.add(resource);
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
    }
    plurals.set(resource.plural, resource);
    this.#byKind.set(`${key}/${resource.kind}`, resource);
    if (group === resource.storage.group && version === resource.storage.version) {
      this.#stored.set(`${group}/${resource.plural}`, resource);
    }
    this.generation++;
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
