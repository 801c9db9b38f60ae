// What components call themselves in requests: the managers of the fields they write have upstream's names.
import { coracleVersion, kubernetesVersion } from '../base/version.ts';
import { controllerManager, scheduler } from './control/control-settings.ts';
import { controllerIdentities } from './control/controller-identities.ts';
import { simulatedNodesAccount } from './nodes/simulated/simulated-nodes-account.ts';

/** As upstream's programs do: name and version, and what it really is. */
export const userAgent = (program: string): string => `${program}/${kubernetesVersion} (coracle ${coracleVersion})`;

/** Of a component in a thread, by the identity it acts as. Controllers are one program, as upstream's are. */
export function userAgentOf(identity: string): string {
  if (identity === scheduler) return userAgent('kube-scheduler');
  if (identity === simulatedNodesAccount) return userAgent('kubelet');
  const isController = identity === controllerManager || Object.hasOwn(controllerIdentities, identity);
  return userAgent(isController ? 'kube-controller-manager' : identity);
}
