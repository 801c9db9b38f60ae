// What is written while one look at the sockets is worked through goes out in one call to the kernel.
import type { Duplex } from 'node:stream';

const gathering = new WeakSet<Duplex>();

export function gather(socket: Duplex): void {
  if (gathering.has(socket)) return;
  gathering.add(socket);
  socket.cork();
  setImmediate(() => {
    gathering.delete(socket);
    socket.uncork();
  });
}
