// Network namespaces of pods, as containerd keeps them: a file each, on which the namespace is mounted.
import { readdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { systemMounter } from '../volumes/mounter.ts';
import { networkFolder, taskFolder } from './containerd-config.ts';

/** What containerd writes down of a container that it runs. */
export interface RuntimeSpec {
  readonly linux?: {
    readonly cgroupsPath?: string;
    readonly namespaces?: readonly { readonly type: string; readonly path?: string }[];
  };
  readonly annotations?: Readonly<Record<string, string>>;
}

export const networkOf = ({ linux }: RuntimeSpec): string | undefined =>
  linux?.namespaces?.find(({ type }) => type === 'network')?.path;

/** Of a task of containerd's; empty when it is not there, or was cut short: such a task runs nothing. */
export async function readSpec(dataDir: string, id: string): Promise<RuntimeSpec> {
  try {
    return JSON.parse(await readFile(join(taskFolder(dataDir), id, 'config.json'), 'utf8')) as RuntimeSpec;
  } catch {
    return {};
  }
}

/**
 * Those that no container is in: containerd was killed while it made a sandbox, and has not written down that it did. Only
 * while it does not run.
 */
export async function removeForgottenNetworks(dataDir: string): Promise<void> {
  const tasks = await readdir(taskFolder(dataDir)).catch(() => []);
  const specs = await Promise.all(tasks.map((id) => readSpec(dataDir, id)));
  const used = new Set(specs.map(networkOf));
  const folder = networkFolder(dataDir);
  const paths = (await readdir(folder).catch(() => [])).map((name) => join(folder, name));
  for (const path of paths.filter((each) => !used.has(each))) await removeNetwork(path);
}

/** With the interfaces in it. May be repeated. */
export async function removeNetwork(path: string): Promise<void> {
  await systemMounter.unmount(path).catch(() => {}); // nothing is mounted there
  await rm(path, { force: true });
}
