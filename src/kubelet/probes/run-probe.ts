// One look at a container: by a command, an HTTP request, a connection, or gRPC's health service.
import { connect } from 'node:net';
import type { Container, ExecAction, HTTPGetAction, HTTPHeader, Probe } from '../../../generated/core-v1.ts';
import type { IntOrString } from '../../../generated/util-intstr.ts';
import { linkSignal } from '../../base/signals.ts';
import { goDuration } from '../pods/backoff.ts';
import { expandVariables } from '../pods/expand.ts';
import { rpcErrorText } from '../runtime/rpc-error.ts';
import type { ContainerRuntime } from '../runtime/runtime.ts';
import type { ProbeOutcome } from './probe-outcome.ts';

export interface ProbeTarget {
  readonly container: Container;
  readonly containerId: string;
  /** Address of the pod. */
  readonly podIP: string;
  readonly runtime: Pick<ContainerRuntime, 'execSync'>;
}

export type ProbeRunner = (probe: Probe, target: ProbeTarget) => Promise<ProbeOutcome>;

const maxOutput = 10 * 1024;

/** A look that could not be taken is tried so often. */
const attempts = 3;

/** Never throws: what goes wrong is the outcome. */
export async function runProbe(probe: Probe, target: ProbeTarget): Promise<ProbeOutcome> {
  let outcome = await look(probe, target);
  for (let left = attempts - 1; left > 0 && outcome.kind === 'error'; left--) outcome = await look(probe, target);
  return outcome;
}

async function look(probe: Probe, target: ProbeTarget): Promise<ProbeOutcome> {
  const timeoutMs = (probe.timeoutSeconds ?? 1) * 1000;
  try {
    if (probe.exec) return await execProbe(execCommand(probe.exec, target.container), target, timeoutMs);
    if (probe.httpGet) return await httpProbe(probe.httpGet, target, timeoutMs);
    if (probe.tcpSocket) {
      const host = probe.tcpSocket.host || target.podIP;
      return await tcpProbe(host, portNumber(probe.tcpSocket.port, target.container), timeoutMs);
    }
    if (probe.grpc) {
      const { grpcProbe } = await import('./grpc-probe.ts');
      return await grpcProbe(target.podIP, probe.grpc, timeoutMs);
    }
    return { isSuccess: true, output: '' };
  } catch (error) {
    return { isSuccess: false, output: error instanceof Error ? error.message : String(error), kind: 'error' };
  }
}

/** With the variables that the container's spec gives a value to. */
function execCommand({ command = [] }: ExecAction, { env = [] }: Container): string[] {
  const values = new Map(env.map(({ name, value = '' }) => [name, value]));
  return command.map((word) => expandVariables(word, (name) => values.get(name)));
}

async function execProbe(
  command: readonly string[],
  { runtime, containerId }: ProbeTarget,
  timeoutMs: number,
): Promise<ProbeOutcome> {
  try {
    const { stdout, stderr, exitCode } = await runtime.execSync(containerId, command, Math.ceil(timeoutMs / 1000));
    return { isSuccess: exitCode === 0, output: Buffer.concat([stdout, stderr]).toString().slice(0, maxOutput) };
  } catch (error) {
    const text = rpcErrorText(error);
    if (!/DeadlineExceeded|timed? ?out/i.test(text)) return { isSuccess: false, output: text, kind: 'error' };
    return {
      isSuccess: false,
      output: `command timed out: ${JSON.stringify(command.join(' '))} timed out after ${goDuration(timeoutMs)}`,
    };
  }
}

/** A number, or the name of one of the container's ports. @throws when there is none of that name. */
export function portNumber(port: IntOrString, container: Container): number {
  if (typeof port === 'number') return port;
  const named = container.ports?.find(({ name }) => name === port)?.containerPort;
  const number = named ?? Number(port);
  if (!Number.isInteger(number) || number < 1 || number > 65535)
    throw new Error(`couldn't find port: ${JSON.stringify(port)}`);
  return number;
}

export function httpUrl(
  { scheme = 'HTTP', host, port, path = '' }: HTTPGetAction,
  target: Pick<ProbeTarget, 'container' | 'podIP'>,
): URL {
  const address = host || target.podIP;
  const name = address.includes(':') ? `[${address}]` : address;
  return new URL(
    `${scheme.toLowerCase()}://${name}:${portNumber(port, target.container)}${path.startsWith('/') ? '' : '/'}${path}`,
  );
}

