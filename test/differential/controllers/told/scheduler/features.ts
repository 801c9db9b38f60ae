// What a pod needs of its node that the node declares, or does not.
import type { Json } from '../../side.ts';
import type { Step, Story } from '../../stories.ts';
import { patch, remove } from '../words.ts';
import { ask, node, pod, tell } from './words.ts';

const declares = (...declaredFeatures: string[]) => ({ status: { declaredFeatures } });
const restartAll = 'RestartAllContainersOnContainerExits';
const restartsAll = {
  restartPolicy: 'Never',
  restartPolicyRules: [{ action: 'RestartAllContainers', exitCodes: { operator: 'In', values: [3] } }],
};
const cpu = (amount: string) => ({ resources: { requests: { cpu: amount }, limits: { cpu: amount } } });
const resize = (name: string, spec: Json): Step => ({
  do: 'patch',
  kind: 'Pod',
  name,
  subresource: 'resize',
  patch: { spec },
  type: 'strategic',
});
const init = (amount: string) => ({ initContainers: [{ name: 'init', image: 'i', ...cpu(amount) }] });

export const featureStories: readonly Story[] = [
  tell('feature/nobody needs', node('a', declares('GuaranteedQoSPodCPUResize')), pod('p', {}, ask('100m'))),
  tell('feature/one node declares it', node('a'), node('b', declares(restartAll)), pod('p', {}, restartsAll)),
  tell(
    'feature/declared while a pod waits',
    node('a'),
    node('b', declares('ExtendWebSocketsToKubelet')),
    pod('p', {}, restartsAll),
    patch('Node', '{ns}-a', declares('ExtendWebSocketsToKubelet'), { subresource: 'status' }),
    patch('Node', '{ns}-b', declares('ExtendWebSocketsToKubelet', restartAll), { subresource: 'status' }),
    remove('Pod', 'p'),
  ),
  tell(
    'feature/not the only reason',
    node('a'),
    node('b', declares(restartAll)),
    pod('p', {}, { ...restartsAll, ...cpu('9') }),
  ),
  tell(
    'feature/resize of what the node cannot',
    node('a'),
    pod('whole', cpu('500m')),
    pod('first', init('100m')),
    pod('plain', {}, cpu('100m')),
    resize('whole', cpu('400m')),
    resize('first', init('200m')),
    resize('plain', { containers: [{ name: 'c', image: 'i1', ...cpu('200m') }] }),
  ),
  tell(
    'feature/resize of what the node can',
    node('a', declares('InPlacePodLevelResourcesVerticalScaling', 'InPlacePodVerticalScalingInitContainers')),
    pod('whole', cpu('500m')),
    pod('first', init('100m')),
    resize('whole', cpu('400m')),
    resize('first', init('200m')),
  ),
];
