// What simulated containers do: by annotations of their pods, and by the program for all (src/api/simulation).
import type { Pod } from '../../../generated/core-v1.ts';
import { type ContainerLife, containerLife } from '../../api/simulation/container-life.ts';
import type { SimulationProgram } from '../../api/simulation/program.ts';

/** @param attempt how often the container was started before */
export function podLife(program: SimulationProgram, pod: Pod, container: string, attempt: number): ContainerLife {
  const { namespace = '', name, labels = {}, annotations = {} } = pod.metadata;
  const node = pod.spec.nodeName ?? '';
  const subject = { namespace, pod: name, labels, annotations, node, name: container, attempt };
  return containerLife(program, subject, endsByItself(pod, container));
}

/** Whether a container of this pod is one that ends. */
function endsByItself(pod: Pod, container: string): boolean {
  const init = pod.spec.initContainers?.find(({ name }) => name === container);
  return init ? init.restartPolicy !== 'Always' : pod.spec.restartPolicy !== 'Always';
}
