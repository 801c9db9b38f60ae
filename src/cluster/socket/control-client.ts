// Asks a running server over its control socket.
import { type IncomingMessage, request } from 'node:http';
import { exitCodes, UserFailure } from '../failure.ts';
import type { Layout } from '../settings/layout.ts';
import { controlPath } from './control-path.ts';

export interface ControlOptions {
  /** Give up when the server has not begun to answer. Absent: wait. */
  readonly timeoutMs?: number;
}

/** @throws UserFailure when the cluster is down, or with what the server says */
export async function askServer<T>(
  layout: Layout,
  method: 'GET' | 'POST',
  path: string,
  options: ControlOptions = {},
): Promise<T> {
  const chunks: Buffer[] = [];
  for await (const chunk of await openAnswer(layout, method, path, options)) chunks.push(chunk as Buffer);
  return JSON.parse(Buffer.concat(chunks).toString()) as T;
}

/** The answer as bytes, as they come. */
export async function openAnswer(
  layout: Layout,
  method: 'GET' | 'POST',
  path: string,
  { timeoutMs }: ControlOptions = {},
): Promise<IncomingMessage> {
  using socket = controlPath(layout);
  const answer = await new Promise<IncomingMessage>((resolve, reject) => {
    const asked = request({ socketPath: socket.address, method, path, agent: false }, resolve);
    asked.on('error', (error) => reject(isDown(error) ? notRunning(layout) : error));
    if (timeoutMs) asked.setTimeout(timeoutMs, () => asked.destroy(new Error('the server does not answer')));
    asked.end();
  });
  if (answer.statusCode === 200) return answer;
  const chunks: Buffer[] = [];
  for await (const chunk of answer) chunks.push(chunk as Buffer);
  const text = Buffer.concat(chunks).toString() || '{"message":"the running server is of another version"}';
  const {
    exitCode = exitCodes.internal,
    code = 'E_STORAGE',
    message,
    remedy = `see the log: coracle logs --name ${layout.name}`,
  } = JSON.parse(text);
  throw new UserFailure(exitCode, code, message, remedy);
}

const isDown = ({ code }: NodeJS.ErrnoException) => code === 'ENOENT' || code === 'ECONNREFUSED' || code === 'ENOTDIR';

function notRunning({ name }: Layout): UserFailure {
  return new UserFailure(
    exitCodes.notRunning,
    'E_NOT_RUNNING',
    `cluster "${name}" is down`,
    `start it: coracle up --name ${name}`,
  );
}
