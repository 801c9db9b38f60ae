// What a node does by itself: it runs pods of its own, ends pods that take too much, and ends all of them in order.
import assert from 'node:assert/strict';
import { mkdir, mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { TestCluster, whyNoContainers } from './cluster.ts';

const skip = whyNoContainers() ?? false;

const configuration = (manifests: string) => `
apiVersion: kubelet.config.k8s.io/v1beta1
kind: KubeletConfiguration
staticPodPath: ${manifests}
evictionHard: {memory.available: 50Mi}
imageGCHighThresholdPercent: 100
imageGCLowThresholdPercent: 99
podPidsLimit: 64
shutdownGracePeriod: 20s
shutdownGracePeriodCriticalPods: 10s
systemReserved: {memory: 256Mi, cpu: 100m}
`;

const pod = (name: string, command: string, rest: object = {}, container: object = {}) => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name },
  spec: {
    terminationGracePeriodSeconds: 1,
    containers: [{ name: 'c', image: 'busybox:1.36', command: ['sh', '-c', command], ...container }],
    ...rest,
  },
});

describe('a node that looks after itself', { skip }, () => {
  let cluster: TestCluster;
  let manifests: string;
  const get = async (name: string) => cluster.json(`get pod ${name}`);
  const create = (object: object) => cluster.kubectl('create -f -', { input: JSON.stringify(object) });
  const ended = (name: string) =>
    cluster.eventually(`${name} has ended`, async () => {
      const { status } = await get(name);
      return status.phase === 'Failed' && status;
    });

  before(async () => {
    const folder = await mkdtemp(join(tmpdir(), 'coracle-node-'));
    manifests = join(folder, 'manifests');
    await mkdir(manifests);
    const file = join(folder, 'kubelet.yaml');
    await writeFile(file, configuration(manifests));
    cluster = await TestCluster.create({ flags: ['--kubelet-config', file, '--shutdown-on-stop'] });
    await cluster.loadImages('pause', 'busybox');
    await cluster.eventually(
      'the default service account is there',
      async () => (await cluster.tryKubectl('get sa default')).code === 0,
    );
  });
  after(async () => {
    await cluster?.[Symbol.asyncDispose]();
    await rm(join(manifests, '..'), { recursive: true, force: true });
  });

  test('what is reserved is kept from pods', async () => {
    const [{ status }] = (await cluster.json('get nodes')).items;
    const ki = (text: string) => Number(text.replace('Ki', ''));
    assert.equal(ki(status.capacity.memory) - ki(status.allocatable.memory), (256 + 50) * 1024);
    assert.equal(status.capacity.cpu * 1000 - Number(status.allocatable.cpu.replace('m', '')), 100);
  });

  test('a pod that takes more than it may is ended, and says what of', async () => {
    const fill = (path: string) => `dd if=/dev/zero of=${path} bs=1M count=8; sleep 1000`;
    const volumes = [{ name: 'v', emptyDir: { sizeLimit: '1Mi' } }];
    const volumeMounts = [{ name: 'v', mountPath: '/v' }];
    const resources = { limits: { 'ephemeral-storage': '2Mi' } };
    await create(pod('filler', fill('/v/file'), { volumes }, { volumeMounts }));
    await create(pod('talker', 'yes | head -c 8000000; sleep 1000', {}, { resources }));
    await create(pod('late', 'sleep 1000', { activeDeadlineSeconds: 2 }));
    // Its own processes are refused; nobody else's.
    const forks = 'i=0; while [ $i -lt 200 ]; do sleep 300 & i=$((i+1)); done';
    await create(pod('bomb', forks, { restartPolicy: 'Never' }));
    const said = async (name: string) => {
      const { reason, message } = await ended(name);
      return [reason, message];
    };
    assert.deepEqual(await said('filler'), ['Evicted', 'Usage of EmptyDir volume "v" exceeds the limit "1Mi". ']);
    const total = 'Pod ephemeral local storage usage exceeds the total limit of containers 2Mi. ';
    assert.deepEqual(await said('talker'), ['Evicted', total]);
    assert.equal((await said('late'))[0], 'DeadlineExceeded');
    await ended('bomb');
    assert.match(await cluster.kubectl('logs bomb'), /can't fork/);
    const reasons = await cluster.kubectl('get events -o jsonpath={.items[*].reason}');
    assert.match(reasons, /Evicted/);
    await cluster.kubectl('delete pod filler talker late bomb --now');
  });

  test('static pods follow their manifests, and are shown by mirrors', async () => {
    const [{ metadata: node }] = (await cluster.json('get nodes')).items;
    const name = `own-${node.name}`;
    const running = (what: string, isRight: (pod: any) => boolean) =>
      cluster.eventually(what, async () => {
        const found = await get(name);
        return found.status.phase === 'Running' && isRight(found) && found;
      });
    const write = async (seconds: number) => {
      const text = JSON.stringify(pod('own', `echo ${seconds}; sleep ${seconds}`, { hostNetwork: true }));
      await writeFile(join(manifests, '.own'), text);
      await rename(join(manifests, '.own'), join(manifests, 'own.json'));
    };
    await writeFile(join(manifests, 'broken.yaml'), 'kind: Pod\napiVersion: v1\nmetadata: {name: broken}\nspec: {}\n');
    await write(1001);
    const first = await running('it runs', () => true);
    assert.deepEqual(
      first.metadata.ownerReferences.map(({ kind, uid }: any) => [kind, uid]),
      [['Node', node.uid]],
    );
    assert.equal(first.metadata.annotations['kubernetes.io/config.source'], 'file');
    assert.equal(await cluster.kubectl(`logs ${name}`), '1001\n');
    await cluster.kubectl(`delete pod ${name} --wait=false`);
    const again = await running('its mirror is back', ({ metadata }) => metadata.uid !== first.metadata.uid);
    const container = ({ status }: any) => status.containerStatuses[0].containerID;
    assert.equal(container(again), container(first));
    await write(1002);
    await running('it runs anew', (each) => each.spec.containers[0].command[2].includes('1002'));
    await rm(join(manifests, 'own.json'));
    await cluster.eventually('it is gone', async () => (await cluster.tryKubectl(`get pod ${name}`)).code !== 0);
  });

  test('a stop of the cluster ends pods as a shutdown of the machine does', async () => {
    await create(pod('server', "trap 'exit 0' TERM; while true; do sleep 0.1; done"));
    await cluster.kubectl('wait --for=condition=Ready --timeout=180s pod/server');
    assert.equal((await cluster.coracle(['down'])).code, 0);
    await cluster.up();
    const { reason, message, conditions } = await ended('server');
    assert.equal(reason, 'Terminated');
    assert.equal(message, 'Pod was terminated in response to imminent node shutdown.');
    const target = conditions.find(({ type }: any) => type === 'DisruptionTarget');
    assert.deepEqual([target.status, target.reason], ['True', 'TerminationByKubelet']);
  });
});
