// Two connections become one: bytes pass both ways, half-closes too. What the backend said before it closed still reaches
// the client, however slowly that one reads; a side that breaks takes the other with it.
import type { Duplex } from 'node:stream';

/** For a side that was told of the end to close as well; for a backend, to take what was on its way. */
const lingerMs = 10_000;

export function splice(client: Duplex, backend: Duplex): void {
  client.pipe(backend);
  backend.pipe(client);
  join(client, backend, () => void setTimer(backend));
  join(backend, client, () => {
    if (client.writableFinished) setTimer(client);
    else client.once('finish', () => setTimer(client));
  });
}

function join(side: Duplex, other: Duplex, linger: () => void): void {
  side.once('error', () => other.destroy());
  side.once('close', () => {
    // It closed when it had said all, which is in the other's hands by now: that one closes when it is sent.
    if (!side.readableEnded || side.errored || other.destroyed) return void other.destroy();
    // What it still says goes nowhere, but is read: a socket closed with something unread takes back what it has not delivered.
    other.resume();
    if (!other.writableEnded) other.end();
    linger();
  });
}

function setTimer(side: Duplex): void {
  const timer = setTimeout(() => side.destroy(), lingerMs);
  side.once('close', () => clearTimeout(timer));
}
