// What went through the network interfaces that a process sees.
import { readFile } from 'node:fs/promises';

export interface InterfaceReading {
  readonly name: string;
  readonly rxBytes: number;
  readonly rxPackets: number;
  readonly rxErrors: number;
  readonly rxDropped: number;
  readonly txBytes: number;
  readonly txPackets: number;
  readonly txErrors: number;
  readonly txDropped: number;
}

/** Without the loopback, and without the bridges' ends on a node. Empty when the process is gone. */
export async function readNetwork(pid: number | 'self'): Promise<InterfaceReading[]> {
  const text = await readFile(`/proc/${pid}/net/dev`, 'utf8').catch(() => '');
  return text
    .split('\n')
    .slice(2)
    .flatMap((line) => {
      const [name = '', ...rest] = line.trim().split(/[:\s]+/);
      const [rxBytes, rxPackets, rxErrors, rxDropped, , , , , txBytes, txPackets, txErrors, txDropped] =
        rest.map(Number);
      if (!name || txDropped === undefined || name === 'lo' || /^(veth|docker)/.test(name)) return [];
      return [
        {
          name,
          rxBytes: rxBytes!,
          rxPackets: rxPackets!,
          rxErrors: rxErrors!,
          rxDropped: rxDropped!,
          txBytes: txBytes!,
          txPackets: txPackets!,
          txErrors: txErrors!,
          txDropped,
        },
      ];
    });
}
