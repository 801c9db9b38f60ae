// Webhooks in a process of their own, called by a real server: by URL, and through a Service's endpoints.
import 'reflect-metadata';
import assert from 'node:assert/strict';
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { networkInterfaces } from 'node:os';
import { join } from 'node:path';
import { after, before, suite, test } from 'node:test';
import { openPki } from '../../src/cluster/pki.ts';
import { TestCluster } from '../e2e/cluster.ts';

/** One that is not loopback: endpoints of Services never are. */
const ownAddress = Object.values(networkInterfaces())
  .flatMap((each) => each ?? [])
  .find(({ family, internal }) => family === 'IPv4' && !internal)?.address;

suite('webhooks', { skip: ownAddress ? false : 'needs a network address' }, () => {
  let cluster: TestCluster;
  let webhook: ChildProcess;
  let caBundle: string;
  let port: number;

  before(async () => {
    cluster = await TestCluster.create({ simulatedNodes: 0, flags: ['--only', 'apiserver'] });
    const pki = await openPki(join(cluster.folder, 'hook'), Date.now());
    const hosts = ['hook.default.svc', '127.0.0.1'];
    const { certificate, key } = await pki.ensure({ file: 'hook', commonName: 'hook', hosts });
    const files = [join(cluster.folder, 'hook.crt'), join(cluster.folder, 'hook.key')];
    await Promise.all([writeFile(files[0]!, certificate), writeFile(files[1]!, key)]);
    caBundle = Buffer.from(pki.ca).toString('base64');
    webhook = fork(join(import.meta.dirname, 'webhook-process.ts'), files, { silent: true });
    port = Number((await once(webhook.stdout!, 'data'))[0]);
    await apply({ apiVersion: 'v1', kind: 'Service', metadata: { name: 'hook' }, spec: { ports: [{ port: 443 }] } });
    await apply({
      apiVersion: 'discovery.k8s.io/v1',
      kind: 'EndpointSlice',
      metadata: { name: 'hook-1', labels: { 'kubernetes.io/service-name': 'hook' } },
      addressType: 'IPv4',
      ports: [{ name: '', port }],
      endpoints: [{ addresses: [ownAddress!], conditions: { ready: true } }],
    });
  });
  after(async () => {
    webhook?.kill();
    await cluster[Symbol.asyncDispose]();
  });

  const apply = (object: object) => cluster.kubectl('apply -f -', { input: JSON.stringify(object) });
  const byService = (path: string) => ({ service: { name: 'hook', namespace: 'default', path }, caBundle });

  test('change and refuse what kubectl writes, as soon as they are configured', async () => {
    const rules = [{ apiGroups: [''], apiVersions: ['v1'], operations: ['CREATE'], resources: ['configmaps'] }];
    const common = { rules, sideEffects: 'None', admissionReviewVersions: ['v1'] };
    const configuration = (sort: string, clientConfig: object) => ({
      apiVersion: 'admissionregistration.k8s.io/v1',
      kind: `${sort}WebhookConfiguration`,
      metadata: { name: 'test' },
      webhooks: [{ name: 'hook.example.com', clientConfig, ...common }],
    });
    await apply(configuration('Mutating', byService('/stamp')));
    await apply(configuration('Validating', { url: `https://127.0.0.1:${port}/guard`, caBundle }));
    const made = await cluster.tryKubectl('create configmap mine --from-literal=a=b');
    assert.equal(made.code, 0, made.stderr);
    assert.match(made.stderr, /Warning: looked at/);
    assert.equal((await cluster.json('get configmap mine')).metadata.labels.by, 'kubernetes-admin');
    const refused = await cluster.tryKubectl('create configmap theirs --from-literal=secret=x');
    assert.match(
      refused.stderr,
      /error: failed to create configmap: admission webhook "hook.example.com" denied the request: no secrets/,
    );
    await cluster.kubectl('delete mutatingwebhookconfiguration,validatingwebhookconfiguration test');
    await cluster.kubectl('create configmap theirs --from-literal=secret=x');
  });

  test('convert custom resources between versions', async () => {
    const schema = { openAPIV3Schema: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true } };
    const clientConfig = { url: `https://127.0.0.1:${port}/convert`, caBundle };
    await apply({
      apiVersion: 'apiextensions.k8s.io/v1',
      kind: 'CustomResourceDefinition',
      metadata: { name: 'hosts.example.com' },
      spec: {
        group: 'example.com',
        scope: 'Namespaced',
        names: { plural: 'hosts', kind: 'Host' },
        conversion: { strategy: 'Webhook', webhook: { clientConfig, conversionReviewVersions: ['v1'] } },
        versions: [
          { name: 'v1', served: true, storage: true, schema },
          { name: 'v2', served: true, storage: false, schema },
        ],
      },
    });
    await cluster.kubectl('wait --for=condition=Established crd/hosts.example.com');
    await apply({ apiVersion: 'example.com/v1', kind: 'Host', metadata: { name: 'a' }, hostPort: 'one:1' });
    await apply({ apiVersion: 'example.com/v2', kind: 'Host', metadata: { name: 'b' }, host: 'two', port: '2' });
    const { items } = await cluster.json('get hosts.v2.example.com');
    assert.deepEqual(
      items.map(({ apiVersion, host, port }: any) => [apiVersion, host, port]),
      [
        ['example.com/v2', 'one', '1'],
        ['example.com/v2', 'two', '2'],
      ],
    );
    assert.equal((await cluster.json('get hosts.v1.example.com b')).hostPort, 'two:2');
    webhook.kill();
    await once(webhook, 'exit');
    const broken = await cluster.tryKubectl('create -f -', {
      input: JSON.stringify({
        apiVersion: 'example.com/v2',
        kind: 'Host',
        metadata: { name: 'c' },
        host: 'x',
        port: '3',
      }),
    });
    assert.match(broken.stderr, /conversion webhook for example.com\/v2, Kind=Host failed: Post .*connection refused/);
  });
});
