import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { request as httpsRequest } from 'node:https';
import { networkInterfaces, tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { text } from 'node:stream/consumers';
import { after, before, describe, test } from 'node:test';
import { openPki, type Pki } from '../../cluster/pki.ts';
import { certificateAuthenticator } from '../authn/certificate.ts';
import { requestHeaderAuthenticator } from '../authn/request-header.ts';
import { identityReviews } from '../subresources/identity-reviews.ts';
import { events, serve, type TestServer, take } from '../testing/serve.ts';

const machine = Object.values(networkInterfaces())
  .flatMap((each) => each ?? [])
  .find(({ family, internal }) => family === 'IPv4' && !internal)?.address;

const apiService = '/apis/apiregistration.k8s.io/v1/apiservices';
const name = 'v1.ext.example.com';
const echoes = '/apis/ext.example.com/v1/namespaces/default/echoes';

// Services are never at a loopback address, so that a machine without another cannot show this.
describe('an aggregated server', { skip: machine === undefined }, () => {
  const folder = mkdtempSync(join(tmpdir(), 'coracle-aggregation-'));
  let pki: Pki;
  let api: TestServer;
  let extension: ChildProcess;
  let extensionPort: number;

  before(async () => {
    pki = await openPki(folder, Date.now());
    const [own, proxy, theirs] = await Promise.all([
      pki.ensure({ file: 'own', commonName: 'server', hosts: ['127.0.0.1'] }),
      pki.ensure({ file: 'proxy', commonName: 'front-proxy-client', authority: 'front-proxy-ca' }),
      pki.ensure({ file: 'theirs', commonName: 'theirs', hosts: ['ext.default.svc'] }),
    ]);
    api = await serve({
      authenticators: [requestHeaderAuthenticator(['front-proxy-client']), certificateAuthenticator],
      handlers: identityReviews(undefined as never),
      proxyIdentity: { cert: proxy.certificate, key: proxy.key },
      listen: {
        host: '127.0.0.1',
        port: 0,
        tls: { cert: own.certificate, key: own.key, clientCa: pki.ca, requestHeaderCa: pki.frontProxyCa },
      },
    });
    extension = spawn(
      process.execPath,
      ['--no-warnings', join(import.meta.dirname, '../testing/extension-server.ts')],
      {
        stdio: ['pipe', 'pipe', 'inherit'],
      },
    );
    extension.stdin!.end(JSON.stringify({ cert: theirs.certificate, key: theirs.key, clientCa: pki.frontProxyCa }));
    const [line] = await once(createInterface(extension.stdout!), 'line');
    extensionPort = Number(line);
  });

  after(async () => {
    extension?.kill();
    await api?.[Symbol.asyncDispose]();
    rmSync(folder, { recursive: true, force: true });
  });

  const create = async (path: string, object: object) => {
    const { status, text: answer } = await api.call('POST', path, object);
    assert.equal(status, 201, answer);
  };

  /** Follows the APIService until its condition has this reason. */
  async function reason(wanted: string) {
    const watched = await api.open(`${apiService}?watch=true&fieldSelector=metadata.name=${name}`);
    for await (const { object } of events(watched)) {
      const condition = object.status?.conditions?.[0];
      if (condition?.reason === wanted) return condition;
    }
  }

  test('is said to be missing, piece by piece, until it answers', async () => {
    const spec = {
      group: 'ext.example.com',
      version: 'v1',
      service: { namespace: 'default', name: 'ext', port: 443 },
      caBundle: Buffer.from(pki.ca).toString('base64'),
      groupPriorityMinimum: 17_790,
      versionPriority: 15,
    };
    await create(apiService, { metadata: { name }, spec });
    assert.equal((await reason('ServiceNotFound')).message, 'service/ext in "default" is not present');
    const { status, text: answer } = await api.call('GET', echoes);
    assert.deepEqual([status, answer], [503, 'service unavailable\n']);
    const service = { metadata: { name: 'ext' }, spec: { ports: [{ name: 'https', port: 444 }] } };
    await create('/api/v1/namespaces/default/services', service);
    assert.equal((await reason('ServicePortError')).message, 'service/ext in "default" is not listening on port 443');
    const ports = [{ name: 'https', port: 443, protocol: 'TCP' }];
    await api.call('PATCH', '/api/v1/namespaces/default/services/ext', JSON.stringify({ spec: { ports } }), {
      'content-type': 'application/merge-patch+json',
    });
    assert.equal(
      (await reason('EndpointsNotFound')).message,
      'cannot find endpointslices for service/ext in "default"',
    );
    await create('/apis/discovery.k8s.io/v1/namespaces/default/endpointslices', {
      metadata: { name: 'ext', labels: { 'kubernetes.io/service-name': 'ext' } },
      addressType: 'IPv4',
      endpoints: [{ addresses: [machine], conditions: { ready: true } }],
      ports: [{ name: 'https', port: extensionPort, protocol: 'TCP' }],
    });
    assert.equal((await reason('Passed')).message, 'all checks passed');
  });

  test('gets requests with who asks, and without their credentials', async () => {
    const { status, body, headers } = await api.call(
      'POST',
      `${echoes}?dryRun=All`,
      { a: 1 },
      {
        authorization: 'Bearer secret',
        'x-remote-user': 'somebody-else',
        'impersonate-user': 'jane',
        'impersonate-group': 'system:masters',
        'impersonate-extra-example.com%2fteam': 'red',
        'audit-id': 'an-id',
      },
    );
    assert.equal(status, 200);
    assert.equal(headers['access-control-allow-origin'], undefined);
    assert.deepEqual(body.subject, { CN: 'front-proxy-client' });
    assert.deepEqual([body.method, body.url, body.body], ['POST', `${echoes}?dryRun=All`, '{"a":1}']);
    assert.equal(body.headers['x-remote-user'], 'jane');
    assert.equal(body.headers['x-remote-group'], 'system:masters, system:authenticated');
    assert.equal(body.headers['x-remote-extra-example.com%2fteam'], 'red');
    assert.equal(body.headers['audit-id'], 'an-id');
    assert.equal(body.headers.authorization, undefined);
    assert.equal(body.headers['impersonate-user'], undefined);
  });

  test('streams what is watched', async () => {
    const stopping = new AbortController();
    const watched = await api.open(`${echoes}?watch=true`, {}, stopping.signal);
    const [event] = await take(events(watched), 1);
    assert.deepEqual(event, { type: 'ADDED', object: { kind: 'Echo' } });
    stopping.abort();
  });

  test('does not lead clients away', async () => {
    const { status, text: answer } = await api.call('GET', `${echoes}/elsewhere`);
    assert.equal(status, 502);
    assert.match(answer, /attempted to redirect this request, which is not permitted/);
  });

  test('is found in discovery, where its priority puts it', async () => {
    const groups = (await api.call('GET', '/apis')).body.groups.map((group: any) => group.name);
    assert.deepEqual(groups.slice(0, 3), ['apiregistration.k8s.io', 'apps', 'ext.example.com']);
    const accept = 'application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList';
    const { text: list } = await api.call('GET', '/apis', undefined, { accept });
    const found = JSON.parse(list).items.find((item: any) => item.metadata.name === 'ext.example.com');
    const kind = { group: 'ext.example.com', version: 'v1', kind: 'Echo' };
    assert.deepEqual(found.versions, [
      {
        version: 'v1',
        resources: [
          {
            resource: 'echoes',
            responseKind: kind,
            scope: 'Namespaced',
            singularResource: 'echo',
            verbs: ['get', 'list', 'watch'],
            shortNames: ['ec'],
            subresources: [{ subresource: 'status', responseKind: kind, verbs: ['get'] }],
          },
        ],
        freshness: 'Current',
      },
    ]);
    assert.equal((await api.call('GET', '/apis/ext.example.com/v1')).body.resources[0].name, 'echoes');
  });

  test('has upgraded connections joined to its own', async () => {
    const { certificate, key } = await pki.ensure({
      file: 'jane',
      commonName: 'jane',
      organizations: ['system:masters'],
    });
    const call = httpsRequest({
      ...api.server.address,
      path: `${echoes}/one/exec`,
      headers: { connection: 'Upgrade', upgrade: 'echo/1' },
      ca: pki.ca,
      cert: certificate,
      key,
    });
    call.end();

    const [response, socket, head] = await once(call, 'upgrade');
    socket.unshift(head);
    assert.equal(response.headers.upgrade, 'echo/1');
    const lines = createInterface(socket);
    socket.write('there and back\n');
    const seen: string[] = [];
    for await (const line of lines) if (seen.push(line) === 2) break;
    assert.deepEqual(seen, ['hello jane', 'there and back']);
    socket.destroy();
  });

  test('that stops answering becomes unavailable', async () => {
    extension.kill();
    await once(extension, 'exit');
    await api.call('PATCH', `${apiService}/${name}`, '{"metadata":{"labels":{"look":"again"}}}', {
      'content-type': 'application/merge-patch+json',
    });
    assert.match(
      (await reason('FailedDiscoveryCheck')).message,
      /^failing or missing response from https:\/\/.*connection refused$/,
    );
  });

  test('is not the only one: what we serve ourselves has APIServices, too', async () => {
    const watched = await api.open(`${apiService}?watch=true`);
    for await (const { object } of events(watched)) {
      if (object.metadata.name !== 'v1.apps' || !object.status?.conditions) continue;
      assert.equal(object.status.conditions[0].reason, 'Local');
      assert.deepEqual(object.spec, {
        group: 'apps',
        version: 'v1',
        groupPriorityMinimum: 17_800,
        versionPriority: 15,
      });
      break;
    }
  });

  describe('in front of us', () => {
    const whoAmI = async (file: string, headers: Record<string, string>) => {
      const authority = file === 'proxy' || file === 'stranger' ? ('front-proxy-ca' as const) : ('ca' as const);
      const commonName = file === 'proxy' ? 'front-proxy-client' : file;
      const { certificate, key } = await pki.ensure({ file, commonName, authority, organizations: ['system:masters'] });
      const call = httpsRequest({
        ...api.server.address,
        method: 'POST',
        path: '/apis/authentication.k8s.io/v1/selfsubjectreviews',
        headers: { 'content-type': 'application/json', ...headers },
        ca: pki.ca,
        cert: certificate,
        key,
        agent: false,
      });
      call.end('{}');
      const [response] = await once(call, 'response');
      return { status: response.statusCode, body: JSON.parse(await text(response)) };
    };

    test('a proxy is believed whom it names', async () => {
      const { body } = await whoAmI('proxy', { 'x-remote-user': 'mary', 'x-remote-group': 'system:masters' });
      assert.equal(body.status?.userInfo.username, 'mary');
    });

    test('a proxy is nobody itself, and a stranger of its authority is refused', async () => {
      assert.equal((await whoAmI('proxy', {})).status, 401);
      assert.equal((await whoAmI('stranger', { 'x-remote-user': 'mary' })).status, 401);
    });

    test('a user cannot speak for others', async () => {
      const { body } = await whoAmI('joe', { 'x-remote-user': 'mary' });
      assert.equal(body.status?.userInfo.username, 'joe');
    });
  });
});
