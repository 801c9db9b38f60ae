// Profiles of AppArmor that pods ask for, held by the kernel.
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { after, before, describe, test } from 'node:test';
import { run, type TestCluster } from '../../e2e/cluster.ts';
import { create, smallPod, startCluster, untilSucceeded } from './small-pods.ts';

const profile = `
#include <tunables/global>
profile vm-no-secrets flags=(attach_disconnected) {
  #include <abstractions/base>
  file,
  capability,
  deny /etc/secret r,
}
`;

const telling = 'cat /proc/1/attr/current; echo told > /etc/secret; cat /etc/secret 2>/dev/null || echo denied';
const pod = (name: string, appArmorProfile: object | undefined) =>
  smallPod(name, telling, {
    spec: { restartPolicy: 'Never', ...(appArmorProfile ? { securityContext: { appArmorProfile } } : {}) },
  });

describe('AppArmor', () => {
  let cluster: TestCluster;
  const saidBy = async (name: string) => {
    await untilSucceeded(cluster, name);
    return cluster.kubectl(`logs ${name}`);
  };

  before(async () => {
    writeFileSync('/etc/apparmor.d/vm-no-secrets', profile);
    const { code, stderr } = await run('apparmor_parser', ['--replace', '/etc/apparmor.d/vm-no-secrets']);
    assert.equal(code, 0, stderr);
    cluster = await startCluster();
  });
  after(async () => {
    await cluster?.[Symbol.asyncDispose]();
    await run('apparmor_parser', ['--remove', '/etc/apparmor.d/vm-no-secrets']);
  });

  test('a profile of the machine holds', async () => {
    await create(cluster, pod('held', { type: 'Localhost', localhostProfile: 'vm-no-secrets' }));
    assert.equal(await saidBy('held'), 'vm-no-secrets (enforce)\ndenied\n');
  });

  for (const [name, asked, want] of [
    ['usual', undefined, /^cri-containerd\.apparmor\.d \(enforce\)\ntold\n$/],
    ['runtime', { type: 'RuntimeDefault' }, /^cri-containerd\.apparmor\.d \(enforce\)\ntold\n$/],
    ['free', { type: 'Unconfined' }, /^unconfined\ntold\n$/],
  ] as const)
    test(`a pod that asks for ${asked?.type ?? 'nothing'} has what that means`, async () => {
      await create(cluster, pod(name, asked));
      assert.match(await saidBy(name), want);
    });

  test('a profile that is not loaded keeps a pod from starting, and it says so', async () => {
    await create(cluster, pod('lost', { type: 'Localhost', localhostProfile: 'nowhere' }));
    const { status } = await cluster.eventually('it is told', async () => {
      const found = await cluster.json('get pod lost');
      return /AppArmor|apparmor/.test(JSON.stringify(found.status)) && found;
    });
    assert.notEqual(status.phase, 'Succeeded');
  });
});
