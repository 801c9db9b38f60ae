// How long one huge request holds the event loop in one piece, by kind: processor time of the API server's thread between
// two turns, the longest of a request, least of some rounds. node bench/huge-requests.ts [rounds]
import { setTimeout as sleep } from 'node:timers/promises';
import { mutatingPolicies } from '../src/apiserver/admission/policies/mutating.ts';
import { validatingPolicies } from '../src/apiserver/admission/policies/validating.ts';
import type { Authorizer } from '../src/apiserver/authz/authorizer.ts';
import { admin, serve, type TestServer } from '../src/apiserver/testing/serve.ts';
import { type Figure, printAlone } from './report.ts';

const keys = 40_000;
const configMaps = '/api/v1/namespaces/default/configmaps';
const definitions = '/apis/apiextensions.k8s.io/v1/customresourcedefinitions';
const group = 'bench.example.com';
const sums = `/apis/${group}/v1/namespaces/default/sums`;
const anyone: Authorizer = { authorize: () => ({ verdict: 'allow', reason: '' }) };

const patchOf = (type: string) => `application/${type}-patch+${type === 'apply' ? 'yaml' : 'json'}`;

interface Huge {
  readonly name: string;
  readonly method: string;
  readonly path: string;
  readonly body: unknown;
  readonly type?: string;
}

export async function measureHugeRequests(rounds = 3): Promise<Figure[]> {
  await using api = await serve({ admission: [mutatingPolicies(anyone), validatingPolicies(anyone)] });
  await defineSums(api);
  const longest = new Map<string, number>();
  for (let round = 0; round < rounds; round++) {
    for (const each of hugeRequests(round)) {
      const turn = await longestTurn(api, each);
      longest.set(each.name, Math.min(turn, longest.get(each.name) ?? turn));
    }
  }
  return [...longest].map(([name, value]) => ({ name: `longest turn: ${name}`, value, unit: 'ms', isCost: true }));
}

/** Where it matters, each changes what the one before it has left. */
function hugeRequests(round: number): Huge[] {
  const path = `${configMaps}/large-${round}`;
  const applied = `${configMaps}/applied-${round}`;
  const large = (value: string) => ({
    apiVersion: 'v1',
    kind: 'ConfigMap',
    ...named('large', round),
    data: map(value),
  });
  const said = (value: string) => ({ ...large(value), ...named('applied', round) });
  const apply = (by: string) => ({ method: 'PATCH', path: `${applied}?fieldManager=${by}&force=true`, type: 'apply' });
  const rows = (first: number) => ({ spec: { rows: Array.from({ length: 320 }, (_, index) => first + index) } });
  const sum = { apiVersion: `${group}/v1`, kind: 'Sum', ...named('sum', round) };
  const change = { method: 'PATCH', path };
  return [
    { name: 'create, 40,000 keys', method: 'POST', path: configMaps, body: large('a') },
    { name: 'update', method: 'PUT', path, body: large('b') },
    { name: 'merge patch', ...change, type: 'merge', body: { data: map('c') } },
    { name: 'strategic merge patch', ...change, type: 'strategic-merge', body: { data: map('d') } },
    { name: 'JSON patch', ...change, type: 'json', body: [{ op: 'replace', path: '/data', value: map('e') }] },
    { name: 'small patch of it', ...change, type: 'merge', body: { metadata: { labels: { a: 'b' } } } },
    { name: 'delete', method: 'DELETE', path, body: undefined },
    { name: 'apply that creates', ...apply('me'), body: said('a') },
    { name: 'apply again', ...apply('me'), body: said('b') },
    { name: 'apply of another manager', ...apply('you'), body: said('c') },
    { name: 'apply that drops all', ...apply('you'), body: { ...said('c'), data: { a: 'b' } } },
    { name: 'create, ten costly rules', method: 'POST', path: sums, body: { ...sum, ...rows(0) } },
    { name: 'update, ten costly rules', method: 'PATCH', path: `${sums}/sum-${round}`, type: 'merge', body: rows(1) },
    {
      name: 'create, 100 levels',
      method: 'POST',
      path: sums,
      body: { ...sum, ...named('deep', round), free: nested() },
    },
    { name: 'JSON patch of 10,000 operations', ...change, path: `${sums}/deep-${round}`, type: 'json', body: tests() },
  ];
}

const named = (name: string, round: number) => ({ metadata: { name: `${name}-${round}` } });

function map(value: string): Record<string, string> {
  // In no order, as a client may send them.
  return Object.fromEntries(
    Array.from({ length: keys }, (_, index) => [`k${((index * 7919) % keys).toString(36)}`, value]),
  );
}

/** How deep the operations of a patch look. */
const depth = 100;

/** What is not there is null. */
const tests = () =>
  Array.from({ length: 10_000 }, () => ({ op: 'test', path: `/free${'/a'.repeat(depth)}/b`, value: null }));

function nested(): object {
  let value: object = {};
  for (let level = 0; level < depth; level++) value = { a: value };
  return value;
}

async function defineSums(api: TestServer): Promise<void> {
  // What no row is, so that every pair is looked at.
  const rule = (index: number) => ({ rule: `self.rows.all(x, self.rows.all(y, x + ${index} != -1 - y))` });
  const spec = {
    type: 'object',
    properties: { rows: { type: 'array', maxItems: 320, items: { type: 'integer' } } },
    'x-kubernetes-validations': Array.from({ length: 10 }, (_, index) => rule(index)),
  };
  const free = { type: 'object', 'x-kubernetes-preserve-unknown-fields': true };
  const schema = { openAPIV3Schema: { type: 'object', properties: { spec, free } } };
  const { status, text } = await api.call('POST', definitions, {
    metadata: { name: `sums.${group}` },
    spec: {
      group,
      scope: 'Namespaced',
      names: { plural: 'sums', kind: 'Sum' },
      versions: [{ name: 'v1', served: true, storage: true, schema }],
    },
  });
  if (status !== 201) throw new Error(text);
  while ((await api.call('GET', sums)).status !== 200) await sleep(10);
}

/** In ms of processor time. */
async function longestTurn({ server }: TestServer, { name, method, path, type, body }: Huge): Promise<number> {
  const bytes = body === undefined ? undefined : Buffer.from(JSON.stringify(body));
  const headers = { 'content-type': type ? patchOf(type) : 'application/json' };
  await sleep(20); // what the one before has left behind
  let longest = 0;
  let last = processorMs();
  let isOver = false;
  const look = () => {
    const now = processorMs();
    longest = Math.max(longest, now - last);
    last = now;
    if (!isOver) setImmediate(look);
  };
  setImmediate(look);
  const { status } = await server.handleInProcess(admin, { method, path, headers, ...(bytes ? { body: bytes } : {}) });
  await sleep(20);
  isOver = true;
  if (status >= 300) throw new Error(`${name} was answered with ${status}`);
  return longest;
}

function processorMs(): number {
  const { user, system } = process.threadCpuUsage();
  return (user + system) / 1000;
}

if (import.meta.main) await printAlone(() => measureHugeRequests(Number(process.argv[2] ?? 3)));