async function httpProbe(action: HTTPGetAction, target: ProbeTarget, timeoutMs: number): Promise<ProbeOutcome> {
  let url = httpUrl(action, target);
  const first = url;
  for (let redirects = 0; redirects <= 10; redirects++) {
    // Nobody who answers is an answer: the container is not what it should be.
    const answer = await httpGet(url, action.httpHeaders ?? [], timeoutMs).catch((error: Error) => error);
    if (answer instanceof Error) return { isSuccess: false, output: answer.message };
    if (answer.status >= 300 && answer.status < 400 && answer.location) {
      const next = new URL(answer.location, url);
      // Another host is not ours to ask: the redirect itself is a sign of life.
      if (next.hostname !== first.hostname)
        return {
          isSuccess: true,
          output: `Probe terminated redirects, Response body: ${answer.body}`,
          kind: 'warning',
        };
      url = next;
      continue;
    }
    const isSuccess = answer.status >= 200 && answer.status < 400;
    return { isSuccess, output: isSuccess ? answer.body : `HTTP probe failed with statuscode: ${answer.status}` };
  }
  return { isSuccess: false, output: `Get "${first}": stopped after 10 redirects` };
}

export interface HttpAnswer {
  readonly status: number;
  readonly location: string | undefined;
  readonly body: string;
}

/** One request on its own connection; certificates are not checked, as they are the pod's own affair. */
export async function httpGet(
  url: URL,
  headers: readonly HTTPHeader[],
  timeoutMs: number,
  stop?: AbortSignal,
): Promise<HttpAnswer> {
  const { request } = url.protocol === 'https:' ? await import('node:https') : await import('node:http');
  const fields = new Map([
    ['user-agent', ['kube-probe/1.36']],
    ['accept', ['*/*']],
  ]);
  // A header that the probe names replaces ours; named twice, both are sent.
  for (const name of new Set(headers.map((header) => header.name.toLowerCase())))
    fields.set(
      name,
      headers.filter((header) => header.name.toLowerCase() === name).map(({ value }) => value),
    );
  const flat: Record<string, string | string[]> = {};
  for (const [name, values] of fields) flat[name] = values.length === 1 ? values[0]! : values;
  using limit = linkSignal([stop], timeoutMs);
  return await new Promise((resolve, reject) => {
    const call = request(url, {
      agent: false,
      rejectUnauthorized: false,
      headers: flat,
      signal: limit.signal,
    });
    const fail = (error: Error & { code?: string; address?: string; port?: number }) => {
      reject(
        new Error(
          `Get "${url}": ${dialError(error, `${url.hostname}:${url.port || (url.protocol === 'https:' ? 443 : 80)}`)}`,
        ),
      );
    };
    call.on('error', fail);
    call.on('response', (response) => {
      const chunks: Buffer[] = [];
      let size = 0;
      response.on('data', (chunk: Buffer) => {
        if (size < maxOutput) chunks.push(chunk);
        size += chunk.length;
      });
      response.on('error', fail);
      response.on('end', () =>
        resolve({
          status: response.statusCode ?? 0,
          location: response.headers.location,
          body: Buffer.concat(chunks).toString().slice(0, maxOutput),
        }),
      );
    });
    call.end();
  });
}

function dialError(error: Error & { code?: string }, address: string): string {
  if (error.name === 'AbortError' || error.name === 'TimeoutError')
    return 'context deadline exceeded (Client.Timeout exceeded while awaiting headers)';
  if (error.code === 'ECONNREFUSED') return `dial tcp ${address}: connect: connection refused`;
  if (error.code === 'EHOSTUNREACH') return `dial tcp ${address}: connect: no route to host`;
  if (error.code === 'ECONNRESET') return 'EOF';
  return error.message;
}

function tcpProbe(host: string, port: number, timeoutMs: number): Promise<ProbeOutcome> {
  return new Promise((resolve) => {
    const socket = connect({ host, port });
    const end = (isSuccess: boolean, output: string) => {
      clearTimeout(timer);
      socket.destroy();
      resolve({ isSuccess, output });
    };
    const timer = setTimeout(() => end(false, `dial tcp ${host}:${port}: i/o timeout`), timeoutMs);
    socket.on('connect', () => end(true, ''));
    socket.on('error', (error) => end(false, dialError(error, `${host}:${port}`)));
  });
}
