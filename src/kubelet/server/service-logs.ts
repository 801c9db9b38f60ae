// Logs of services: from the journal where it has them, else from files of their names.
import { execFile, spawn } from 'node:child_process';
import type { ServerResponse } from 'node:http';
import { promisify } from 'node:util';
import { NodeApiError } from './find-container.ts';
import type { LogQuery } from './log-query.ts';
import { openBelow } from './open-below.ts';

const run = promisify(execFile);
const limitMs = 30_000;

/** Writes what there is; what goes wrong is told among it. */
export async function serveServiceLogs(
  query: LogQuery,
  response: ServerResponse,
  signal: AbortSignal,
  logRoot: string,
): Promise<void> {
  response.writeHead(200, { 'content-type': 'text/plain;charset=UTF-8', 'x-content-type-options': 'nosniff' });
  const units = await run('journalctl', ['--field', '_SYSTEMD_UNIT'], { maxBuffer: 4 << 20, timeout: limitMs }).then(
    ({ stdout }) => stdout,
    () => '',
  );
  const inJournal = query.services.filter((service) => units.includes(`${service}.service`));
  const inFiles = query.services.filter((service) => !inJournal.includes(service));
  if (inJournal.length > 0) await copyJournal(query, inJournal, response, signal);
  const { sinceTime, untilTime, tailLines, boot, pattern } = query;
  const hasOptions = [sinceTime, untilTime, tailLines, boot].some((each) => each !== undefined) || pattern !== '';
  if (inFiles.length > 0 && hasOptions)
    response.write(
      `\noptions present and query resolved to log files for [${inFiles.join(' ')}]\ntry without specifying options\n`,
    );
  else for (const service of inFiles) await copyFile(service, response, signal, logRoot);
  response.end();
}

/** `2006-1-2 15:4:5`, in UTC. */
const journalTime = (time: Date): string =>
  `${time.getUTCFullYear()}-${time.getUTCMonth() + 1}-${time.getUTCDate()} ${time.getUTCHours()}:${time.getUTCMinutes()}:${time.getUTCSeconds()}`;

function copyJournal(
  { sinceTime, untilTime, tailLines, pattern, boot }: LogQuery,
  services: readonly string[],
  response: ServerResponse,
  signal: AbortSignal,
): Promise<void> {
  const args = [
    '--utc',
    '--no-pager',
    '--output=short-precise',
    ...(sinceTime ? [`--since=${journalTime(sinceTime)}`] : []),
    ...(untilTime ? [`--until=${journalTime(untilTime)}`] : []),
    ...(tailLines === undefined ? [] : ['--pager-end', `--lines=${tailLines}`]),
    ...services.map((service) => `--unit=${service}`),
    ...(pattern ? [`--grep=${pattern}`] : []),
    ...(boot === undefined ? [] : ['--boot', String(boot)]),
  ];
  const child = spawn('journalctl', args, { stdio: ['ignore', 'pipe', 'pipe'], timeout: limitMs, signal });
  return new Promise((resolve) => {
    for (const stream of [child.stdout, child.stderr])
      stream.on('data', (chunk) => {
        if (response.write(chunk)) return;
        stream.pause();
        response.once('drain', () => stream.resume());
      });
    child.once('error', () => {
      if (!response.writableEnded) response.write('\nerror: journal output not available\n');
      resolve();
    });
    child.once('close', () => resolve());
  });
}

/** `/var/log/NAME`, `NAME.log` or `NAME/NAME.log`. */
async function copyFile(
  service: string,
  response: ServerResponse,
  signal: AbortSignal,
  logRoot: string,
): Promise<void> {
  for (const name of [service, `${service}.log`, `${service}/${service}.log`]) {
    const file = await openBelow(logRoot, name).catch((error) => {
      if (error instanceof NodeApiError) return undefined;
      throw error;
    });
    if (!file) continue;
    try {
      const stats = await file.handle.stat();
      if (!stats.isFile()) continue;
      if (stats.size === 0) return;
      for await (const chunk of file.handle.createReadStream({ autoClose: false, end: stats.size - 1, signal }))
        if (!response.write(chunk))
          await new Promise((resolve) => response.once('drain', resolve).once('close', resolve));
      return;
    } finally {
      await file.handle.close();
    }
  }
  response.write(`\nlog not found for ${service}\n`);
}
