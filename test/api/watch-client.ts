// Watches over TLS, read line by line; leaving the loop breaks the connection off.
import { request as httpsRequest } from 'node:https';
import type { Connection } from './raw-http.ts';

export interface Watched {
  readonly type: string;
  readonly object: any;
}

export async function* watch(to: Connection, path: string, accept = 'application/json'): AsyncGenerator<Watched> {
  let rest = '';
  for await (const chunk of chunks(to, path, accept)) {
    const lines = (rest + chunk).split('\n');
    rest = lines.pop()!;
    for (const line of lines) yield JSON.parse(line) as Watched;
  }
  if (rest !== '') throw new Error(`the watch ended inside of an event: ${rest.slice(0, 200)}`);
}

/** What the server sends, as it comes. */
export async function* chunks(to: Connection, path: string, accept: string): AsyncGenerator<Buffer> {
  const request = httpsRequest({ ...to, path, headers: { accept }, agent: false });
  try {
    const response = await new Promise<AsyncIterable<Buffer>>((resolve, reject) => {
      request.on('response', resolve);
      request.on('error', reject);
      request.end();
    });
    for await (const chunk of response) yield chunk;
  } finally {
    request.on('error', () => {}); // of a connection we break ourselves
    request.destroy();
  }
}

/** The first so many events; fewer when the server ends the watch. */
export async function take(events: AsyncIterable<Watched>, count: number): Promise<Watched[]> {
  const taken: Watched[] = [];
  for await (const event of events) {
    taken.push(event);
    if (taken.length >= count) break;
  }
  return taken;
}
