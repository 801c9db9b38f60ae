import type { Pod, Toleration } from '../../../../generated/core-v1.ts';
import { podKind } from '../../../../generated/kinds.ts';
import type { AdmissionPlugin } from '../plugin.ts';
import { isAbout } from '../refuse.ts';

const keys = ['node.kubernetes.io/not-ready', 'node.kubernetes.io/unreachable'];
const seconds = 300;

/** A pod stays for five minutes on a node that does not answer, unless it says otherwise. */
export const defaultTolerationSeconds: AdmissionPlugin = {
  name: 'DefaultTolerationSeconds',
  admit(request) {
    const isWrite = request.operation === 'CREATE' || request.operation === 'UPDATE';
    if (!isAbout(request, podKind) || !isWrite) return;
    const { spec } = request.object as Pod;
    for (const key of keys) {
      if (spec.tolerations?.some((toleration) => tolerates(toleration, key))) continue;
      const added: Toleration = { key, operator: 'Exists', effect: 'NoExecute', tolerationSeconds: seconds };
      spec.tolerations = [...(spec.tolerations ?? []), added];
    }
  },
};

function tolerates({ key, effect }: Toleration, wanted: string): boolean {
  return (key === wanted || !key) && (effect === 'NoExecute' || !effect);
}
