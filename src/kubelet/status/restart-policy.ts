// Whether a container that has ended starts again, by the pod's policy, its own, and its rules for exit codes.
import type { Container, Pod, PodSpec } from '../../../generated/core-v1.ts';

export function shouldRestart(container: Container, spec: PodSpec, exitCode: number, isInit: boolean): boolean {
  if (container.restartPolicyRules?.length) {
    for (const rule of container.restartPolicyRules) {
      const codes = rule.exitCodes;
      if (!codes) continue;
      const listed = codes.values?.includes(exitCode) ?? false;
      if (rule.action === 'Restart' && (codes.operator === 'In' ? listed : !listed)) return true;
    }
  }
  const policy =
    container.restartPolicy ?? (isInit && spec.restartPolicy === 'Always' ? 'OnFailure' : spec.restartPolicy);
  if (policy === 'Never') return false;
  return policy === 'OnFailure' ? exitCode !== 0 : true;
}

/** The pod is over, or has been told to end: nothing starts any more. */
export function isEnding(pod: Pod): boolean {
  return pod.metadata.deletionTimestamp !== undefined;
}
