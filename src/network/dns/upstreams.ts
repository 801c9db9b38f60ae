// Whom to ask about names outside the cluster: the machine's own resolvers, as /etc/resolv.conf names them, unless the
// ConfigMap kube-dns in kube-system says otherwise, for all names or for those of some domains.
import { readFile } from 'node:fs/promises';
import { isIP } from 'node:net';
import type { ConfigMap } from '../../../generated/core-v1.ts';
import { configMapKind } from '../../../generated/kinds.ts';
import type { Clock } from '../../base/clock.ts';
import type { Logger } from '../../base/log.ts';
import type { InformerFactory } from '../../reconcile/informer.ts';

export interface Upstream {
  readonly address: string;
  readonly port: number;
}

/** Nameservers in their order, at most three (as resolvers do), without `self`: asking ourselves never ends. */
export function parseResolvConf(text: string, self: readonly string[] = []): Upstream[] {
  return text
    .split('\n')
    .map((line) => /^\s*nameserver\s+(\S+)/.exec(line)?.[1]?.replace(/%.*$/, '') ?? '')
    .filter((address) => isIP(address) > 0 && !self.includes(address))
    .slice(0, 3)
    .map((address) => ({ address, port: 53 }));
}

export interface UpstreamSource {
  /** @param name in lower case, without a dot at its end */
  current(name: string): Promise<readonly Upstream[]>;
  /** Called when other servers are to be asked from now on. */
  onChange?(handler: () => void): void;
}

const rereadMs = 10_000;

/** Upstreams of a resolv.conf; none where it cannot be read. */
export function upstreamsFromFile(file: string, self: readonly string[], clock: Clock): UpstreamSource {
  let known: Promise<readonly Upstream[]> | undefined;
  let readAt = 0;
  return {
    current() {
      const now = clock.monotonicMs();
      if (!known || now - readAt > rereadMs) {
        readAt = now;
        known = readFile(file, 'utf8').then(
          (text) => parseResolvConf(text, self),
          () => [],
        );
      }
      return known;
    },
  };
}

/** What the ConfigMap says: servers of domains, and those for every other name. */
export interface DnsConfig {
  /** Domain in lower case → its servers. */
  readonly stubDomains: ReadonlyMap<string, readonly Upstream[]>;
  readonly upstreamNameservers?: readonly Upstream[];
}

const maxServers = 8;
const maxDomains = 256;

/** Data of the ConfigMap in the form of kube-dns: JSON under two keys. @throws with what is wrong */
export function parseDnsConfig(data: Readonly<Record<string, string>>): DnsConfig {
  const stubDomains = new Map<string, readonly Upstream[]>();
  const { stubDomains: stubs, upstreamNameservers: servers } = data;
  if (stubs !== undefined) {
    const parsed: unknown = JSON.parse(stubs);
    if (typeof parsed !== 'object' || parsed === null || Array.isArray(parsed))
      throw new Error('stubDomains: must be an object');
    const entries = Object.entries(parsed);
    if (entries.length > maxDomains) throw new Error(`stubDomains: must have at most ${maxDomains} domains`);
    for (const [domain, list] of entries)
      stubDomains.set(domain.toLowerCase().replace(/\.$/, ''), parseServers(`stubDomains["${domain}"]`, list));
  }
  if (servers === undefined) return { stubDomains };
  return { stubDomains, upstreamNameservers: parseServers('upstreamNameservers', JSON.parse(servers)) };
}

function parseServers(path: string, list: unknown): Upstream[] {
  if (!Array.isArray(list) || list.length === 0 || list.length > maxServers)
    throw new Error(`${path}: must be a list of 1 to ${maxServers} addresses`);
  return list.map((entry) => {
    const text = String(entry).slice(0, 64);
    const [, address, port] = /^\[?([0-9a-fA-F.:]+?)\]?(?:(?<=\]|^[0-9.]+):(\d{1,5}))?$/.exec(text) ?? [];
    const number = Number(port ?? 53);
    if (!address || isIP(address) === 0 || number < 1 || number > 65_535)
      throw new Error(`${path}: "${text}" is not an address`);
    return { address, port: number };
  });
}

export interface ConfiguredOptions {
  readonly informers: InformerFactory;
  readonly otherwise: UpstreamSource;
  readonly log: Logger;
}

const place = { namespace: 'kube-system', name: 'kube-dns' };

/** The servers that the ConfigMap names, and `otherwise` where it names none. One that can not be read changes nothing. */
export function configuredUpstreams({ informers, otherwise, log }: ConfiguredOptions): UpstreamSource {
  const none: DnsConfig = { stubDomains: new Map() };
  let config = none;
  const handlers: (() => void)[] = [];
  const read = ({ data = {} }: ConfigMap) => {
    try {
      config = parseDnsConfig(data);
    } catch (error) {
      log.warn('the ConfigMap kube-dns can not be read; what was said before holds', {
        problem: (error as Error).message,
      });
    }
    for (const handler of handlers) handler();
  };
  const { namespace, name } = place;
  informers.informer(configMapKind, { namespace, fieldSelector: `metadata.name=${name}` }).onChange({
    added: read,
    updated: read,
    deleted() {
      config = none;
      for (const handler of handlers) handler();
    },
  });
  return {
    current: async (asked) => stubOf(config, asked) ?? config.upstreamNameservers ?? otherwise.current(asked),
    onChange: (handler) => void handlers.push(handler),
  };
}

/** Servers of the longest domain that the name is in. */
function stubOf({ stubDomains }: DnsConfig, name: string): readonly Upstream[] | undefined {
  if (stubDomains.size === 0) return undefined;
  for (let rest = name; ; ) {
    const found = stubDomains.get(rest);
    if (found) return found;
    const dot = rest.indexOf('.');
    if (dot < 0) return undefined;
    rest = rest.slice(dot + 1);
  }
}
