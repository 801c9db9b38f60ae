// Tells the neighbours on a wire that an IPv4 address is here from now on. A packet from that address to one that nobody has
// makes the kernel ask the whole wire for the latter, in the name of the former; and whoever knew another for the asker
// learns of the change (RFC 826). So no program is needed for it; where `arping` is, its announcement goes out too, for those
// that heed no other.
import { createSocket } from 'node:dgram';
import { CommandFailure, runCommand } from '../run-command.ts';

/** No host has it (RFC 7600). */
const nobody = '192.0.0.8';
const discardPort = 9;

/** @param address one that this machine has; @throws CommandFailure or SystemError when nothing could be sent */
export async function tellNeighbours(device: string, address: string): Promise<void> {
  await ifThere('arping', ['-q', '-U', '-c', '1', '-I', device, address]);
  // The question of a moment ago, in another address's name, would be asked on.
  await ifThere('ip', ['neighbour', 'delete', nobody, 'dev', device]);
  const route = [`${nobody}/32`, 'dev', device, 'scope', 'link'];
  await runCommand('ip', ['route', 'replace', ...route]);
  try {
    await sendFrom(address);
  } finally {
    await ifThere('ip', ['route', 'delete', ...route]);
  }
}

/** The kernel asks the wire before this settles, and twice again in the seconds after it. */
function sendFrom(address: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const socket = createSocket('udp4');
    socket.once('error', (error) => socket.close(() => reject(error)));
    socket.bind(0, address, () => {
      socket.send(Buffer.alloc(1), discardPort, nobody, (error) =>
        socket.close(() => (error ? reject(error) : resolve())),
      );
    });
  });
}

async function ifThere(command: string, args: readonly string[]): Promise<void> {
  try {
    await runCommand(command, args, { timeoutMs: 2_000 });
  } catch (error) {
    if (!(error instanceof CommandFailure)) throw error;
  }
}
