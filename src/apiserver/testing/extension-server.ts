// A server of somebody else's, as a process of its own: it serves the group ext.example.com over TLS, believes callers by
// their certificate, and tells what it was told. Started with its key material on standard input; prints its port.
import { createServer } from 'node:https';
import { text } from 'node:stream/consumers';
import type { TLSSocket } from 'node:tls';

const { cert, key, clientCa } = JSON.parse(await text(process.stdin)) as {
  cert: string;
  key: string;
  clientCa: string;
};
const root = '/apis/ext.example.com/v1';

const server = createServer({ cert, key, ca: clientCa, requestCert: true, rejectUnauthorized: false });

server.on('request', (request, response) => {
  const socket = request.socket as TLSSocket;
  const url = new URL(request.url ?? '/', 'https://server');
  const json = (status: number, body: object) => {
    response.writeHead(status, { 'content-type': 'application/json', 'access-control-allow-origin': '*' });
    response.end(JSON.stringify(body));
  };
  if (!socket.authorized) return json(401, { kind: 'Status', code: 401 });
  if (url.pathname === root) {
    const verbs = ['get', 'list', 'watch'];
    const resources = [
      { name: 'echoes', singularName: 'echo', namespaced: true, kind: 'Echo', verbs, shortNames: ['ec'] },
      { name: 'echoes/status', singularName: '', namespaced: true, kind: 'Echo', verbs: ['get'] },
    ];
    return json(200, { kind: 'APIResourceList', apiVersion: 'v1', groupVersion: 'ext.example.com/v1', resources });
  }
  if (url.pathname.endsWith('/echoes/elsewhere')) {
    response.writeHead(302, { location: 'https://example.com/' });
    return void response.end();
  }
  if (!url.pathname.startsWith(`${root}/`)) return json(404, { kind: 'Status', code: 404 });
  if (url.searchParams.get('watch') === 'true') {
    response.writeHead(200, { 'content-type': 'application/json' });
    return void response.write('{"type":"ADDED","object":{"kind":"Echo"}}\n');
  }
  void text(request).then((body) => {
    const { subject } = socket.getPeerCertificate();
    json(200, { kind: 'Echo', method: request.method, url: request.url, headers: request.headers, subject, body });
  });
});

server.on('upgrade', (request, socket) => {
  socket.on('error', () => socket.destroy());
  const user = request.headers['x-remote-user'];
  socket.write(
    `HTTP/1.1 101 Switching Protocols\r\nconnection: Upgrade\r\nupgrade: ${request.headers.upgrade}\r\n\r\n`,
  );
  socket.write(`hello ${user}\n`);
  socket.pipe(socket);
});

server.listen(0, () => console.log((server.address() as { port: number }).port));
