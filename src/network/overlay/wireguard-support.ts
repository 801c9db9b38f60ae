// Whether this machine can encrypt the pod network, and what is to be done where it cannot.
import { open } from 'node:fs/promises';
import { CommandFailure, runCommand } from '../run-command.ts';

export interface Missing {
  readonly what: string;
  readonly remedy: string;
}

const tunDevice = '/dev/net/tun';

/** It may be there and not be ours to use, in a container. */
const canOpen = (path: string): Promise<boolean> =>
  open(path, 'r+').then(
    (file) => file.close().then(() => true),
    () => false,
  );

/** Undefined when all is there. @param run, opens what asks the machine */
export async function whatWireGuardLacks(run = runCommand, opens = canOpen): Promise<Missing | undefined> {
  const has = async (program: string) => {
    const failure = await run(program, ['--version']).then(
      () => undefined,
      (error: unknown) => error,
    );
    return !(failure instanceof CommandFailure && failure.isMissing);
  };
  // In a namespace that goes with it: nothing is left of the try.
  const isInKernel = await run('unshare', ['--net', 'ip', 'link', 'add', 'wg0', 'type', 'wireguard']).then(
    () => true,
    () => false,
  );
  if (!isInKernel && !(await has('wireguard-go')))
    return {
      what: 'the kernel has no WireGuard, and wireguard-go is not on PATH',
      remedy:
        'apt-get install --no-install-recommends wireguard-tools wireguard-go; or a kernel with the module wireguard',
    };
  if (!isInKernel && !(await opens(tunDevice)))
    return {
      what: `the kernel has no WireGuard, and wireguard-go needs ${tunDevice}, which does not open`,
      remedy: 'modprobe tun; or a kernel with the module wireguard',
    };
  if (!(await has('wg')))
    return { what: 'wg not found on PATH', remedy: 'apt-get install --no-install-recommends wireguard-tools' };
  return undefined;
}
