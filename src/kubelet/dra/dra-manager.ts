// Devices of claims: made ready before the first pod that uses them starts, given back after the last one has ended.
import type { Container, Pod, ResourceHealth, ResourceStatus } from '../../../generated/core-v1.ts';
import type { ResourceClaim } from '../../../generated/resource-v1.ts';
import { isReservedFor, whyNotOwned } from '../../api/resource/pod-claims.ts';
import { type Clock, every } from '../../base/clock.ts';
import type { Logger } from '../../base/log.ts';
import type { GrpcMessage } from '../grpc/proto.ts';
import { ClaimCache, type ClaimInfo } from './claim-cache.ts';
import { DeviceHealthCache } from './device-health.ts';
import type { DraDriver } from './dra-driver.ts';
import { DraDrivers } from './dra-drivers.ts';
import type { PreparedDevice } from './dra-proto.ts';
import { baseRequest, claimsOf, usesOf } from './pod-claim-requests.ts';

export interface DraManagerOptions {
  /** Of what is prepared; its folder must be there. */
  readonly stateFile: string;
  readonly clock: Clock;
  readonly log: Logger;
  readonly claim: (namespace: string, name: string) => Promise<ResourceClaim>;
  /** Deletes this node's slices of a driver, or of all. */
  readonly wipeSlices: (driver?: string) => Promise<void>;
  readonly activePodUids: () => ReadonlySet<string>;
  /** Devices of these pods have become healthy or unhealthy. */
  readonly onHealth: (podUids: ReadonlySet<string>) => void;
}

const reconcileMs = 60_000;

export class DraManager {
  readonly drivers: DraDrivers;
  readonly #options: DraManagerOptions;
  readonly #claims: ClaimCache;
  readonly #health: DeviceHealthCache;

  constructor(options: DraManagerOptions) {
    this.#options = options;
    const { clock, log, wipeSlices } = options;
    this.#claims = new ClaimCache(options.stateFile);
    this.#health = new DeviceHealthCache(clock);
    this.drivers = new DraDrivers({
      clock,
      log,
      wipeSlices,
      onHealth: (driver, devices) => this.#heard(driver, devices),
      onHealthLost: (driver) => {
        if (this.#health.forget(driver)) options.onHealth(this.#podsOf(driver));
      },
    });
  }

  async load(): Promise<void> {
    const problem = await this.#claims.load();
    if (problem) this.#options.log.warn('which claims are prepared is not known', { problem });
  }

  async run(signal: AbortSignal): Promise<void> {
    await Promise.all([this.drivers.run(signal), this.#reconcile(signal)]);
  }

  /** Asks the drivers of all of the pod's claims to make their devices ready. @throws with the reason for the pod's event */
  async prepare(pod: Pod): Promise<void> {
    const used = claimsOf(pod);
    if (used.length === 0) return;
    const claims: { claim: ResourceClaim; drivers: Map<string, DraDriver> }[] = [];
    // Nothing is written down before all is known to be there: a pod that can not start is deleted without calling anybody.
    for (const { name, mustBeOwned } of used) {
      const claim = await this.#fetch(pod, name, mustBeOwned);
      const names = new Set(claim.status!.allocation!.devices?.results?.map(({ driver }) => driver));
      claims.push({ claim, drivers: new Map([...names].map((driver) => [driver, this.drivers.get(driver)])) });
    }
    const batches = new Map<DraDriver, ClaimInfo[]>();
    const infos = claims.map(({ claim, drivers }) => {
      const info = this.#remember(pod, claim, [...drivers.keys()]);
      if (!info.isPrepared)
        for (const driver of drivers.values()) batches.set(driver, [...(batches.get(driver) ?? []), info]);
      return info;
    });
    await this.#save();
    for (const [driver, batch] of batches) {
      const devices = await driver.prepare(batch.map(({ namespace, uid, name }) => ({ namespace, uid, name })));
      for (const info of batch) info.drivers.set(driver.name, devices.get(info.uid) ?? []);
    }
    for (const info of infos) info.isPrepared = true;
    await this.#save();
  }

  /** Gives back what no other pod here uses. May be repeated. @throws while a driver can not be asked */
  async unprepare(pod: Pod): Promise<void> {
    const uid = pod.metadata.uid!;
    const used = [...this.#claims.all()].filter(({ podUids }) => podUids.has(uid));
    if (used.length > 0) await this.#unprepareClaims(uid, used);
  }

  /** Names of the devices, for the runtime. @throws when one of the claims is not prepared */
  cdiDevices(pod: Pod, container: Container): string[] {
    const names = new Set<string>();
    for (const { claim, request } of usesOf(pod, container)) {
      const info = this.#claims.find(pod.metadata.namespace!, claim);
      if (!info) throw new Error(`unable to get claim info for ResourceClaim ${claim}`);
      for (const { cdiDeviceIds } of devicesFor(info, request)) for (const id of cdiDeviceIds) names.add(id);
    }
    return [...names];
  }

  /** What of claims a container has, for those who look at devices. */
  claimsOfContainer(pod: Pod, container: Container): ClaimInfo[] {
    const names = new Set(usesOf(pod, container).map(({ claim }) => claim));
    return [...names].flatMap((name) => this.#claims.find(pod.metadata.namespace!, name) ?? []);
  }

  /** As the pod's status has them: `claim:ENTRY/REQUEST`. */
  statuses(pod: Pod, container: Container): ResourceStatus[] {
    return usesOf(pod, container).flatMap(({ entry, claim, request }) => {
      const info = this.#claims.find(pod.metadata.namespace!, claim);
      if (!info || entry === undefined) return [];
      const resources = new Map<string, ResourceHealth>();
      for (const device of devicesFor(info, request)) {
        const status = this.#healthOf(device.driver, device);
        if (!resources.has(status.resourceID)) resources.set(status.resourceID, status);
      }
      const name = request ? `claim:${entry}/${request}` : `claim:${entry}`;
      return resources.size > 0 ? [{ name, resources: [...resources.values()] }] : [];
    });
  }

  #healthOf(driver: string, { cdiDeviceIds, poolName, deviceName }: PreparedDevice): ResourceHealth {
    const { health, message } = this.#health.of(driver, poolName, deviceName);
    const resourceID = cdiDeviceIds[0] ?? `${driver}/${poolName}/${deviceName}`;
    return { resourceID, health, ...(message ? { message } : {}) };
  }

  async #fetch(pod: Pod, name: string, mustBeOwned: boolean): Promise<ResourceClaim> {
    const claim = await this.#options.claim(pod.metadata.namespace!, name).catch((error) => {
      throw new Error(`fetch ResourceClaim ${name}: ${(error as Error).message}`);
    });
    const problem = mustBeOwned ? whyNotOwned(pod, claim) : undefined;
    if (problem) throw new Error(problem);
    const { uid } = claim.metadata;
    if (!isReservedFor(pod, claim))
      throw new Error(
        `pod ${pod.metadata.name} (${pod.metadata.uid}) is not allowed to use ResourceClaim ${name} (${uid})`,
      );
    if (!claim.status?.allocation) throw new Error(`ResourceClaim ${name}: not allocated`);
    return claim;
  }

  #remember(pod: Pod, { metadata }: ResourceClaim, drivers: readonly string[]): ClaimInfo {
    const namespace = metadata.namespace!;
    const uid = metadata.uid!;
    let info = this.#claims.find(namespace, metadata.name);
    if (info && info.uid !== uid)
      throw new Error(
        `old ResourceClaim with same name ${metadata.name} and different UID ${info.uid} still exists (previous pod force-deleted?!)`,
      );
    if (!info) {
      const empty = drivers.map((driver): [string, PreparedDevice[]] => [driver, []]);
      info = { namespace, uid, name: metadata.name, podUids: new Set(), drivers: new Map(empty), isPrepared: false };
      this.#claims.add(info);
    }
    info.podUids.add(pod.metadata.uid!);
    return info;
  }

