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
      podCidr: '10.205.0.0/24,fd00:10:205::/64',
      serviceCidr: '10.206.0.0/16,fd00:10:206::/112',
      cniConfDir: join(folder, 'net.d'),
      ipamDir: join(folder, 'ipam'),
      recordDir: join(folder, 'record/network'),
    };
    const programs = ['iptables', 'ip6tables'];
    for (const program of programs) await runCommand(program, ['-P', 'FORWARD', 'DROP']);
    await ensureHostNetwork(options);
    await ensureHostNetwork(options);
    const rulesOf = async (program: string) =>
      (await runCommand(program, ['-S', 'FORWARD'])).split('\n').filter((line) => line.includes('cor-'));
    for (const program of programs) {
      const rules = (await rulesOf(program)).sort();
      assert.deepEqual(rules, ['-A FORWARD -i cor-docker -j ACCEPT', '-A FORWARD -o cor-docker -j ACCEPT'], program);
    }
    await removeHostNetwork(options);
    for (const program of programs) assert.deepEqual(await rulesOf(program), [], program);
  });

  test('who learned its routes of IPv6 from a router goes on to, though it forwards', async (context) => {
    const folder = await mkdtemp(join(tmpdir(), 'host-network-lab-'));
    context.after(() => rm(folder, { recursive: true }));
    const options = {
      clusterName: 'learns',
      podCidr: '10.207.0.0/24,fd00:10:207::/64',
      serviceCidr: '10.208.0.0/16,fd00:10:208::/112',
      cniConfDir: join(folder, 'net.d'),
      ipamDir: join(folder, 'ipam'),
      recordDir: join(folder, 'record/network'),
    };
    const learns = (device: string) =>
      readFile(`/proc/sys/net/ipv6/conf/${device}/accept_ra`, 'utf8').then((text) => text.trim());
    await runCommand('ip', ['link', 'add', 'uplink', 'type', 'veth', 'peer', 'name', 'other']);
    for (const device of ['uplink', 'other']) await runCommand('ip', ['link', 'set', device, 'up']);
    const route = ['default', 'via', 'fe80::1', 'dev', 'uplink', 'proto', 'ra'];
    await runCommand('ip', ['-6', 'route', 'add', ...route]);
    await ensureHostNetwork(options);
    await ensureHostNetwork(options);
    assert.deepEqual([await learns('uplink'), await learns('other')], ['2', '1']);
    await removeHostNetwork(options);
    assert.equal(await learns('uplink'), '1');
    assert.equal((await readFile('/proc/sys/net/ipv6/conf/all/forwarding', 'utf8')).trim(), '0');
  });
}
