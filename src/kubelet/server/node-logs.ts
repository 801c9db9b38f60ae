// /logs/: the machine's logs, as files below /var/log and by query of services.
import { readdir, stat } from 'node:fs/promises';
import type { ServerResponse } from 'node:http';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { parseLogQuery } from './log-query.ts';
import { notFound, openBelow } from './open-below.ts';

const root = '/var/log';
const maxEntries = 10_000;

export interface NodeLogRequest {
  /** Below /var/log; '' for itself. */
  readonly path: string;
  readonly query: URLSearchParams;
}

/** @throws NodeApiError */
export async function serveNodeLogs(
  { path, query }: NodeLogRequest,
  response: ServerResponse,
  signal: AbortSignal,
  logRoot = root,
): Promise<void> {
  const wish = parseLogQuery(query);
  if (wish?.services.length) {
    const { serveServiceLogs } = await import('./service-logs.ts');
    return serveServiceLogs(wish, response, signal, logRoot);
  }
  const file = await openBelow(logRoot, wish?.file ?? path);
  try {
    const stats = await file.handle.stat();
    if (stats.isDirectory()) return await list(file.path, response);
    if (!stats.isFile()) throw notFound();
    response.writeHead(200, { 'content-type': 'text/plain; charset=utf-8', 'content-length': stats.size });
    // No more than it had when it was asked for: a log that grows meanwhile would not fit its length.
    const bytes = stats.size > 0 ? file.handle.createReadStream({ autoClose: false, end: stats.size - 1 }) : [];
    await pipeline(bytes, response, { signal }).catch(() => response.destroy());
  } finally {
    await file.handle.close();
  }
}

async function list(folder: string, response: ServerResponse): Promise<void> {
  const entries = (await readdir(folder, { withFileTypes: true })).slice(0, maxEntries);
  const names = await Promise.all(
    entries.map(async (entry) => {
      const isFolder =
        entry.isDirectory() || (entry.isSymbolicLink() && (await leadsToFolder(join(folder, entry.name))));
      return isFolder ? `${entry.name}/` : entry.name;
    }),
  );
  const lines = names
    .sort()
    .map(
      (name) => `<a href="${encodeURI(name).replaceAll('?', '%3F').replaceAll('#', '%23')}">${escapeHtml(name)}</a>\n`,
    );
  response.writeHead(200, { 'content-type': 'text/html; charset=utf-8', 'x-content-type-options': 'nosniff' });
  response.end(
    `<!doctype html>\n<meta name="viewport" content="width=device-width">\n<pre>\n${lines.join('')}</pre>\n`,
  );
}

const leadsToFolder = (path: string): Promise<boolean> =>
  stat(path).then(
    (stats) => stats.isDirectory(),
    () => false,
  );

const entities: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&#34;',
  "'": '&#39;',
};
const escapeHtml = (text: string): string => text.replace(/[&<>"']/g, (letter) => entities[letter]!);
