import { type ClusterOptions, clusterCommand, layoutFrom } from '../cluster-options.ts';

export const downCommand = clusterCommand('down')
  .description('stop the cluster; its state is kept for the next `up`')
  .option('--keep-pods', 'stop Coracle alone and leave containerd and the pods running')
  .action(async (options: ClusterOptions & { keepPods?: boolean }) => {
    const { takeDown } = await import('../../cluster/down.ts');
    const layout = layoutFrom(options);
    const wasRunning = await takeDown(layout, { keepPods: options.keepPods ?? false });
    console.log(wasRunning ? `cluster "${layout.name}" is down` : `cluster "${layout.name}" was not running`);
  });
