// Two connections become one: bytes pass both ways, half-closes too, and the end of one is the end of both.
import type { Duplex } from 'node:stream';

export function splice(a: Duplex, b: Duplex): void {
  a.pipe(b);
  b.pipe(a);
  const end = (): void => {
    a.destroy();
    b.destroy();
  };
  for (const side of [a, b]) side.once('error', end).once('close', end);
}
