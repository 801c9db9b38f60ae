// A webhook as people write them, in a process of its own: `node webhook-process.ts CERT KEY`. Says its port when it serves.
import { readFileSync } from 'node:fs';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';

type Answer = (request: any) => object;

const patch = (...operations: object[]) => ({
  allowed: true,
  patchType: 'JSONPatch',
  patch: Buffer.from(JSON.stringify(operations)).toString('base64'),
});

/** v1 has `hostPort`, v2 `host` and `port`. */
function converted(object: any, apiVersion: string): object {
  const { hostPort, host, port, ...rest } = object;
  if (!apiVersion.endsWith('/v2')) return { ...rest, apiVersion, hostPort: `${host}:${port}` };
  const [first, second] = hostPort.split(':');
  return { ...rest, apiVersion, host: first, port: second };
}

const answers: Record<string, Answer> = {
  '/stamp': ({ userInfo }) => patch({ op: 'add', path: '/metadata/labels', value: { by: userInfo.username } }),
  '/guard': ({ object }) =>
    object.data?.secret
      ? { allowed: false, status: { message: 'no secrets in ConfigMaps', code: 403 } }
      : { allowed: true, warnings: ['looked at'] },
  '/convert': ({ objects, desiredAPIVersion }) => ({
    convertedObjects: objects.map((object: object) => converted(object, desiredAPIVersion)),
    result: { status: 'Success' },
  }),
};

const [certFile = '', keyFile = ''] = process.argv.slice(2);
const server = createServer({ cert: readFileSync(certFile), key: readFileSync(keyFile) }, (request, response) => {
  const chunks: Buffer[] = [];
  request.on('data', (chunk) => chunks.push(chunk));
  request.on('end', () => {
    const { kind, apiVersion, request: asked } = JSON.parse(Buffer.concat(chunks).toString());
    const answer = answers[request.url!.split('?')[0]!]!(asked);
    response.setHeader('content-type', 'application/json');
    response.end(JSON.stringify({ kind, apiVersion, response: { uid: asked.uid, ...answer } }));
  });
});
server.listen(0, () => console.log((server.address() as AddressInfo).port));
process.on('disconnect', () => process.exit());
