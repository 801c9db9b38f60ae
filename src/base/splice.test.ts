import assert from 'node:assert/strict';
import { once } from 'node:events';
import { Duplex } from 'node:stream';
import { test } from 'node:test';
import { splice } from './splice.ts';

/** A side that takes one chunk at a time, when `take` says so. */
function slowSide() {
  const taken: string[] = [];
  const waiting: (() => void)[] = [];
  const side = new Duplex({
    read() {},
    write(chunk, _, done) {
      taken.push(String(chunk));
      waiting.push(done);
    },
  });
  return { side, taken, take: () => waiting.shift()?.() };
}

const plainSide = () => new Duplex({ read() {}, write: (_chunk, _encoding, done) => done() });

test('splice gives a slow reader all that was said before the other side closed', async () => {
  const { side: client, taken, take } = slowSide();
  const backend = plainSide();
  splice(client, backend);
  backend.push('one');
  backend.push('two');
  backend.push(null);
  const closed = once(backend, 'close');
  backend.end();
  await closed;
  assert.equal(client.destroyed, false);
  const finished = once(client, 'finish');
  take();
  take();
  await finished;
  assert.deepEqual(taken.join(''), 'onetwo');
  client.push(null);
  await once(client, 'close');
});

test('splice ends both when one breaks, and when one is closed before it has said all', async () => {
  for (const breakIt of [(side: Duplex) => side.destroy(new Error('reset')), (side: Duplex) => side.destroy()]) {
    const [client, backend] = [plainSide(), plainSide()];
    client.on('error', () => {});
    splice(client, backend);
    const closed = once(backend, 'close');
    breakIt(client);
    await closed;
  }
});
