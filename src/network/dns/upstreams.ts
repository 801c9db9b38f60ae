// The machine's own resolvers, as /etc/resolv.conf names them; read again when the file changes.
import { readFile } from 'node:fs/promises';
import { isIP } from 'node:net';
import type { Clock } from '../../base/clock.ts';

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
  current(): Promise<readonly Upstream[]>;
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
