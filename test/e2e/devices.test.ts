// Devices from slice to pod and back, on time that the test moves.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Pod } from '../../generated/core-v1.ts';
import {
  deviceClassKind,
  eventKind,
  nodeKind,
  podKind,
  resourceClaimKind,
  resourceClaimTemplateKind,
  resourceSliceKind,
} from '../../generated/kinds.ts';
import type { Device, ResourceClaimSpec, ResourceSlice } from '../../generated/resource-v1.ts';
import { startCluster, type TestingCluster } from '../../src/testing/start-cluster.ts';

const driver = 'gpu.example.com';
const namespace = 'default';
const asksForOne: ResourceClaimSpec = { devices: { requests: [{ name: 'r', exactly: { deviceClassName: 'gpu' } }] } };

class Devices {
  readonly cluster: TestingCluster;
  constructor(cluster: TestingCluster) {
    this.cluster = cluster;
  }

  async addClass(): Promise<void> {
    const spec = { selectors: [{ cel: { expression: `device.driver == "${driver}"` } }] };
    await this.cluster.client.resource(deviceClassKind).create({ metadata: { name: 'gpu' }, spec });
  }

  async addSlice(devices: Device[]): Promise<ResourceSlice> {
    const [node] = (await this.cluster.client.resource(nodeKind).list()).items;
    const nodeName = node!.metadata.name;
    const pool = { name: nodeName, generation: 1, resourceSliceCount: 1 };
    return this.cluster.client
      .resource(resourceSliceKind)
      .create({ metadata: { name: 'slice' }, spec: { driver, nodeName, pool, devices } });
  }

  async addPod(name: string, reference: { resourceClaimName?: string; resourceClaimTemplateName?: string }, more = {}) {
    const containers = [{ name: 'c', image: 'img:1', resources: { claims: [{ name: 'd' }] } }];
    const spec = { resourceClaims: [{ name: 'd', ...reference }], containers, ...more } as Pod['spec'];
    await this.cluster.client.resource(podKind).create({ metadata: { name, namespace }, spec });
  }

  pod(name: string) {
    return this.cluster.client.resource(podKind).find({ namespace, name });
  }

  async claims() {
    return (await this.cluster.client.resource(resourceClaimKind).list({ namespace })).items;
  }
}

test('a claim is made from a template, allocated, and gone when its pod is done', async () => {
  await using cluster = await startCluster();
  const devices = new Devices(cluster);
  await devices.addClass();
  const template = { metadata: { name: 'tpl', namespace }, spec: { spec: asksForOne } };
  await cluster.client.resource(resourceClaimTemplateKind).create(template);
  await devices.addPod('p', { resourceClaimTemplateName: 'tpl' }, { restartPolicy: 'Never' });
  await cluster.clock.advance('3s');
  const waiting = (await devices.pod('p'))?.status?.conditions?.find(({ type }) => type === 'PodScheduled');
  assert.match(
    waiting?.message ?? '',
    /^0\/1 nodes are available: 1 cannot allocate all claims\. still not schedulable, /,
  );
  await devices.addSlice([{ name: 'd0' }]);
  await cluster.clock.advance('500ms');
  const [claim] = await devices.claims();
  assert.match(claim!.metadata.name, /^p-d-/);
  assert.equal(claim!.status?.allocation?.devices?.results?.[0]?.device, 'd0');
  assert.deepEqual(
    claim!.status?.reservedFor?.map(({ name }) => name),
    ['p'],
  );
  await cluster.clock.advance('1m');
  assert.equal((await devices.pod('p'))?.status?.phase, 'Succeeded');
  assert.deepEqual(await devices.claims(), []);
});

