// A request to a resource, with all that its verb needs.

import type { KubernetesObject } from '../../api/meta/object.ts';
import type { ResourceInfo } from '../../api/resource-info.ts';
import type { Clock } from '../../base/clock.ts';
import type { Logger } from '../../base/log.ts';
import type { Random } from '../../base/random.ts';
import type { AdmissionPlugin } from '../admission/plugin.ts';
import type { UserInfo } from '../authn/authenticator.ts';
import type { ServerRequest } from '../http/exchange.ts';
import type { OutboundClient } from '../outbound/client.ts';
import type { Registry } from '../registry/registry.ts';
import type { ServiceAddresses } from '../registry/service-addresses.ts';
import type { RequestInfo } from '../request-info.ts';

/** What lives as long as the server. */
export interface ServerParts {
  readonly registry: Registry;
  readonly admission: readonly AdmissionPlugin[];
  readonly addresses: ServiceAddresses;
  /** The way out: webhooks. */
  readonly outbound: OutboundClient;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
}

export interface Call {
  readonly server: ServerParts;
  readonly http: ServerRequest;
  readonly info: RequestInfo;
  readonly resource: ResourceInfo;
  readonly query: URLSearchParams;
  readonly user: UserInfo;
  /** Aborts when the client is gone, the deadline has passed or the server drains. */
  readonly signal: AbortSignal;
  warn(text: string): void;
  /** Notes something for the audit log. */
  annotate?(key: string, value: string): void;
  /** Where what was sent is noted for the audit log. */
  readonly noted?: {
    requestObject(object: KubernetesObject): void;
    requestPatch(bytes: Uint8Array): void;
  };
  /** A watch has sent what it begins with: from now on it only waits. */
  hasBegun?(): void;
}
