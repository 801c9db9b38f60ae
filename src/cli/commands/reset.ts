import { clusterCommand } from '../cluster-options.ts';
import { deleteHere } from './delete.ts';

/** kubeadm's word; on a machine that joined there is no cluster to delete. */
export const resetCommand = clusterCommand('reset')
  .description('undo `join` or `up` on this machine: pods, networks, state; the node’s object stays in its cluster')
  .option('-y, --yes', 'do not ask')
  .action(deleteHere);
