// File systems on devices: made on an empty one, looked after on another, mounted.
import { open } from 'node:fs/promises';
import type { Mounter } from './mounter.ts';
import { type RunTool, runTool } from './run-tool.ts';

export interface DeviceMount {
  readonly device: string;
  /** A folder that is there. */
  readonly target: string;
  readonly fsType: string;
  readonly options: readonly string[];
}

const fsckUncorrected = 4;
const nothingFound = 2;
const unknownData = 'unknown data, probably partitions';

/** Makes a file system only where nothing is. @throws Error in upstream's words */
export async function formatAndMount(
  mounter: Mounter,
  { device, target, fsType, options }: DeviceMount,
  signal: AbortSignal,
  run: RunTool = runTool,
): Promise<void> {
  const isReadOnly = options.includes('ro');
  const existing = await formatOf(device, signal, run).catch((error) => {
    throw new Error(`failed to get disk format of disk ${device}: ${error.message}`, { cause: error });
  });
  const all = [...options, 'defaults'];
  if (existing === '') {
    if (isReadOnly)
      throw new Error(`cannot mount unformatted disk ${device} as we are manipulating it in read-only mode`);
    // Not to be stopped half-way, nor is a repair.
    const made = await run(`mkfs.${fsType}`, [...formatFlags(fsType), device]);
    if (made.problem)
      throw new Error(
        `format of disk "${device}" failed: type:("${fsType}") target:("${target}") options:("${all.join(',')}") errcode:(${made.problem}) output:(${made.output}) `,
      );
  } else if (!isReadOnly && existing !== unknownData) {
    const { status, output } = await run('fsck', ['-a', device]);
    if (status === fsckUncorrected)
      throw new Error(`'fsck' found errors on device ${device} but could not correct them: ${output}`);
  }
  signal.throwIfAborted();
  await mounter.mount(fsType, device, target, all, signal);
}

/** Once what was written is on the device. @throws Error while it is in use */
export async function unmountDevice(target: string, run: RunTool = runTool): Promise<void> {
  const { problem, output } = await run('umount', ['--no-canonicalize', target]);
  if (problem) throw new Error(`unmount failed: ${problem}\nUnmounting arguments: ${target}\nOutput: ${output}`);
}

function formatFlags(fsType: string): string[] {
  if (fsType === 'ext4' || fsType === 'ext3') return ['-F', '-m0'];
  return fsType === 'xfs' ? ['-f'] : [];
}

/** '' when there is nothing on it. @throws Error when that cannot be told */
async function formatOf(device: string, signal: AbortSignal, run: RunTool): Promise<string> {
  await requireReadable(device);
  const { status, output, problem } = await run(
    'blkid',
    ['-p', '-s', 'TYPE', '-s', 'PTTYPE', '-o', 'export', device],
    signal,
  );
  if (status === nothingFound) return '';
  if (problem) throw new Error(problem);
  const values = new Map(
    output
      .split('\n')
      .filter((line) => line.includes('='))
      .map((line) => [line.slice(0, line.indexOf('=')), line.slice(line.indexOf('=') + 1)] as const),
  );
  if (values.has('PTTYPE')) return unknownData;
  return values.get('TYPE') || unknownData;
}

/** A disk that cannot be read looks as if nothing were on it. */
async function requireReadable(device: string): Promise<void> {
  await using file = await open(device, 'r');
  const { bytesRead } = await file.read(Buffer.alloc(4096), 0, 4096, 0);
  if (bytesRead === 0) throw new Error('nothing can be read from it');
}