test('a pod without its claim is not looked at; the next one waits until the device is free', async () => {
  await using cluster = await startCluster();
  const devices = new Devices(cluster);
  await devices.addClass();
  await devices.addSlice([{ name: 'd0' }]);
  await devices.addPod('first', { resourceClaimName: 'one' });
  await cluster.clock.advance('3s');
  assert.equal((await devices.pod('first'))?.status?.conditions, undefined);
  for (const name of ['one', 'two']) {
    await cluster.client.resource(resourceClaimKind).create({ metadata: { name, namespace }, spec: asksForOne });
  }
  await cluster.clock.advance('1s');
  assert.ok((await devices.pod('first'))?.spec.nodeName);
  await devices.addPod('second', { resourceClaimName: 'two' });
  await cluster.clock.advance('1s');
  assert.equal((await devices.pod('second'))?.spec.nodeName, undefined);
  await cluster.client.resource(podKind).delete({ namespace, name: 'first' });
  await cluster.clock.advance('1m');
  assert.ok((await devices.pod('second'))?.spec.nodeName);
  const [one, two] = await devices.claims();
  assert.equal(one?.status?.allocation, undefined);
  assert.ok(two?.status?.allocation);
});

test('a taint takes a device away from its pod when the toleration ends', async () => {
  await using cluster = await startCluster();
  const devices = new Devices(cluster);
  await devices.addClass();
  const slice = await devices.addSlice([{ name: 'd0' }]);
  const tolerations = [{ key: 'broken', operator: 'Exists', effect: 'NoExecute', tolerationSeconds: 60 } as const];
  const spec = { devices: { requests: [{ name: 'r', exactly: { deviceClassName: 'gpu', tolerations } }] } };
  await cluster.client.resource(resourceClaimKind).create({ metadata: { name: 'one', namespace }, spec });
  await devices.addPod('p', { resourceClaimName: 'one' });
  await cluster.clock.advance('5s');
  assert.equal((await devices.pod('p'))?.status?.phase, 'Running');
  const tainted: Device[] = [{ name: 'd0', taints: [{ key: 'broken', effect: 'NoExecute' }] }];
  await cluster.client.resource(resourceSliceKind).update({ ...slice, spec: { ...slice.spec, devices: tainted } });
  await cluster.clock.advance('50s');
  assert.equal((await devices.pod('p'))?.metadata.deletionTimestamp, undefined);
  await cluster.clock.advance('1m');
  assert.equal(await devices.pod('p'), undefined);
  const events = (await cluster.client.resource(eventKind).list({ namespace })).items;
  assert.ok(
    events.some(({ reason, message }) => reason === 'DeviceTaintManagerEviction' && message === 'Marking for deletion'),
  );
});

test('a device that has to be attached first is waited for, and another is taken when that fails', async () => {
  await using cluster = await startCluster();
  const devices = new Devices(cluster);
  await devices.addClass();
  const attached = { bindsToNode: true, bindingConditions: ['attached'], bindingFailureConditions: ['failed'] };
  await devices.addSlice([
    { name: 'd0', ...attached },
    { name: 'd1', ...attached },
  ]);
  const claims = cluster.client.resource(resourceClaimKind);
  await claims.create({ metadata: { name: 'one', namespace }, spec: asksForOne });
  await devices.addPod('p', { resourceClaimName: 'one' });
  await cluster.clock.advance('2s');
  assert.equal((await devices.pod('p'))?.spec.nodeName, undefined);
  const say = async (type: string) => {
    const [claim] = await devices.claims();
    const { pool, device } = claim!.status!.allocation!.devices!.results![0]!;
    const lastTransitionTime = new Date(cluster.clock.now()).toISOString().replace(/\.\d+/, '');
    const condition = { type, status: 'True', reason: 'Test', message: 'as told', lastTransitionTime } as const;
    const status = { ...claim!.status, devices: [{ driver, pool, device, conditions: [condition] }] };
    await claims.update({ ...claim!, status }, { subresource: 'status' });
  };
  await say('failed');
  await cluster.clock.advance('2s');
  const told = (await devices.pod('p'))?.status?.conditions?.find(({ type }) => type === 'PodScheduled');
  assert.match(
    told?.message ?? '',
    /device binding failed: claim=one, reason=Test|deallocation of ResourceClaim completed/,
  );
  await cluster.clock.advance('30s');
  await say('attached');
  await cluster.clock.advance('2s');
  assert.ok((await devices.pod('p'))?.spec.nodeName);
});
