// What the server tells of itself to those who look after it: /statusz, /flagz and /metrics/slis. As a text, or as an object
// for who asks for its kind: `application/json;v=v1beta1;g=config.k8s.io;as=Statusz`.
import { StatusError } from '../../api/meta/status-error.ts';
import { rfc3339 } from '../../base/clock.ts';
import { type Answer, textAnswer } from '../http/answer.ts';
import { header, type ServerRequest } from '../http/exchange.ts';
import { toYaml } from '../http/yaml.ts';
import type { Health } from './health.ts';
import { versionInfo } from './version.ts';

export interface AboutOptions {
  readonly health: Health;
  readonly nowMs: () => number;
  readonly startedMs: number;
  /** What the server was told at its start, by the names upstream has for it. */
  readonly flags: Readonly<Record<string, string>>;
}

const paths = ['/flagz', '/healthz', '/livez', '/metrics', '/readyz', '/statusz', '/version'];
const warning =
  'Warning: This endpoint is not meant to be machine parseable, has no formatting compatibility guarantees and is for debugging purposes only.';
const takenTypes = ['application/json', 'application/yaml', 'text/plain'];

export class About {
  readonly #options: AboutOptions;

  constructor(options: AboutOptions) {
    this.#options = options;
  }

  async answer(request: ServerRequest, path: string): Promise<Answer | undefined> {
    if (path === '/metrics/slis') return this.#indicators();
    if (path === '/statusz') return page(request, 'Statusz', this.#status(), () => ['', ...this.#statusText()]);
    if (path !== '/flagz') return undefined;
    const { flags } = this.#options;
    const names = Object.keys(flags).sort();
    const text = () => names.map((name) => `${name}: ${flags[name]}`);
    return page(request, 'Flagz', { flags: Object.fromEntries(names.map((name) => [name, flags[name]])) }, text);
  }

  #status() {
    const { nowMs, startedMs } = this.#options;
    const version = versionInfo();
    return {
      startTime: rfc3339(startedMs),
      uptimeSeconds: Math.floor((nowMs() - startedMs) / 1000),
      goVersion: version.goVersion,
      binaryVersion: version.gitVersion.slice(1),
      emulationVersion: `${version.major}.${version.minor}`,
      paths,
    };
  }

  #statusText(): string[] {
    const { startTime, uptimeSeconds: seconds, goVersion, binaryVersion, emulationVersion } = this.#status();
    const [, day, date, month, year, time] = /^(\w+), (\d+) (\w+) (\d+) ([\d:]+)/.exec(
      new Date(startTime).toUTCString(),
    )!;
    const up = `${Math.floor(seconds / 3600)} hr ${Math.floor(seconds / 60) % 60} min ${seconds % 60} sec`;
    return [
      `Started:  ${day} ${month} ${date} ${time} UTC ${year}`,
      `Up:  ${up}`,
      `Go version:  ${goVersion}`,
      `Binary version:  ${binaryVersion}`,
      `Emulation version:  ${emulationVersion}`,
      `Paths:  ${paths.join(' ')}`,
    ];
  }

  /** The health checks as gauges. */
  #indicators(): Answer {
    const lines = this.#options.health
      .results()
      .sort((left, right) => (left.name + left.type < right.name + right.type ? -1 : 1))
      .map(({ name, type, isHealthy }) => `kubernetes_healthcheck{name="${name}",type="${type}"} ${isHealthy ? 1 : 0}`);
    const head = [
      '# HELP kubernetes_healthcheck [STABLE] This metric records the result of a single healthcheck.',
      '# TYPE kubernetes_healthcheck gauge',
    ];
    const body = Buffer.from(`${[...head, ...lines].join('\n')}\n`);
    return {
      type: 'bytes',
      status: 200,
      contentType: 'text/plain; version=0.0.4; charset=utf-8; escaping=underscores',
      body,
    };
  }
}

async function page(request: ServerRequest, kind: string, content: object, text: () => string[]): Promise<Answer> {
  const accept = header(request, 'accept');
  for (const clause of accept.split(',')) {
    const [type = '', ...parameters] = clause.split(';').map((part) => part.trim());
    const given = Object.fromEntries(parameters.map((part) => part.split('=')));
    if (type === 'application/json' || type === 'application/yaml') {
      if (given['as'] !== kind || given['g'] !== 'config.k8s.io' || given['v'] !== 'v1beta1') continue;
      const object = { kind, apiVersion: 'config.k8s.io/v1beta1', metadata: { name: 'apiserver' }, ...content };
      const body = type === 'application/yaml' ? await toYaml(object) : JSON.stringify(object, undefined, 2);
      const contentType = `${type};g=config.k8s.io;v=v1beta1;as=${kind}`;
      return { type: 'bytes', status: 200, contentType, body: Buffer.from(body) };
    }
    if (!['', '*/*', 'text/*', 'text/plain'].includes(type)) continue;
    return textAnswer(200, `\napiserver ${kind.toLowerCase()}\n${warning}\n${text().join('\n')}\n`);
  }
  throw new StatusError({
    kind: 'Status',
    apiVersion: 'v1',
    metadata: {},
    status: 'Failure',
    message: `only the following media types are accepted: ${takenTypes.join(', ')}`,
    reason: 'NotAcceptable',
    code: 406,
  });
}
