import { existsSync } from 'node:fs';
import { Command, InvalidArgumentError } from 'commander';

export const testAssetsCommand = new Command('test-assets')
  .description("lay down kube-apiserver and etcd for controller-runtime's envtest (KUBEBUILDER_ASSETS)")
  .argument('<folder>', 'where; made when it is not there')
  .option('--kubectl <file>', 'the kubectl to put beside them (default: the first on the PATH)', existing)
  .action(async (folder: string, { kubectl }: { kubectl?: string }) => {
    const [{ layDownLaunchers }, { kubernetesVersion }] = await Promise.all([
      import('../../testing/assets/launchers.ts'),
      import('../../base/version.ts'),
    ]);
    const { directory, files } = layDownLaunchers({
      directory: folder,
      kubernetesVersion,
      ...(kubectl ? { kubectl } : {}),
    });
    process.stderr.write(`${files.join(', ')} are in ${directory}\n`);
    // What a shell can read: eval "$(coracle test-assets DIR)".
    process.stdout.write(`export KUBEBUILDER_ASSETS='${directory.replaceAll("'", `'\\''`)}'\n`);
  });

function existing(file: string): string {
  if (existsSync(file)) return file;
  throw new InvalidArgumentError('there is no such file.');
}
