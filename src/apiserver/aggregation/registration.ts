// Every group version that this server serves has an APIService: upstream's own are made once a start, those of custom
// resources are kept in step with what is served.
import type { APIService } from '../../../generated/apiregistration-v1.ts';
import { isAlreadyExists, isConflict, isNotFound } from '../../api/meta/status-error.ts';
import type { ResourceTable } from '../registry/resource-table.ts';
import type { Writes } from './api-service-writes.ts';
import { builtInPriority, customPriority, type Priority, registrationGroup } from './priorities.ts';

const label = 'kube-aggregator.kubernetes.io/automanaged';
const onStart = 'onstart';
const always = 'true';

interface Wanted {
  readonly name: string;
  readonly group: string;
  readonly version: string;
  readonly priority: Priority;
  readonly management: typeof onStart | typeof always;
}

/** What should be there, by name. */
export function wantedServices(table: ResourceTable): ReadonlyMap<string, Wanted> {
  const wanted = new Map<string, Wanted>();
  for (const [group, versions] of table.groups()) {
    if (group === registrationGroup) continue;
    for (const version of versions) {
      const own = builtInPriority(group, version);
      const resources = table.resources(group, version).filter(({ isDiscoverable }) => isDiscoverable);
      if (resources.length === 0) continue;
      const isCustom = resources.some((resource) => resource.custom);
      if (!own && !isCustom) continue;
      const name = `${version}.${group}`;
      const management = own ? onStart : always;
      wanted.set(name, { name, group, version, priority: own ?? customPriority, management });
    }
  }
  return wanted;
}

function objectOf({ name, group, version, priority, management }: Wanted): APIService {
  return {
    apiVersion: 'apiregistration.k8s.io/v1',
    kind: 'APIService',
    metadata: { name, labels: { [label]: management } },
    spec: {
      ...(group ? { group } : {}),
      version,
      groupPriorityMinimum: priority.group,
      versionPriority: priority.version,
    },
  };
}

export class Registration {
  readonly #table: ResourceTable;
  readonly #writes: Writes;
  /** Settled once since the start: what somebody deletes after that stays away, if it is only made at the start. */
  readonly #settled = new Set<string>();
  /** There when the server started; filled by the first look. */
  #atStart: ReadonlySet<string> | undefined;

  constructor(table: ResourceTable, writes: Writes) {
    this.#table = table;
    this.#writes = writes;
  }

  /** Makes, mends and deletes. @throws what writing throws; to be tried again */
  async sync(current: ReadonlyMap<string, APIService>): Promise<void> {
    this.#atStart ??= new Set(current.keys());
    const wanted = wantedServices(this.#table);
    const names = new Set([...wanted.keys(), ...current.keys()]);
    await Promise.all([...names].map((name) => this.#syncOne(name, wanted.get(name), current.get(name))));
  }

  async #syncOne(name: string, wanted: Wanted | undefined, current: APIService | undefined): Promise<void> {
    const management = current?.metadata.labels?.[label];
    const isOnce = wanted?.management === onStart || (!wanted && management === onStart);
    const isSettled = isOnce && this.#settled.has(name);
    if (isOnce) this.#settled.add(name);
    if (isSettled) return;
    try {
      if (wanted && !current) await this.#writes.create(objectOf(wanted));
      else if (!wanted && (management === always || (management === onStart && this.#atStart!.has(name))))
        await this.#writes.delete(name);
      else if (wanted && current && management) await this.#mend(wanted, current);
    } catch (error) {
      if (isAlreadyExists(error) || isConflict(error) || isNotFound(error)) return; // its change brings us back
      this.#settled.delete(name);
      throw error;
    }
  }

  async #mend(wanted: Wanted, current: APIService): Promise<void> {
    const { metadata, spec } = objectOf(wanted);
    const isSame =
      current.metadata.labels?.[label] === wanted.management &&
      !current.spec.service &&
      current.spec.groupPriorityMinimum === spec.groupPriorityMinimum &&
      current.spec.versionPriority === spec.versionPriority;
    if (isSame) return;
    await this.#writes.update(current, (object) => ({
      ...object,
      metadata: { ...object.metadata, labels: { ...object.metadata.labels, ...metadata.labels } },
      spec,
    }));
  }
}
