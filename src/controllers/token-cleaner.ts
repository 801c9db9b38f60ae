import type { Secret } from '../../generated/core-v1.ts';
import { secretKind } from '../../generated/kinds.ts';
import { bootstrapTokenNamespace, bootstrapTokenOf, bootstrapTokenType } from '../api/core/bootstrap-token.ts';
import { keyOf } from '../api/meta/object.ts';
import { isConflict, isNotFound } from '../api/meta/status-error.ts';
import type { ControllerDefinition } from '../reconcile/controller.ts';

/** Timers hold no more than some weeks. */
const dayMs = 86_400_000;

/** Deletes bootstrap tokens when their time is over. */
export const tokenCleaner: ControllerDefinition = {
  name: 'token-cleaner',
  setup({ client, informers, clock }, queue) {
    const secrets = informers.informer<Secret>(secretKind, {
      namespace: bootstrapTokenNamespace,
      fieldSelector: `type=${bootstrapTokenType}`,
    });
    const look = (secret: Secret) => queue.add(keyOf(secret));
    secrets.onChange({ added: look, updated: look });
    return {
      name: 'token-cleaner',
      async reconcile(key) {
        const secret = secrets.find(key);
        const expiresMs = secret && bootstrapTokenOf(secret)?.expiresMs;
        if (!secret || expiresMs === undefined) return;
        const leftMs = expiresMs - clock.now();
        if (leftMs > 0) return queue.addAfter(key, Math.min(leftMs, dayMs));
        const { namespace = '', name, uid = '', resourceVersion = '' } = secret.metadata;
        await client
          .resource(secretKind)
          .delete({ namespace, name }, { preconditions: { uid, resourceVersion } })
          .catch((error) => {
            if (!isNotFound(error) && !isConflict(error)) throw error; // changed: we look again
          });
      },
    };
  },
};
