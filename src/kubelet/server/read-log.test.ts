import assert from 'node:assert/strict';
import {
  appendFileSync,
  closeSync,
  mkdtempSync,
  openSync,
  renameSync,
  rmSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { systemClock } from '../../base/clock.ts';
import { type LogOptions, readLog } from './read-log.ts';

const dir = mkdtempSync(join(tmpdir(), 'read-log-'));
after(() => rmSync(dir, { recursive: true }));

const line = (second: number, text: string, tag = 'F', stream = 'stdout'): string =>
  `2030-01-01T00:00:0${second}.5Z ${stream} ${tag} ${text}\n`;
const path = join(dir, '0.log');
writeFileSync(
  path,
  line(1, 'one') + line(2, 'two ', 'P') + line(2, 'halves') + line(3, 'oops', 'F', 'stderr') + line(4, 'four'),
);

async function read(options: Partial<LogOptions>, isRunning = () => false): Promise<string> {
  const chunks: Buffer[] = [];
  const whole = { follow: false, timestamps: false, ...options };
  for await (const chunk of readLog({ path, isRunning, clock: systemClock }, whole, new AbortController().signal))
    chunks.push(chunk);
  return Buffer.concat(chunks).toString();
}

for (const { name, options, want } of [
  { name: 'joins what was written in parts', options: {}, want: 'one\ntwo halves\noops\nfour\n' },
  { name: 'gives the last lines', options: { tailLines: 2 }, want: 'oops\nfour\n' },
  { name: 'gives no line when none is asked for', options: { tailLines: 0 }, want: '' },
  { name: 'gives all when there are fewer', options: { tailLines: 99 }, want: 'one\ntwo halves\noops\nfour\n' },
  { name: 'stops at its limit', options: { limitBytes: 6 }, want: 'one\ntw' },
  { name: 'begins at a time', options: { sinceMs: Date.parse('2030-01-01T00:00:03Z') }, want: 'oops\nfour\n' },
  { name: 'takes one stream', options: { stream: 'stderr' }, want: 'oops\n' },
  {
    name: 'tells the time once a line',
    options: { timestamps: true, limitBytes: 59 },
    want: '2030-01-01T00:00:01.5Z one\n2030-01-01T00:00:02.5Z two halve',
  },
] as { name: string; options: Partial<LogOptions>; want: string }[])
  test(`readLog ${name}`, async () => assert.equal(await read(options), want));

test('readLog gives no more last lines than asked for, though the container writes on', async () => {
  const text = await read({ tailLines: 1 }, () => {
    appendFileSync(path, line(5, 'written meanwhile'));
    return true;
  });
  assert.equal(text, 'four\n');
  writeFileSync(path, line(3, 'three') + line(4, 'four'));
});

/** A reader that follows, and gives what it has read so far once that holds `text`. */
function follow(tailLines: number) {
  let runs = true;
  const options = { follow: true, timestamps: false, tailLines };
  const lines = readLog({ path, isRunning: () => runs, clock: systemClock }, options, new AbortController().signal);
  let seen = '';
  return {
    async until(text: string): Promise<string> {
      while (!seen.includes(text)) seen += (await lines.next()).value;
      return seen;
    },
    async end(): Promise<string> {
      runs = false;
      for await (const chunk of lines) seen += chunk;
      return seen;
    },
  };
}

test('readLog follows across a rotation until the container has ended', async () => {
  const following = follow(1);
  await following.until('four');
  appendFileSync(path, line(5, 'five'));
  await following.until('five');
  renameSync(path, `${path}.old`);
  writeFileSync(path, line(6, 'six'));
  await following.until('six');
  appendFileSync(path, line(7, 'seven'));
  assert.equal(await following.end(), 'four\nfive\nsix\nseven\n');
});

test('readLog loses nothing that was written just before a rotation', async () => {
  const following = follow(1);
  await following.until('seven');
  const next = following.until('nine'); // it has found nothing more, and is about to look whether the log was rotated
  await Promise.resolve();
  appendFileSync(path, line(8, 'eight'));
  renameSync(path, `${path}.old`);
  writeFileSync(path, line(9, 'nine'));
  assert.equal(await next, 'seven\neight\nnine\n');
  await following.end();
});

test('readLog reads every file of a log that was rotated more than once meanwhile, and what was written late', async () => {
  const following = follow(1);
  await following.until('nine');
  const late = openSync(path, 'a');
  renameSync(path, `${path}.20300101000001`);
  writeFileSync(path, line(1, 'second'));
  renameSync(path, `${path}.20300101000002`);
  writeFileSync(path, line(2, 'third') + line(2, 'in two ', 'P'));
  writeSync(late, line(1, 'late'));
  closeSync(late);
  renameSync(path, `${path}.20300101000003`);
  writeFileSync(path, line(3, 'halves'));
  await following.until('halves');
  assert.equal(await following.end(), 'nine\nlate\nsecond\nthird\nin two halves\n');
});
