// A Service of SCTP: reached by its address, its node port and its name, as those of TCP are.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { run, type TestCluster } from '../../e2e/cluster.ts';
import { create, smallPod, startCluster } from './small-pods.ts';

/** socat is the machine's: it is in no image. */
const pod = (name: string, command: string) =>
  smallPod(name, command, {
    labels: { app: name },
    spec: { volumes: [{ name: 'machine', hostPath: { path: '/' } }] },
    container: {
      ports: [{ containerPort: 5000, protocol: 'SCTP' }],
      volumeMounts: [{ name: 'machine', mountPath: '/machine' }],
    },
  });
const service = {
  apiVersion: 'v1',
  kind: 'Service',
  metadata: { name: 'echo' },
  spec: {
    type: 'NodePort',
    selector: { app: 'server' },
    ports: [{ name: 'tell', protocol: 'SCTP', port: 5000, targetPort: 5000 }],
  },
};

describe('a Service of SCTP', () => {
  let cluster: TestCluster;

  before(async () => {
    await run('modprobe', ['sctp']);
    cluster = await startCluster();
    await create(
      cluster,
      service,
      pod('server', `exec chroot /machine socat SCTP-LISTEN:5000,fork,reuseaddr 'SYSTEM:echo it answers'`),
      pod('client', 'sleep 100000'),
    );
    await cluster.kubectl('wait --for=condition=Ready --timeout=180s pod/server pod/client');
  });
  after(async () => cluster?.[Symbol.asyncDispose]());

  test('answers the machine and pods', async () => {
    const { clusterIP, ports } = (await cluster.json('get service echo')).spec;
    const node = (await cluster.json('get nodes')).items[0].status.addresses[0].address;
    for (const address of [`${clusterIP}:5000`, `${node}:${ports[0].nodePort}`]) {
      const ask = `socat -u -T 20 SCTP:${address} STDOUT`;
      await cluster.eventually(`${address} answers the machine`, async () => {
        const { stdout, stderr } = await run('sh', ['-c', ask]);
        if (stdout !== 'it answers\n') throw new Error(stdout + stderr);
        return true;
      });
      assert.equal(await cluster.kubectl(`exec client -- chroot /machine ${ask}`), 'it answers\n', address);
    }
  });

  test('has a name', async () => {
    const { clusterIP } = (await cluster.json('get service echo')).spec;
    assert.ok((await cluster.kubectl('exec client -- nslookup echo.default.svc.cluster.local')).includes(clusterIP));
  });
});
