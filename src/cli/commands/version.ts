import { coracleVersion, kubernetesVersion } from '../../base/version.ts';
import { clusterCommand } from '../cluster-options.ts';

export const versionCommand = clusterCommand('version')
  .description('print the versions of Coracle and of the Kubernetes API it serves')
  .option('-o, --output <format>', 'json, or a line')
  .action((options: { output?: string }) => {
    const versions = { coracle: coracleVersion, kubernetes: kubernetesVersion, node: process.version };
    if (options.output === 'json') console.log(JSON.stringify(versions));
    else console.log(`coracle ${versions.coracle} (Kubernetes ${versions.kubernetes}, Node ${versions.node})`);
  });
