// Whether a container that has ended starts again, by the pod's policy, its own, and its rules for exit codes.
import type {
  Container,
  ContainerRestartRule,
  ContainerStateTerminated,
  Pod,
  PodSpec,
} from '../../../generated/core-v1.ts';

export function shouldRestart(container: Container, spec: PodSpec, exitCode: number, isInit: boolean): boolean {
  if (matchingRule(container, exitCode)) return true;
  const policy =
    container.restartPolicy ?? (isInit && spec.restartPolicy === 'Always' ? 'OnFailure' : spec.restartPolicy);
  if (policy === 'Never') return false;
  return policy === 'OnFailure' ? exitCode !== 0 : true;
}

/** Of a container that was taken away for all of the pod to start anew. */
export const restartingAll = 'RestartingAllContainers';

/** By what its status says of its end. */
export function willRestart(
  container: Container,
  spec: PodSpec,
  { exitCode, reason }: Pick<ContainerStateTerminated, 'exitCode' | 'reason'>,
  isInit: boolean,
): boolean {
  return reason === restartingAll || shouldRestart(container, spec, exitCode, isInit);
}

/** Whether its end makes every container of the pod start anew. */
export function restartsAll(container: Container, exitCode: number): boolean {
  return matchingRule(container, exitCode)?.action === 'RestartAllContainers';
}

export function couldRestartAll({ initContainers = [], containers }: PodSpec): boolean {
  return [...initContainers, ...containers].some(({ restartPolicyRules = [] }) =>
    restartPolicyRules.some(({ action }) => action === 'RestartAllContainers'),
  );
}

/** The first that says something of this exit code. */
function matchingRule({ restartPolicyRules = [] }: Container, exitCode: number): ContainerRestartRule | undefined {
  return restartPolicyRules.find(({ exitCodes }) => {
    const isListed = exitCodes?.values?.includes(exitCode) ?? false;
    return exitCodes !== undefined && (exitCodes.operator === 'In' ? isListed : !isListed);
  });
}

/** The pod is over, or has been told to end: nothing starts any more. */
export function isEnding(pod: Pod): boolean {
  return pod.metadata.deletionTimestamp !== undefined;
}
