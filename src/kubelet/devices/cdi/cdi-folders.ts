// Finds devices by their names in the folders where drivers put their files.
import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { type CdiEdits, type CdiSpec, checkSpec } from './cdi-spec.ts';

/** The later one wins. */
export const cdiFolders: readonly string[] = ['/etc/cdi', '/var/run/cdi'];

const maxFileBytes = 1 << 20;
const maxFiles = 1_000;

/**
 * The edits for these devices: those of each file once, then those of each device.
 *
 * @param names `VENDOR/CLASS=NAME`
 * @throws when one is not there, or is told of twice
 */
export async function findEdits(
  names: readonly string[],
  folders: readonly string[] = cdiFolders,
): Promise<CdiEdits[]> {
  const kinds = new Set(names.map(kindOf));
  const levels: CdiSpec[][] = [];
  for (const folder of folders) levels.unshift(await readSpecs(folder, kinds));
  const ofFiles = new Map<CdiSpec, CdiEdits>();
  const ofDevices: CdiEdits[] = [];
  for (const name of names) {
    const { spec, edits } = findDevice(levels, name);
    if (spec.containerEdits) ofFiles.set(spec, spec.containerEdits);
    ofDevices.push(edits);
  }
  return [...ofFiles.values(), ...ofDevices];
}

const kindOf = (name: string): string => name.slice(0, name.indexOf('='));

function findDevice(levels: readonly (readonly CdiSpec[])[], name: string): { spec: CdiSpec; edits: CdiEdits } {
  const short = name.slice(name.indexOf('=') + 1);
  for (const specs of levels) {
    const found = specs.flatMap((spec) =>
      spec.kind === kindOf(name)
        ? spec.devices.filter((each) => each.name === short).map((each) => ({ spec, edits: each.containerEdits ?? {} }))
        : [],
    );
    if (found.length > 1) throw new Error(`conflicting CDI devices ${name}: told of ${found.length} times`);
    if (found[0]) return found[0];
  }
  throw new Error(`unresolvable CDI devices ${name}`);
}

/** Files that cannot be read are as good as not there: the device they would have told of is missing then. */
async function readSpecs(folder: string, kinds: ReadonlySet<string>): Promise<CdiSpec[]> {
  const specs: CdiSpec[] = [];
  const names = (await readdir(folder).catch(() => [])).filter((name) => /^[^.].*\.(json|ya?ml)$/.test(name)).sort();
  for (const name of names.slice(0, maxFiles)) {
    try {
      const path = join(folder, name);
      const stats = await stat(path);
      if (!stats.isFile() || stats.size > maxFileBytes) continue;
      const spec = checkSpec(await parse(path));
      if (kinds.has(spec.kind)) specs.push(spec);
    } catch {
      // Somebody else's file, or one that is being written.
    }
  }
  return specs;
}

async function parse(path: string): Promise<unknown> {
  const text = await readFile(path, 'utf8');
  if (path.endsWith('.json')) return JSON.parse(text);
  const { parseYaml } = await import('../../../base/yaml.ts');
  return parseYaml(text);
}
