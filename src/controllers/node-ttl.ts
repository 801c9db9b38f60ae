import type { Node } from '../../generated/core-v1.ts';
import { nodeKind } from '../../generated/kinds.ts';
import { isNotFound } from '../api/meta/status-error.ts';
import type { ControllerDefinition } from '../reconcile/controller.ts';

const annotation = 'node.alpha.kubernetes.io/ttl';

interface Step {
  /** With fewer nodes it is the step before. */
  readonly least: number;
  /** With more it is the next. */
  readonly most: number;
  readonly seconds: number;
}

/** The ranges overlap, so that a cluster at a limit does not go back and forth. */
const steps: readonly Step[] = [
  { least: 0, most: 100, seconds: 0 },
  { least: 90, most: 500, seconds: 15 },
  { least: 450, most: 1000, seconds: 30 },
  { least: 900, most: 2000, seconds: 60 },
  { least: 1800, most: Number.POSITIVE_INFINITY, seconds: 300 },
];

/** Tells nodes for how long they may keep Secrets and ConfigMaps: the longer, the more of them there are. */
export const nodeTtlController: ControllerDefinition = {
  name: 'ttl-controller',
  setup({ client, informers }, queue) {
    const nodes = informers.informer(nodeKind);
    let count = 0;
    let step = 0;
    const counted = (change: number) => {
      count += change;
      while (count > steps[step]!.most) step++;
      while (count < steps[step]!.least) step--;
    };
    // Nodes report now and then: each learns of another step by then.
    const look = ({ metadata }: Node) => {
      if (metadata.annotations?.[annotation] !== String(steps[step]!.seconds)) queue.add(metadata.name);
    };
    nodes.onChange({
      added: (node) => {
        counted(1);
        look(node);
      },
      updated: look,
      deleted: () => counted(-1),
    });
    return {
      name: 'ttl-controller',
      async reconcile(name) {
        const node = nodes.find(name);
        const seconds = String(steps[step]!.seconds);
        if (!node || node.metadata.annotations?.[annotation] === seconds) return;
        const patch = { metadata: { annotations: { [annotation]: seconds } } };
        try {
          await client.resource(nodeKind).patch({ namespace: '', name }, patch, { type: 'strategic' });
        } catch (error) {
          if (!isNotFound(error)) throw error;
        }
      },
    };
  },
};
