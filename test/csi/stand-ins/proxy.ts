// Passes connections to a unix socket on to whoever connects by TCP: a driver that is no pod, and so upstream's mock driver,
// which lives in the test's own process. The part of `hostpathplugin --proxy-endpoint`.
import { rmSync } from 'node:fs';
import { createServer, type Socket } from 'node:net';
import { parseArgs } from 'node:util';

export async function runProxy(args: readonly string[]): Promise<void> {
  const { values } = parseArgs({
    args: [...args],
    strict: false,
    options: { endpoint: { type: 'string', default: '' }, 'proxy-endpoint': { type: 'string', default: '' } },
  });
  const socketPath = String(values['endpoint']).replace(/^unix:(\/\/)?/, '');
  const port = Number(/:(\d+)$/.exec(String(values['proxy-endpoint']))?.[1]);
  /** Callers that nobody serves yet, and servers that nobody calls yet. */
  const callers: Socket[] = [];
  const servers: Socket[] = [];
  const pair = (): void => {
    while (callers.length > 0 && servers.length > 0) {
      const [caller, server] = [callers.shift()!, servers.shift()!];
      caller.pipe(server).pipe(caller);
      for (const [each, other] of [
        [caller, server],
        [server, caller],
      ] as const) {
        each.on('error', () => other.destroy());
        each.on('close', () => other.destroy());
      }
    }
  };
  const queue = (list: Socket[]) => (socket: Socket) => {
    socket.on('error', () => undefined);
    socket.on('close', () => list.includes(socket) && list.splice(list.indexOf(socket), 1));
    list.push(socket);
    pair();
  };
  rmSync(socketPath, { force: true });
  createServer({ allowHalfOpen: true }, queue(callers)).listen(socketPath);
  createServer({ allowHalfOpen: true }, queue(servers)).listen(port);
}