  async #unprepareClaims(podUid: string, used: readonly ClaimInfo[]): Promise<void> {
    const last = used.filter(({ podUids }) => podUids.size === 1);
    const batches = new Map<string, ClaimInfo[]>();
    for (const info of last)
      for (const driver of info.drivers.keys()) batches.set(driver, [...(batches.get(driver) ?? []), info]);
    for (const [driver, batch] of batches) {
      for (const info of batch) info.isPrepared = false;
      await this.drivers.get(driver).unprepare(batch.map(({ namespace, uid, name }) => ({ namespace, uid, name })));
    }
    for (const info of used) {
      info.podUids.delete(podUid);
      // Another pod may have come meanwhile; it asks the drivers again.
      if (info.podUids.size === 0) this.#claims.delete(info);
    }
    await this.#save();
  }

  async #save(): Promise<void> {
    await this.#claims.save().catch((error) => {
      throw new Error(`checkpoint ResourceClaim cache: ${(error as Error).message}`);
    });
  }

  /** What pods left that are gone: their agent was not there when they ended, or a driver was not. */
  async #reconcile(signal: AbortSignal): Promise<void> {
    const { clock, log, activePodUids } = this.#options;
    for await (const _ of every(clock, reconcileMs, signal)) {
      const active = activePodUids();
      const claims = [...this.#claims.all()];
      const gone = new Set(claims.flatMap(({ podUids }) => [...podUids]).filter((uid) => !active.has(uid)));
      for (const uid of gone)
        await this.#unprepareClaims(
          uid,
          claims.filter(({ podUids }) => podUids.has(uid)),
        ).catch((error) =>
          log.warn('claims of a pod that is gone are still prepared', { pod: uid, problem: String(error) }),
        );
    }
  }

  #heard(driver: string, devices: readonly GrpcMessage[]): void {
    const changed = this.#health.update(driver, devices);
    if (changed.size === 0) return;
    const pods = this.#podsOf(driver, (device) => changed.has(`${device.poolName}/${device.deviceName}`));
    if (pods.size > 0) this.#options.onHealth(pods);
  }

  #podsOf(driver: string, isMeant: (device: PreparedDevice) => boolean = () => true): Set<string> {
    const pods = new Set<string>();
    for (const { drivers, podUids } of this.#claims.all())
      if (drivers.get(driver)?.some(isMeant)) for (const uid of podUids) pods.add(uid);
    return pods;
  }
}

/** Devices of a request; a device that names none belongs to all. */
function devicesFor({ drivers }: ClaimInfo, request: string): (PreparedDevice & { readonly driver: string })[] {
  const wanted = baseRequest(request);
  return [...drivers].flatMap(([driver, devices]) =>
    devices
      .filter(({ requestNames }) => !request || requestNames.length === 0 || requestNames.includes(wanted))
      .map((device) => ({ ...device, driver })),
  );
}
