// Vertical autoscaling is there when its definition is: the rest is loaded, and watches, only then.
import { customResourceDefinitionKind, mutatingWebhookConfigurationKind } from '../../generated/kinds.ts';
import { isConditionTrue } from '../api/meta/conditions.ts';
import { foreignWebhookSuffix, vpaDefinitionName } from '../api/vertical-pod-autoscaler/types.ts';
import type { ControllerDefinition } from '../reconcile/controller.ts';

/** Recommends what pods should request, and brings them there. */
export const verticalPodAutoscaler: ControllerDefinition = {
  name: 'vertical-pod-autoscaler',
  setup(context, queue) {
    const definitions = context.informers.informer(customResourceDefinitionKind, {
      fieldSelector: `metadata.name=${vpaDefinitionName}`,
    });
    definitions.onChange({
      added: () => queue.add(vpaDefinitionName),
      updated: () => queue.add(vpaDefinitionName),
      deleted: () => queue.add(vpaDefinitionName),
    });
    let engine: { readonly stop: AbortController; readonly ended: Promise<void> } | undefined;

    async function stop(): Promise<void> {
      const stopping = engine;
      engine = undefined;
      stopping?.stop.abort();
      await stopping?.ended;
    }

    function start(): void {
      const stopper = new AbortController();
      const webhooks = context.informers.informer<any>({ ...mutatingWebhookConfigurationKind, metadataOnly: true });
      const isForeign = () => webhooks.list().some(({ metadata }) => metadata.name.endsWith(foreignWebhookSuffix));
      const ended = import('./vertical-pod-autoscaler/engine.ts')
        .then(({ runVerticalAutoscaling }) => runVerticalAutoscaling({ ...context, isForeign }, stopper.signal))
        .catch((error) => context.log.error('vertical autoscaling ended', error));
      engine = { stop: stopper, ended };
    }

    return {
      name: 'vertical-pod-autoscaler',
      workers: 1,
      async reconcile() {
        const definition = definitions.find(vpaDefinitionName);
        const isServed =
          definition &&
          !definition.metadata.deletionTimestamp &&
          isConditionTrue(definition.status?.conditions, 'Established');
        if (isServed && !engine) start();
        if (!isServed && engine) await stop();
      },
      async run(signal) {
        await new Promise<void>((resolve) => {
          if (signal.aborted) resolve();
          else signal.addEventListener('abort', () => resolve(), { once: true });
        });
        await stop();
      },
    };
  },
};
