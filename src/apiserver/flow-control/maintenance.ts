// The loop around maintain.ts.
import { flowSchemaKind, priorityLevelConfigurationKind } from '../../../generated/kinds.ts';
import type { Component } from '../../base/component.ts';
import { onChange } from '../registry/on-change.ts';
import { resourcePrefix } from '../registry/storage-key.ts';
import { mandatory } from './bootstrap.ts';
import { ensureConfiguration, type MaintenanceOptions, markDangling } from './maintain.ts';

const ensureEveryMs = 60_000;
const retryMs = 1_000;
const settleMs = 10;

/** Makes the objects once, then looks after them: at each change whether they lead anywhere, each minute all of them. */
export function flowControlMaintenance(options: MaintenanceOptions): Component {
  const { clock, log } = options;
  const objects = options.server.registry;
  const isMandatory = (level: string) => mandatory.levels.some(({ metadata }) => metadata.name === level);
  const exists = (level: string) =>
    isMandatory(level) || objects.find(priorityLevelConfigurationKind, '', level) !== undefined;
  return {
    name: 'flow-control-maintenance',
    async run(signal) {
      let change = Promise.withResolvers<void>();
      const caches = [flowSchemaKind, priorityLevelConfigurationKind].map((kind) =>
        objects.hub.cache(resourcePrefix(kind)),
      );
      const joined = caches.map((cache) => onChange(cache, () => change.resolve()));
      const stopped = () => change.resolve();
      signal.addEventListener('abort', stopped, { once: true });
      let nextEnsureMs = 0;
      try {
        while (!signal.aborted) {
          change = Promise.withResolvers();
          try {
            if (clock.monotonicMs() >= nextEnsureMs) {
              await ensureConfiguration(options);
              nextEnsureMs = clock.monotonicMs() + ensureEveryMs;
            }
            await markDangling(options, exists);
          } catch (error) {
            if (signal.aborted) return;
            log.warn('the configuration of flow control was not looked after', { error: String(error) });
            await clock.sleep(retryMs, signal);
            continue;
          }
          using _due = clock.timer(Math.max(0, nextEnsureMs - clock.monotonicMs()), () => change.resolve());
          await change.promise;
          // Changes come in groups.
          await clock.sleep(settleMs, signal);
        }
      } finally {
        signal.removeEventListener('abort', stopped);
        for (const each of joined) each[Symbol.dispose]();
      }
    },
  };
}
