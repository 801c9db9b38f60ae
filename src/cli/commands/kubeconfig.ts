import { existsSync, readFileSync } from 'node:fs';
import { exitCodes, UserFailure } from '../../cluster/failure.ts';
import { type ClusterOptions, clusterCommand, layoutFrom } from '../cluster-options.ts';

export const kubeconfigCommand = clusterCommand('kubeconfig')
  .description("print the cluster's kubeconfig")
  .option('--path', 'print where the file is')
  .action((options: ClusterOptions & { path?: boolean }) => {
    const layout = layoutFrom(options);
    if (!existsSync(layout.kubeconfig)) {
      throw new UserFailure(
        exitCodes.missing,
        'E_NO_CLUSTER',
        `there is no cluster "${layout.name}" in ${layout.dataDir}`,
        `coracle up --name ${layout.name}`,
      );
    }
    process.stdout.write(options.path ? `${layout.kubeconfig}\n` : readFileSync(layout.kubeconfig, 'utf8'));
  });
