// Upstream's sidecars and sanity tests, unmodified, from the Go modules that programs/go.mod pins. The first build takes some
// minutes, a second one seconds.
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { command } from '../conformance/command.ts';
import { place } from './places.ts';

const module = join(import.meta.dirname, 'programs');
const upstream = 'github.com/kubernetes-csi';

const packages: Readonly<Record<string, string>> = {
  'csi-provisioner': `${upstream}/external-provisioner/v5/cmd/csi-provisioner`,
  'csi-resizer': `${upstream}/external-resizer/cmd/csi-resizer`,
  'csi-snapshotter': `${upstream}/external-snapshotter/v8/cmd/csi-snapshotter`,
  'snapshot-controller': `${upstream}/external-snapshotter/v8/cmd/snapshot-controller`,
  'csi-sanity': `${upstream}/csi-test/v5/cmd/csi-sanity`,
};

const env = { PATH: `${process.env['PATH']}:/usr/local/go/bin`, CGO_ENABLED: '0' };

/** Changes with the versions of the modules. */
export const programsStamp = (): string =>
  createHash('sha256')
    .update(JSON.stringify(packages))
    .update(readFileSync(join(module, 'go.sum')))
    .digest('hex');

/** Path of a program that has been built. */
export const program = (name: string): string => join(place('programs'), name);

/** Builds what is missing or was made from other versions. */
export async function ensurePrograms(): Promise<void> {
  const stampFile = join(place('programs'), 'stamp');
  const isFresh = existsSync(stampFile) && readFileSync(stampFile, 'utf8') === programsStamp();
  for (const [name, path] of Object.entries(packages)) {
    if (isFresh && existsSync(program(name))) continue;
    const started = performance.now();
    const args = ['-n', '10', 'go', 'build', '-ldflags', '-s -w', '-o', program(name), path];
    await command('nice', args, { cwd: module, env });
    console.log(`built ${name} in ${((performance.now() - started) / 1000).toFixed(0)} s`);
  }
  writeFileSync(stampFile, programsStamp());
}

/** Folder of a module that a program was made of: its manifests are beside its source. */
export async function moduleFolder(name: string): Promise<string> {
  return (await command('go', ['list', '-m', '-f', '{{.Dir}}', `${upstream}/${name}`], { cwd: module, env })).trim();
}
