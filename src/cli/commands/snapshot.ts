import { Command } from 'commander';
import { type ClusterOptions, clusterCommand, layoutFrom } from '../cluster-options.ts';

const saveCommand = clusterCommand('save')
  .description('write all objects of the running cluster to a file, while it goes on')
  .argument('<file>', 'where to')
  .action(async (file: string, options: ClusterOptions) => {
    const { saveSnapshot } = await import('../../cluster/storage/snapshots.ts');
    const { keys, revision, sizeBytes, sha256 } = await saveSnapshot(layoutFrom(options), file);
    console.log(`${file}: ${keys} keys at revision ${revision}, ${sizeBytes} bytes, sha256 ${sha256}`);
  });

const restoreCommand = clusterCommand('restore')
  .description('make a stopped cluster hold what a snapshot holds; what it held is kept beside it')
  .argument('<file>', 'a snapshot')
  .action(async (file: string, options: ClusterOptions) => {
    const { restoreSnapshot } = await import('../../cluster/storage/snapshots.ts');
    const { keys, takenAt, newRevision, kept } = await restoreSnapshot(layoutFrom(options), file);
    console.log(`${keys} keys of ${takenAt} are back; the cluster goes on at revision ${newRevision}`);
    if (kept) console.log(`what was there before: ${kept}`);
  });

const statusCommand = clusterCommand('status')
  .description('check a snapshot and say what it holds')
  .argument('<file>', 'a snapshot')
  .option('-o, --output <format>', 'json, or text')
  .action(async (file: string, options: ClusterOptions & { output?: string }) => {
    const { inspectSnapshot } = await import('../../cluster/storage/snapshots.ts');
    const summary = await inspectSnapshot(file);
    if (options.output === 'json') return console.log(JSON.stringify(summary, null, 2));
    const { keys, revision, sizeBytes, sha256, takenAt, sealedBy } = summary;
    console.log(`whole: ${keys} keys at revision ${revision} of ${takenAt}, ${sizeBytes} bytes, sha256 ${sha256}`);
    for (const mark of sealedBy)
      console.log(`needs the key: ${mark.split(':').slice(2, 5).join(' ').replace(' v1', '')}`);
  });

export const snapshotCommand = new Command('snapshot')
  .description('snapshots of all objects: save, restore, status')
  .addCommand(saveCommand)
  .addCommand(restoreCommand)
  .addCommand(statusCommand);
