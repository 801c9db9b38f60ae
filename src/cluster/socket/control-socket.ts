// What the commands of the same user ask of a running server, past the API: a Unix socket in the data directory, that only
// its owner may open.
import { chmodSync, rmSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { Logger } from '../../base/log.ts';
import { UserFailure } from '../failure.ts';
import type { Layout } from '../settings/layout.ts';
import { controlPath } from './control-path.ts';

/** Answers with an object, or with a stream of bytes. */
export type ControlAction = (signal: AbortSignal, query: URLSearchParams) => Promise<object> | AsyncIterable<Buffer>;

/** By `METHOD /path`. */
export type ControlActions = Readonly<Record<string, ControlAction>>;

export async function openControlSocket(
  layout: Layout,
  /** Looked up at each question: more may be added. */
  actions: ControlActions,
  log: Logger,
): Promise<AsyncDisposable> {
  const path = controlPath(layout);
  rmSync(path.file, { force: true }); // what a killed server left
  const server = createServer((request, response) => {
    void answer(request, response, actions, log);
  });
  server.on('clientError', (_, socket) => socket.destroy());
  try {
    await listening(server, path.address);
    chmodSync(path.file, 0o600);
  } finally {
    path[Symbol.dispose]();
  }
  return {
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
      rmSync(path.file, { force: true });
    },
  };
}

function listening(server: Server, address: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(address, resolve);
  });
}

async function answer(
  request: IncomingMessage,
  response: ServerResponse,
  actions: ControlActions,
  log: Logger,
): Promise<void> {
  request.resume();
  const closed = new AbortController();
  response.on('close', () => closed.abort());
  response.on('error', () => {}); // the asker is gone
  const { pathname, searchParams } = new URL(request.url ?? '/', 'http://server');
  const name = `${request.method} ${pathname}`;
  const action = Object.hasOwn(actions, name) ? actions[name] : undefined;
  if (!action) {
    response.writeHead(404).end();
    return;
  }
  try {
    const answered = action(closed.signal, searchParams);
    if (Symbol.asyncIterator in answered) return await stream(response, answered, closed.signal);
    const body = JSON.stringify(await answered);
    response.writeHead(200, { 'content-type': 'application/json' }).end(body);
  } catch (error) {
    if (!(error instanceof UserFailure)) log.error('a command failed', error, { request: request.url ?? '' });
    if (response.headersSent) return void response.destroy();
    response.writeHead(500, { 'content-type': 'application/json' }).end(JSON.stringify(failureOf(error)));
  }
}

async function stream(response: ServerResponse, chunks: AsyncIterable<Buffer>, signal: AbortSignal): Promise<void> {
  response.writeHead(200, { 'content-type': 'application/octet-stream' });
  for await (const chunk of chunks) {
    if (signal.aborted) return;
    if (!response.write(chunk)) await drained(response, signal);
  }
  response.end();
}

function drained(response: ServerResponse, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      signal.removeEventListener('abort', done);
      response.off('drain', done);
      resolve();
    };
    response.once('drain', done);
    signal.addEventListener('abort', done, { once: true });
  });
}

function failureOf(error: unknown): object {
  const { message } = error instanceof Error ? error : new Error(String(error));
  return error instanceof UserFailure
    ? { exitCode: error.exitCode, code: error.code, message, remedy: error.remedy }
    : { message };
}
