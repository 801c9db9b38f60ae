import type { ServerResponse } from 'node:http';
import type { Pod } from '../../../generated/core-v1.ts';
import type { PodServices } from '../pods/pod-services.ts';
import { loggedContainer, NodeApiError } from './find-container.ts';
import type { NodeRequest } from './node-request.ts';
import { type LogOptions, readLog } from './read-log.ts';

export async function serveLogs(
  services: PodServices,
  pod: Pod,
  request: NodeRequest,
  response: ServerResponse,
  signal: AbortSignal,
): Promise<void> {
  const { query, container } = request;
  const options = logOptions(query, services.clock.now());
  const record = loggedContainer(services, pod, container, isTrue(query.get('previous')));
  const source = {
    path: record.logPath,
    clock: services.clock,
    isRunning: () => services.tracker.container(record.id)?.state === 'CONTAINER_RUNNING',
  };
  response.writeHead(200, { 'content-type': 'text/plain; charset=utf-8' });
  response.flushHeaders();
  try {
    for await (const chunk of readLog(source, options, signal))
      if (!response.write(chunk))
        await new Promise((resolve) => response.once('drain', resolve).once('close', resolve));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    // Started, but nothing written yet, or removed with its pod: an empty log.
  }
  response.end();
}

const isTrue = (text: string | null): boolean => text === 'true' || text === '1';

export function logOptions(query: URLSearchParams, nowMs: number): LogOptions {
  const number = (name: string): number | undefined => {
    const text = query.get(name);
    if (text === null || text === '') return undefined;
    const value = Number(text);
    if (!Number.isInteger(value) || value < 0)
      throw new NodeApiError(400, `invalid value ${JSON.stringify(text)} for ${name}`);
    return value;
  };
  const tailLines = number('tailLines') ?? (query.get('tail') === 'all' ? undefined : number('tail'));
  const limitBytes = number('limitBytes');
  const sinceSeconds = number('sinceSeconds');
  const sinceTime = query.get('sinceTime');
  const sinceMs =
    sinceSeconds !== undefined ? nowMs - sinceSeconds * 1000 : sinceTime ? Date.parse(sinceTime) : undefined;
  const stream = query.get('stream')?.toLowerCase();
  return {
    follow: isTrue(query.get('follow')),
    timestamps: isTrue(query.get('timestamps')),
    ...(tailLines !== undefined ? { tailLines } : {}),
    ...(limitBytes !== undefined ? { limitBytes } : {}),
    ...(sinceMs !== undefined && !Number.isNaN(sinceMs) ? { sinceMs } : {}),
    ...(stream === 'stdout' || stream === 'stderr' ? { stream } : {}),
  };
}
