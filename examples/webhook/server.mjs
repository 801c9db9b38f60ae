// The smallest admission webhook: ConfigMaps get a label, and none may hold a password.
//   node server.mjs tls.crt tls.key 8443
import { readFileSync } from 'node:fs';
import { createServer } from 'node:https';

const [cert, key, port] = process.argv.slice(2);

function answer(path, { object, userInfo }) {
  if (path === '/guard') {
    if (object.data?.password === undefined) return { allowed: true };
    return { allowed: false, status: { code: 403, message: 'a password belongs into a Secret' } };
  }
  const patch = [{ op: 'add', path: '/metadata/labels', value: { ...object.metadata.labels, 'made-by': userInfo.username } }];
  return { allowed: true, patchType: 'JSONPatch', patch: Buffer.from(JSON.stringify(patch)).toString('base64') };
}

createServer({ cert: readFileSync(cert), key: readFileSync(key) }, async (request, response) => {
  const { apiVersion, kind, request: review } = JSON.parse(Buffer.concat(await request.toArray()));
  const path = new URL(request.url, 'https://webhook').pathname;
  response.setHeader('content-type', 'application/json');
  response.end(JSON.stringify({ apiVersion, kind, response: { uid: review.uid, ...answer(path, review) } }));
}).listen(Number(port), '127.0.0.1');
