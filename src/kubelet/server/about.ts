// What the agent tells of itself: /statusz, /flagz, its health.
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Clock } from '../../base/clock.ts';
import { rfc3339 } from '../../base/clock.ts';
import { kubernetesVersion } from '../node/node-facts.ts';
import type { RuntimeTracker } from '../pods/runtime-tracker.ts';
import { NodeApiError } from './find-container.ts';
import { contentType, render } from './metrics/exposition.ts';

const warning =
  'Warning: This endpoint is not meant to be machine parseable, has no formatting compatibility guarantees and is for debugging purposes only.';

const paths = [
  '/attach/',
  '/checkpoint/',
  '/configz',
  '/containerLogs/',
  '/exec/',
  '/flagz',
  '/healthz',
  '/healthz/log',
  '/healthz/ping',
  '/healthz/syncloop',
  '/logs/',
  '/metrics',
  '/metrics/cadvisor',
  '/metrics/probes',
  '/metrics/resource',
  '/metrics/slis',
  '/pods',
  '/portForward/',
  '/run/',
  '/runningpods/',
  '/stats/',
  '/statusz',
];

export interface AboutInput {
  readonly clock: Clock;
  readonly startedMs: number;
  readonly flags: Readonly<Record<string, string>>;
}

export async function servePage(
  kind: 'Statusz' | 'Flagz',
  { clock, startedMs, flags }: AboutInput,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const seconds = Math.floor((clock.now() - startedMs) / 1000);
  const version = kubernetesVersion.slice(1);
  const status = {
    startTime: rfc3339(startedMs),
    uptimeSeconds: seconds,
    goVersion: '',
    binaryVersion: version,
    emulationVersion: version.split('.').slice(0, 2).join('.'),
    paths,
  };
  const content = kind === 'Statusz' ? status : { flags };
  for (const clause of (request.headers.accept ?? '').split(',')) {
    const [type = '', ...parameters] = clause.split(';').map((part) => part.trim());
    const given = Object.fromEntries(parameters.map((part) => part.split('=')));
    if (type === 'application/json' && given['as'] === kind && given['g'] === 'config.k8s.io') {
      const object = { kind, apiVersion: 'config.k8s.io/v1beta1', metadata: { name: 'kubelet' }, ...content };
      response.writeHead(200, { 'content-type': `application/json;g=config.k8s.io;v=v1beta1;as=${kind}` });
      return void response.end(JSON.stringify(object, undefined, 2));
    }
    if (!['', '*/*', 'text/*', 'text/plain'].includes(type)) continue;
    const up = `${Math.floor(seconds / 3600)} hr ${Math.floor(seconds / 60) % 60} min ${seconds % 60} sec`;
    const lines =
      kind === 'Statusz'
        ? [
            '',
            `Started:  ${new Date(startedMs).toUTCString()}`,
            `Up:  ${up}`,
            `Binary version:  ${version}`,
            `Emulation version:  ${status.emulationVersion}`,
            `Paths:  ${paths.join(' ')}`,
          ]
        : Object.entries(flags).map(([name, value]) => `${name}: ${value}`);
    response.writeHead(200, { 'content-type': 'text/plain; charset=utf-8' });
    return void response.end(`\nkubelet ${kind.toLowerCase()}\n${warning}\n${lines.join('\n')}\n`);
  }
  throw new NodeApiError(406, 'only the following media types are accepted: application/json, text/plain');
}

/** What runs was not looked at for so long: the agent does not do its work. */
const stuckMs = 180_000;

/** Why each check fails; undefined for those that do not. */
export function healthChecks(
  lastLookSeconds: number,
  clock: Clock,
  tracker: RuntimeTracker,
): Map<string, string | undefined> {
  const isStuck = lastLookSeconds > 0 && clock.now() - lastLookSeconds * 1000 > stuckMs && tracker.podUids().size > 0;
  return new Map([
    ['ping', undefined],
    ['log', undefined],
    ['syncloop', isStuck ? 'sync Loop took longer than expected' : undefined],
  ]);
}

/** @param name of one check; '' for all */
export function serveHealth(
  checks: ReadonlyMap<string, string | undefined>,
  name: string,
  isVerbose: boolean,
  response: ServerResponse,
): void {
  if (name !== '' && !checks.has(name)) throw new NodeApiError(404, '404 page not found');
  const asked = [...checks].filter(([each]) => name === '' || each === name);
  const isBad = asked.some(([, problem]) => problem !== undefined);
  response.writeHead(isBad ? 500 : 200, {
    'content-type': 'text/plain; charset=utf-8',
    'x-content-type-options': 'nosniff',
  });
  if (!isBad && !(isVerbose && name === '')) return void response.end('ok');
  const lines = asked.map(([each, problem]) =>
    problem === undefined ? `[+]${each} ok` : `[-]${each} failed: reason withheld`,
  );
  response.end(`${lines.join('\n')}\nhealthz check ${isBad ? 'failed' : 'passed'}\n`);
}

export function serveIndicators(checks: ReadonlyMap<string, string | undefined>, response: ServerResponse): void {
  const samples = [...checks].map(([name, problem]) => ({
    labels: { name, type: 'healthz' },
    value: problem === undefined ? 1 : 0,
  }));
  response.writeHead(200, { 'content-type': contentType });
  response.end(
    render([
      {
        name: 'kubernetes_healthcheck',
        help: '[STABLE] This metric records the result of a single healthcheck.',
        type: 'gauge',
        samples,
      },
    ]),
  );
}
