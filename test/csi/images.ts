// Images of the sidecars, and of what stands in for those that are not to be had. They bear the names by which upstream's
// manifests of Kubernetes 1.36 ask for them.
import { createHash } from 'node:crypto';
import { existsSync, globSync, readFileSync, writeFileSync } from 'node:fs';
import { chmod, copyFile, mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { build } from 'esbuild';
import { cook } from '../../scripts/images/kitchen.ts';
import type { Kitchen, Recipe } from '../../scripts/images/recipe.ts';
import { addLink, addRootFiles, dropDocumentation, mergeUsr } from '../../scripts/images/root-files.ts';
import { place, repository } from './places.ts';
import { program, programsStamp } from './programs.ts';

const image = (name: string): string => `registry.k8s.io/sig-storage/${name}`;

/** By the program in it. */
const sidecars: Readonly<Record<string, string>> = {
  'csi-provisioner': image('csi-provisioner:v6.1.1'),
  'csi-resizer': image('csi-resizer:v2.1.0'),
  'csi-snapshotter': image('csi-snapshotter:v8.5.0'),
  'snapshot-controller': image('snapshot-controller:v8.5.0'),
};

/** By the part of stand-ins/main.ts. */
const standIns: Readonly<Record<string, readonly string[]>> = {
  driver: [image('hostpathplugin:v1.17.1')],
  registrar: [image('csi-node-driver-registrar:v2.16.0')],
  attacher: [image('csi-attacher:v4.11.0')],
  liveness: [image('livenessprobe:v2.18.0')],
  idle: [image('csi-external-health-monitor-controller:v0.17.0'), image('csi-snapshot-metadata:v0.2.0')],
};

const recipe: Recipe = {
  name: 'csi',
  async cook(kitchen) {
    const base = await kitchen.layer('node', (root) => addNode(kitchen, root));
    const bundle = await kitchen.layer('stand-ins', addStandIns);
    const images = Object.entries(standIns).map(([part, references]) => ({
      references: [...references],
      layers: [base, bundle],
      config: { entrypoint: ['/usr/bin/node', '--no-warnings', '/csi.mjs', part] },
    }));
    for (const [name, reference] of Object.entries(sidecars)) {
      const layer = await kitchen.layer(name, async (root) => {
        await addRootFiles(root);
        await copyFile(program(name), join(root, name));
        await chmod(join(root, name), 0o755);
      });
      images.push({ references: [reference], layers: [layer], config: { entrypoint: [`/${name}`] } } as never);
    }
    return images;
  },
};

async function addNode(kitchen: Kitchen, root: string): Promise<void> {
  await addRootFiles(root);
  await kitchen.packages.unpack(['dash', 'coreutils', 'mount', 'util-linux', 'libstdc++6'], root);
  await mergeUsr(root);
  await dropDocumentation(root);
  await addLink(root, 'usr/bin/sh', 'dash');
  await mkdir(join(root, 'usr/bin'), { recursive: true });
  await copyFile(process.execPath, join(root, 'usr/bin/node'));
  await chmod(join(root, 'usr/bin/node'), 0o755);
}

async function addStandIns(root: string): Promise<void> {
  await build({
    entryPoints: [join(import.meta.dirname, 'stand-ins/main.ts')],
    outfile: join(root, 'csi.mjs'),
    bundle: true,
    format: 'esm',
    platform: 'node',
    target: 'node24',
    banner: {
      js: "import{createRequire as __createRequire}from'node:module';const require=__createRequire(import.meta.url);",
    },
    logLevel: 'warning',
  });
}

/** The archive, made when it is missing or something in it has changed. */
export async function ensureArchive(): Promise<string> {
  process.umask(0o022); // modes go into the layers
  const out = join(place('images'), 'csi.tar');
  const stampFile = join(place('images'), 'stamp');
  const hash = createHash('sha256')
    .update(programsStamp())
    .update(JSON.stringify([sidecars, standIns]));
  const sources = ['test/csi/stand-ins/*.ts', 'src/kubelet/grpc/*.ts', 'src/client/*.ts', 'src/reconcile/*.ts'];
  for (const path of globSync(sources, { cwd: repository }).sort()) hash.update(readFileSync(join(repository, path)));
  const stamp = hash.digest('hex');
  if (existsSync(out) && existsSync(stampFile) && readFileSync(stampFile, 'utf8') === stamp) return out;
  await cook(recipe, out, { cacheFolder: place('kitchen'), recipesFolder: join(repository, 'images') });
  writeFileSync(stampFile, stamp);
  return out;
}
