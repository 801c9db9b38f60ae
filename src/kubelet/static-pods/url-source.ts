// Static pods that an address serves: one pod, or a PodList.
import type { Pod } from '../../../generated/core-v1.ts';
import { type Clock, every } from '../../base/clock.ts';
import type { Logger } from '../../base/log.ts';
import { linkSignal } from '../../base/signals.ts';
import { readManifest } from './read-manifest.ts';

export interface UrlSourceOptions {
  readonly url: string;
  readonly headers: Readonly<Record<string, readonly string[]>>;
  readonly periodMs: number;
  readonly nodeName: string;
  readonly clock: Clock;
  readonly log: Logger;
  /** All there are now. */
  readonly onPods: (pods: readonly Pod[]) => void;
}

const timeoutMs = 10_000;
const maxBytes = 10 * 2 ** 20;

export async function followUrl(options: UrlSourceOptions, signal: AbortSignal): Promise<void> {
  const { clock, periodMs, log, url, nodeName, onPods } = options;
  let last: string | undefined;
  let problem = '';
  const look = async () => {
    try {
      const text = await fetchText(options, signal);
      if (text === '') onPods([]);
      if (text === '') throw new Error(`zero-length data received from ${url}`);
      if (text !== last)
        onPods(await readManifest(text, { kind: 'http', place: url, nodeName, nowMs: clock.now() }, true));
      last = text;
      problem = '';
    } catch (error) {
      if (signal.aborted || problem === String(error)) return;
      problem = String(error);
      log.warn('static pods could not be read from their address', { problem });
    }
  };
  await look();
  for await (const _ of every(clock, periodMs, signal)) await look();
}

async function fetchText({ url, headers }: UrlSourceOptions, signal: AbortSignal): Promise<string> {
  const list = Object.entries(headers).flatMap(([name, values]) =>
    values.map((value): [string, string] => [name, value]),
  );
  using limited = linkSignal([signal], timeoutMs);
  const response = await fetch(url, {
    headers: list,
    redirect: 'error',
    signal: limited.signal,
  });
  if (response.status !== 200) throw new Error(`${url}: ${response.status} ${response.statusText}`);
  const parts: Uint8Array[] = [];
  let size = 0;
  for await (const part of response.body ?? []) {
    size += part.length;
    if (size > maxBytes) throw new Error(`${url}: more than ${maxBytes} bytes`);
    parts.push(part);
  }
  return Buffer.concat(parts).toString('utf8');
}
