import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { FakeClock } from '../../base/clock-fake.ts';
import { AnswerCache } from './answer-cache.ts';
import { subresourcesOf, verbOf } from './authorize.ts';
import { parseLogQuery } from './log-query.ts';
import { Counter, Histogram, render } from './metrics/exposition.ts';
import { parseNodeRequest } from './node-request.ts';
import { openBelow } from './open-below.ts';
import { pressurePair } from './stats/cgroup-reading.ts';

const folder = mkdtempSync(join(tmpdir(), 'coracle-node-api-'));
after(() => rmSync(folder, { recursive: true, force: true }));

for (const [path, want] of [
  ['/pods', ['pods', 'proxy']],
  ['/runningpods/', ['pods', 'proxy']],
  ['/healthz/syncloop', ['healthz', 'proxy']],
  ['/configz', ['configz', 'proxy']],
  ['/flagz', ['configz']],
  ['/statusz', ['statusz']],
  ['/stats/summary', ['stats']],
  ['/metrics/cadvisor', ['metrics']],
  ['/metricsx', ['proxy']],
  ['/logs/dpkg.log', ['log']],
  ['/checkpoint/a/b/c', ['checkpoint']],
  ['/exec/ns/pod/c', ['proxy']],
] as const)
  test(`${path} is authorized as ${want}`, () => assert.deepEqual(subresourcesOf(path), want));

test('what runs something in a container is no reading, even when it begins with GET', () => {
  assert.equal(verbOf('GET', '/exec/ns/pod/c'), 'create');
  assert.equal(verbOf('GET', '/containerLogs/ns/pod/c'), 'get');
  assert.equal(verbOf('DELETE', '/localVolumes/v'), 'delete');
});

for (const path of ['/nothing', '/exec/ns/pod', '/containerLogs/ns/../c', '/pods/x', '/%zz', '/checkpoint/a'])
  test(`there is no ${path}`, () => assert.equal(parseNodeRequest(path), undefined));

for (const [query, want] of [
  ['query=kubelet&tailLines=x', 'tailLines: Invalid value: "x": strconv.Atoi: parsing "x": invalid syntax'],
  ['query=', 'query: Invalid value: [""]: may not be empty'],
  ['tailLines=5', 'query: Required value: cannot be empty with options'],
  ['query=a%20b', 'query: Invalid value: "a b": input contains unsupported characters'],
  ['query=/a.log&query=b', 'query: Invalid value: "[/a.log], [b]": cannot specify a file and service'],
  ['query=/a.log&boot=0', 'query: Invalid value: ["/a.log"]: cannot specify file with options'],
  ['query=a&boot=1', 'boot: Invalid value: 1: must be less than 1'],
  ['query=a&tailLines=100001', 'tailLines: Invalid value: 100001: must be between 0 and 100000, inclusive'],
  ['query=a&sinceTime=yesterday', 'sinceTime: Invalid value: "yesterday": invalid time format'],
  [
    'query=a&sinceTime=2030-01-02T00:00:00Z&untilTime=2030-01-01T00:00:00Z',
    'untilTime: Invalid value: "2030-01-01T00:00:00.000Z": must be after `sinceTime`',
  ],
  [`${'query=a&'.repeat(5)}`, 'query: Too many: 5: must have at most 4 items'],
] as const)
  test(`a log query ?${query} is refused`, () =>
    assert.throws(() => parseLogQuery(new URLSearchParams(query)), { message: want, status: 400 }));

test('a log query without a query is none', () => assert.equal(parseLogQuery(new URLSearchParams()), undefined));

test('files below the folder of logs are opened, and nothing outside', async () => {
  const logs = join(folder, 'log');
  mkdirSync(join(logs, 'deep'), { recursive: true });
  writeFileSync(join(folder, 'secret'), 'secret');
  writeFileSync(join(logs, 'deep', 'a.log'), 'a');
  symlinkSync('deep/a.log', join(logs, 'inside'));
  symlinkSync('../secret', join(logs, 'outside'));
  symlinkSync('..', join(logs, 'up'));
  for (const path of ['', 'deep', 'deep/a.log', 'inside']) {
    const { handle } = await openBelow(logs, path);
    await handle.close();
  }
  for (const path of ['../secret', 'deep/../../secret', 'outside', 'up/secret', 'absent', 'a\0b', '..\\secret'])
    await assert.rejects(openBelow(logs, path), { status: 404 }, path);
});

test('answers are shared and kept for their time; failures are not', async () => {
  const clock = new FakeClock();
  const cache = new AnswerCache<boolean>(clock);
  let asked = 0;
  const ask = async () => ++asked > 0;
  await Promise.all([cache.get('a', 1_000, ask), cache.get('a', 1_000, ask)]);
  assert.equal(asked, 1);
  await clock.advance(1_001);
  await cache.get('a', 1_000, ask);
  assert.equal(asked, 2);
  await assert.rejects(cache.get('b', 1_000, () => Promise.reject(new Error('down'))));
  assert.equal(await cache.get('b', 1_000, ask), true);
});

test('figures are printed as Prometheus reads them', () => {
  const counter = new Counter('b_total', 'Bs.');
  counter.add({ z: 'a"\n\\', a: '1' }, 2);
  const histogram = new Histogram('a_seconds', 'As.', [1, 2]);
  for (const value of [0.5, 1.5, 9]) histogram.observe(value, { x: 'y' });
  const measured = { name: 'c', help: 'C.', type: 'gauge', samples: [{ value: 1e21, atMs: 5.4 }] } as const;
  const none = { name: 'd', help: 'D.', type: 'gauge', samples: [] } as const;
  assert.deepEqual(render([none, measured, counter, histogram]).split('\n'), [
    '# HELP a_seconds As.',
    '# TYPE a_seconds histogram',
    'a_seconds_bucket{x="y",le="1"} 1',
    'a_seconds_bucket{x="y",le="2"} 2',
    'a_seconds_bucket{x="y",le="+Inf"} 3',
    'a_seconds_sum{x="y"} 11',
    'a_seconds_count{x="y"} 3',
    '# HELP b_total Bs.',
    '# TYPE b_total counter',
    'b_total{a="1",z="a\\"\\n\\\\"} 2',
    '# HELP c C.',
    '# TYPE c gauge',
    'c 1e+21 5',
    '',
  ]);
});

test('the kernel’s lines about pressure are read', () =>
  assert.deepEqual(
    pressurePair('some avg10=1.50 avg60=0.20 avg300=0.03 total=77\nfull avg10=0.10 avg60=0.00 avg300=0.00 total=5\n'),
    {
      some: { avg10: 1.5, avg60: 0.2, avg300: 0.03, total: 77 },
      full: { avg10: 0.1, avg60: 0, avg300: 0, total: 5 },
    },
  ));
