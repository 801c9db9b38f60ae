// A virtual machine under qemu's own emulation of a processor: needs no rights and no support of the processor, and is slow.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';

export interface Machine {
  /** Folder with vmlinuz and initrd.img. */
  readonly image: string;
  /** What it writes stays until it is started again. */
  readonly disk: string;
  /** Folders that the machine may mount by 9p: the first for reading. */
  readonly repository: string;
  readonly results: string;
  readonly underSystemd: boolean;
  readonly megabytes: number;
}

/** Settles once the machine is off; its console goes to standard output. */
export async function runMachine(machine: Machine, signal: AbortSignal): Promise<void> {
  const { image, disk, repository, results, underSystemd, megabytes } = machine;
  const init = '/coracle-init';
  const start = underSystemd ? `systemd.run=${init} systemd.run_success_action=none` : `init=${init}`;
  const kernel = `root=/dev/vda rw console=ttyS0 quiet panic=-1 apparmor=1 security=apparmor ${start}`;
  const args = [
    ['-accel', 'tcg,thread=multi,tb-size=1024', '-cpu', 'max', '-smp', '2', '-m', String(megabytes)],
    ['-display', 'none', '-serial', 'stdio', '-monitor', 'none', '-no-reboot'],
    ['-kernel', join(image, 'vmlinuz'), '-initrd', join(image, 'initrd.img'), '-append', kernel],
    ['-drive', `file=${disk},format=qcow2,if=virtio,cache=unsafe`],
    ['-nic', 'user,restrict=on,model=virtio-net-pci'],
    ['-virtfs', `local,path=${repository},mount_tag=repository,security_model=none,readonly=on,multidevs=remap`],
    ['-virtfs', `local,path=${results},mount_tag=results,security_model=none`],
    ['-device', 'virtio-rng-pci'],
  ].flat();
  signal.throwIfAborted();
  const child = spawn('qemu-system-x86_64', args, { stdio: ['ignore', 'inherit', 'inherit'] });
  const stop = () => child.kill();
  signal.addEventListener('abort', stop);
  const [code] = await once(child, 'close').finally(() => signal.removeEventListener('abort', stop));
  signal.throwIfAborted();
  if (code !== 0) throw new Error(`qemu-system-x86_64 ended with ${code}`);
}
