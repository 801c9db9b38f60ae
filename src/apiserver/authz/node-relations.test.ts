import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ObjectIndex, ObjectReader } from '../registry/object-reader.ts';
import { startTestServer } from '../testing/test-server.ts';
import { NodeRelations } from './node-relations.ts';

/** Counts every object that is given out, and every one that an index reads. */
function counting(objects: ObjectReader): { objects: ObjectReader; count: number } {
  const indexes = new Map<object, ObjectIndex<any, any>>();
  const counted = <T>(objects: readonly T[]) => {
    seen.count += objects.length;
    return objects;
  };
  const tally = (index: ObjectIndex<any, any>): ObjectIndex<any, any> => ({
    name: index.name,
    keyOf: (object) => {
      seen.count++;
      return index.keyOf(object);
    },
    rowOf: (object) => {
      seen.count++;
      return index.rowOf(object);
    },
  });
  const seen = {
    count: 0,
    objects: {
      find: (kind, namespace, name) => counted([objects.find(kind, namespace, name)])[0],
      list: (kind, namespace) => counted(objects.list(kind, namespace)),
      rows: (kind, index, key) => {
        if (!indexes.has(index)) indexes.set(index, tally(index));
        return counted(objects.rows(kind, indexes.get(index)!, key));
      },
      changedAt: (kind) => objects.changedAt(kind),
    } satisfies ObjectReader as ObjectReader,
  };
  return seen;
}

/** Objects looked at for the first question after one change, and for the next, beside so many pods of other nodes. */
async function cost(others: number): Promise<number[]> {
  await using api = await startTestServer();
  await api.create('/api/v1/namespaces/default/serviceaccounts', {
    apiVersion: 'v1',
    kind: 'ServiceAccount',
    metadata: { name: 'default' },
  });
  const pod = (name: string, nodeName: string) =>
    api.create('/api/v1/namespaces/default/pods', {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name },
      spec: {
        nodeName,
        automountServiceAccountToken: false,
        containers: [{ name: 'c', image: 'i', envFrom: [{ secretRef: { name: `s-${name}` } }] }],
        volumes: [{ name: 'v', persistentVolumeClaim: { claimName: name } }],
      },
    });
  const volume = (name: string) =>
    api.create('/api/v1/persistentvolumes', {
      apiVersion: 'v1',
      kind: 'PersistentVolume',
      metadata: { name },
      spec: {
        accessModes: ['ReadWriteOnce'],
        capacity: { storage: '1Gi' },
        claimRef: { namespace: 'default', name },
        csi: { driver: 'd', volumeHandle: name, nodeStageSecretRef: { namespace: 'kube-system', name: `m-${name}` } },
      },
    });
  for (let each = 0; each < others; each++) {
    await pod(`far-${each}`, `n${each}`);
    await volume(`far-${each}`);
  }
  for (const name of ['a', 'b', 'c']) {
    await pod(name, 'near');
    await volume(name);
  }
  const seen = counting(api.server.objects);
  const relations = new NodeRelations(seen.objects);
  const ask = () => {
    seen.count = 0;
    assert.ok(relations.refers('near', 'secrets', 'default', 's-b'));
    assert.ok(!relations.refers('near', 'secrets', 'default', 's-far-1'));
    assert.ok(relations.mountsWith('near', 'kube-system', 'm-c'));
    assert.ok(!relations.mountsWith('near', 'kube-system', 'm-far-1'));
    assert.ok(relations.mounts('near', 'a'));
    assert.ok(!relations.mounts('near', 'far-1'));
    return seen.count;
  };
  ask();
  await pod('late', 'near');
  await volume('late');
  assert.ok(relations.mountsWith('near', 'kube-system', 'm-late'));
  const next = ask();
  await api.call('DELETE /api/v1/persistentvolumes/b');
  await api.call('DELETE /api/v1/namespaces/default/pods/b?gracePeriodSeconds=0');
  assert.ok(!relations.refers('near', 'secrets', 'default', 's-b'));
  return [next, ask2()];

  function ask2() {
    seen.count = 0;
    assert.ok(!relations.mounts('near', 'b'));
    assert.ok(relations.refers('near', 'secrets', 'default', 's-late'));
    return seen.count;
  }
}

test('what a node may read is found among its own pods and volumes, however many others there are', async () => {
  const [few, many] = [await cost(5), await cost(80)];
  assert.deepEqual(many, few);
  assert.ok(many[0]! < 60, `${many[0]} objects`);
});
