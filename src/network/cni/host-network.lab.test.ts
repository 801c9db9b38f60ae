// The node's side of the pod network on a real kernel: made, made again, and gone without a trace.
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'node:test';
import { runCommand } from '../run-command.ts';
import { isInsideLab, labSkipReason, runInsideLab } from '../testing/lab.ts';
import { ensureHostNetwork, removeHostNetwork } from './host-network.ts';

if (!isInsideLab()) {
  test('the host network on a kernel', { skip: labSkipReason() }, () => {
    const { code, output } = runInsideLab(import.meta.filename);
    assert.equal(code, 0, output);
  });
} else {
  test('two clusters side by side leave nothing when they go, and sysctls as they were', async (context) => {
    const folder = await mkdtemp(join(tmpdir(), 'host-network-lab-'));
    context.after(() => rm(folder, { recursive: true }));
    const optionsOf = (clusterName: string, second: number) => ({
      clusterName,
      podCidr: `10.${second}.0.0/24`,
      serviceCidr: `10.${second + 1}.0.0/16`,
      cniConfDir: join(folder, clusterName, 'net.d'),
      ipamDir: join(folder, clusterName, 'ipam'),
      recordDir: join(folder, 'record/network'),
    });
    const forwarding = () => readFile('/proc/sys/net/ipv4/ip_forward', 'utf8').then((text) => text.trim());
    await runCommand('ip', ['link', 'set', 'lo', 'up']);
    await runCommand('bash', ['-c', 'echo 0 > /proc/sys/net/ipv4/ip_forward']);
    const [one, two] = [optionsOf('one', 201), optionsOf('a-name-that-is-long', 203)];
    const first = await ensureHostNetwork(one);
    assert.deepEqual(await ensureHostNetwork(one), first, 'again, the same');
    const second = await ensureHostNetwork(two);
    assert.equal(first.bridge, 'cor-one');
    assert.equal(second.bridge.length, 15);
    assert.equal(second.gateway, '10.203.0.1');
    assert.equal(await forwarding(), '1');
    assert.match(await runCommand('ip', ['route']), /10\.202\.0\.0\/16 dev cor-one .*src 10\.201\.0\.1/);
    const [conflist] = await readdir(one.cniConfDir);
    assert.equal(JSON.parse(await readFile(join(one.cniConfDir, conflist!), 'utf8')).plugins[0].bridge, 'cor-one');
    await removeHostNetwork(one);
    assert.equal(await forwarding(), '1', 'the other cluster still needs it');
    await removeHostNetwork(two);
    await removeHostNetwork(two);
    assert.equal(await forwarding(), '0');
    assert.doesNotMatch(await runCommand('ip', ['link']), /cor-/);
    assert.doesNotMatch(await runCommand('ip', ['route']), /10\.20/);
    assert.equal(existsSync(join(folder, 'record')), false);
    assert.deepEqual(await readdir(one.cniConfDir), []);
  });

  test('where forwarding is dropped by policy, pods are let through until the network goes', async (context) => {
    const folder = await mkdtemp(join(tmpdir(), 'host-network-lab-'));
    context.after(() => rm(folder, { recursive: true }));
    if (!existsSync('/usr/sbin/iptables')) return context.skip('needs iptables');
    const options = {
      clusterName: 'docker',
      podCidr: '10.205.0.0/24',
      serviceCidr: '10.206.0.0/16',
      cniConfDir: join(folder, 'net.d'),
      ipamDir: join(folder, 'ipam'),
      recordDir: join(folder, 'record/network'),
    };
    await runCommand('iptables', ['-P', 'FORWARD', 'DROP']);
    await ensureHostNetwork(options);
    await ensureHostNetwork(options);
    const rules = (await runCommand('iptables', ['-S', 'FORWARD'])).split('\n').filter((line) => line.includes('cor-'));
    assert.deepEqual(rules.sort(), ['-A FORWARD -i cor-docker -j ACCEPT', '-A FORWARD -o cor-docker -j ACCEPT']);
    await removeHostNetwork(options);
    assert.doesNotMatch(await runCommand('iptables', ['-S', 'FORWARD']), /cor-/);
  });
}
