import assert from 'node:assert/strict';
import test from 'node:test';
import { CommandFailure } from '../run-command.ts';
import { whatWireGuardLacks } from './wireguard-support.ts';

/** A machine with these programs, and perhaps a kernel that knows WireGuard. */
function lacking(programs: readonly string[], kernel = false, tun = true): Promise<string | undefined> {
  const run = async (program: string) => {
    if (program === 'unshare' && !kernel) throw new CommandFailure('Error: Unknown device type.', false, undefined);
    if (program !== 'unshare' && !programs.includes(program)) throw new CommandFailure('no such file', true, undefined);
    return '';
  };
  return whatWireGuardLacks(run, async () => tun).then((lack) => lack?.what);
}

test('either the kernel knows WireGuard, or a program does and has a device for it; and wg tells them', async () => {
  assert.equal(await lacking(['wg'], true, false), undefined);
  assert.equal(await lacking(['wg', 'wireguard-go']), undefined);
  assert.match((await lacking(['wireguard-go']))!, /^wg not found/);
  assert.match((await lacking([], true))!, /^wg not found/);
  assert.match((await lacking(['wg']))!, /wireguard-go is not on PATH/);
  assert.match((await lacking(['wg', 'wireguard-go'], false, false))!, /\/dev\/net\/tun, which does not open/);
});
