// Ports nobody has, and the moment an API server says it is ready.
import { once } from 'node:events';
import { request } from 'node:https';
import { type AddressInfo, createServer, type Server } from 'node:net';

export async function freePorts(count: number): Promise<number[]> {
  const servers: Server[] = [];
  for (let i = 0; i < count; i++) {
    const server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    servers.push(server);
  }
  const ports = servers.map((server) => (server.address() as AddressInfo).port);
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
  return ports;
}

const patienceMs = 120_000;

/** Asks /readyz until it says yes. */
export async function untilServing(port: number): Promise<void> {
  const deadline = performance.now() + patienceMs;
  while (!(await isReady(port))) {
    if (performance.now() > deadline) throw new Error(`nothing is ready at port ${port}`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

function isReady(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const options = { host: '127.0.0.1', port, path: '/readyz', rejectUnauthorized: false, agent: false } as const;
    const asked = request(options, (response) => {
      response.resume();
      resolve(response.statusCode === 200);
    });
    asked.on('error', () => resolve(false));
    asked.end();
  });
}
