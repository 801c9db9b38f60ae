import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Container, PodSpec } from '../../../generated/core-v1.ts';
import { featuresForScheduling, featuresForUpdate } from './declared-features.ts';

const rules = (action: string) => ({ restartPolicyRules: [{ action, exitCodes: { operator: 'In', values: [1] } }] });
const aContainer = (more: object = {}): Container => ({ name: 'c', ...more });
const aSpec = (more: Partial<PodSpec> = {}): PodSpec => ({ containers: [aContainer()], ...more });

test('a pod needs what its containers do when they exit, and its users in the network of the host', () => {
  const needed = [
    aSpec(),
    aSpec({ containers: [aContainer(rules('Restart'))] }),
    aSpec({ containers: [aContainer(rules('RestartAllContainers'))] }),
    aSpec({ initContainers: [aContainer(rules('RestartAllContainers'))], hostNetwork: true, hostUsers: false }),
    aSpec({ hostUsers: false }),
  ].map(featuresForScheduling);
  const all = 'RestartAllContainersOnContainerExits';
  assert.deepEqual(needed, [[], [], [all], [all, 'UserNamespacesHostNetworkSupport'], []]);
});

test('a resize of the pod as a whole or of an init container that ends needs a node that can do it', () => {
  const cpu = (amount: string) => ({ resources: { requests: { cpu: amount } } });
  const inits = (amount: string, more: object = {}) =>
    aSpec({ initContainers: [aContainer({ ...cpu(amount), ...more })] });
  const needed = [
    [aSpec({ containers: [aContainer(cpu('1'))] }), aSpec({ containers: [aContainer(cpu('2'))] })],
    [aSpec(cpu('1')), aSpec(cpu('2'))],
    [inits('1'), inits('2')],
    [inits('1', { restartPolicy: 'Always' }), inits('2', { restartPolicy: 'Always' })],
    [aSpec(), aSpec({ resources: {} })],
  ].map(([current, next]) => featuresForUpdate(next!, current!));
  const whole = 'InPlacePodLevelResourcesVerticalScaling';
  // Upstream: nothing is not the same as an empty value.
  assert.deepEqual(needed, [[], [whole], ['InPlacePodVerticalScalingInitContainers'], [], [whole]]);
});
