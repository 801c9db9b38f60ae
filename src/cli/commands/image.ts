import { Command } from 'commander';
import { type ClusterOptions, clusterCommand, layoutFrom } from '../cluster-options.ts';

const importCommand = clusterCommand('import')
  .description('load images from OCI or docker archives, or from an unpacked root file system, into the cluster')
  .argument('<files...>', 'archives (.tar)')
  .action(async (files: string[], options: ClusterOptions) => {
    const images = await import('../../cluster/images/index.ts');
    for (const file of files)
      for (const name of await images.importImages(layoutFrom(options), file)) console.log(name);
  });

const listCommand = clusterCommand('ls')
  .description('list the images that pods can use without pulling')
  .option('-o, --output <format>', 'json, or a table')
  .action(async (options: ClusterOptions & { output?: string }) => {
    const images = await import('../../cluster/images/index.ts');
    const found = await images.listClusterImages(layoutFrom(options));
    if (options.output === 'json') console.log(JSON.stringify(found, null, 2));
    else for (const { name, sizeBytes } of found) console.log(`${name}\t${(sizeBytes / 1e6).toFixed(1)} MB`);
  });

const buildCommand = clusterCommand('build')
  .description('make an image of a root file system folder and load it')
  .argument('<folder>', 'the root file system')
  .requiredOption('-t, --tag <reference>', 'name of the image: web:1')
  .option('--cmd <word...>', 'what it runs')
  .option('--output <file>', 'write a docker archive instead of loading it')
  .action(async (folder: string, options: ClusterOptions & { tag: string; cmd?: string[]; output?: string }) => {
    const images = await import('../../cluster/images/index.ts');
    console.log(
      await images.buildImage(layoutFrom(options), {
        folder,
        reference: options.tag,
        command: options.cmd ?? [],
        ...(options.output ? { output: options.output } : {}),
      }),
    );
  });

export const imageCommand = new Command('image')
  .description('images in the cluster: import, ls, build')
  .addCommand(importCommand)
  .addCommand(listCommand)
  .addCommand(buildCommand);
