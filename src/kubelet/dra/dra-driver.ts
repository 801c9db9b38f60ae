// One instance of a DRA driver: the connection to it, and what it is asked.

import type { GrpcMessage } from '../grpc/proto.ts';
import { connectUnix, type GrpcClient } from '../grpc/unix-client.ts';
import { rpcErrorText } from '../runtime/rpc-error.ts';
import { type ClaimReference, driverServices, healthService, type PreparedDevice } from './dra-proto.ts';

/** Half of the time after which a pod is tried again. */
const callMs = 45_000;
/** Of one claim; a driver that tells of more is not believed. */
const maxDevices = 1_024;

export class DraDriver {
  readonly name: string;
  readonly endpoint: string;
  readonly #client: GrpcClient;
  readonly #stop = new AbortController();
  isConnected = false;

  /** @throws for versions that none speaks */
  constructor(name: string, endpoint: string, supportedVersions: readonly string[], onConnection: () => void) {
    this.name = name;
    this.endpoint = endpoint;
    this.#client = connectUnix(endpoint, driverServices.get(chosenService(name, endpoint, supportedVersions))!);
    this.#client.watchConnection((isConnected) => {
      this.isConnected = isConnected;
      onConnection();
    });
  }

  get signal(): AbortSignal {
    return this.#stop.signal;
  }

  /** Devices by the claim's uid. @throws when one of the claims is not ready then */
  async prepare(claims: readonly ClaimReference[]): Promise<Map<string, PreparedDevice[]>> {
    const answers = await this.#each('NodePrepareResources', claims);
    return new Map(
      [...answers].map(([uid, { devices }]) => {
        if (devices.length > maxDevices) throw new Error(`NodePrepareResources told of ${devices.length} devices`);
        return [uid, devices];
      }),
    );
  }

  async unprepare(claims: readonly ClaimReference[]): Promise<void> {
    await this.#each('NodeUnprepareResources', claims);
  }

  /** Settles when the driver ends it, or is gone; rejects when it does not tell of health. */
  watchHealth(onHealth: (devices: readonly GrpcMessage[]) => void): Promise<void> {
    const take = ({ devices }: GrpcMessage): void => onHealth(devices);
    return this.#client.stream(healthService, 'NodeWatchResources', {}, take, this.#stop.signal);
  }

  close(): void {
    this.isConnected = false;
    this.#stop.abort();
    this.#client.close();
  }

  async #each(method: string, claims: readonly ClaimReference[]): Promise<Map<string, GrpcMessage>> {
    const answer = await this.#client.call(method, { claims }, { timeoutMs: callMs }).catch((error) => {
      throw new Error(`${method}: ${rpcErrorText(error)}`);
    });
    const results = new Map<string, GrpcMessage>(Object.entries(answer.claims));
    for (const [uid, { error }] of results) {
      const claim = claims.find((each) => each.uid === uid);
      if (!claim) throw new Error(`${method} returned result for unknown claim UID ${uid}`);
      if (error) throw new Error(`${method} failed for ResourceClaim ${claim.name}: ${error}`);
    }
    if (results.size < claims.length)
      throw new Error(`${method} skipped ${claims.length - results.size} ResourceClaims`);
    return results;
  }
}

function chosenService(name: string, endpoint: string, supported: readonly string[]): string {
  const quoted = (list: readonly string[]): string => `[${list.map((each) => JSON.stringify(each)).join(' ')}]`;
  const chosen = supported.find((each) => driverServices.has(each));
  if (chosen) return chosen;
  const problem =
    supported.length === 0
      ? 'empty list of supported gRPC services (aka supported versions)'
      : `none of services supported by the plugin (${quoted(supported)}) are supported by the kubelet (${quoted([...driverServices.keys()])})`;
  throw new Error(`invalid supported gRPC versions of DRA driver plugin ${name} at endpoint ${endpoint}: ${problem}`);
}
