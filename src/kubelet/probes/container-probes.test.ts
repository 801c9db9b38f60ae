import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Pod } from '../../../generated/core-v1.ts';
import { FakeClock } from '../../base/clock-fake.ts';
import { ContainerProbes } from './container-probes.ts';

const dayMs = 24 * 3600 * 1000;

/** Whose clock was set back by a day when the container had started. */
function begun(readinessProbe?: object) {
  const clock = new FakeClock();
  let looks = 0;
  const probes = new ContainerProbes({
    pod: () => ({}) as Pod,
    container: { name: 'c', ...(readinessProbe ? { readinessProbe } : {}) },
    containerId: 'id',
    startedAtMs: clock.now() + dayMs,
    podIP: () => '',
    runtime: {} as never,
    events: {} as never,
    clock,
    wasReady: false,
    wasStarted: false,
    onChange: () => undefined,
    probe: async () => ({ isSuccess: ++looks >= 1, output: '' }),
  });
  return { clock, probes, looks: () => looks };
}

test('a container that has yet to start by a clock that was set back is ready at once', () => {
  assert.equal(begun().probes.isReady, true);
});

test('its probes wait as long as they say, and not for the clock', async () => {
  const { clock, probes, looks } = begun({ initialDelaySeconds: 5, periodSeconds: 1 });
  await clock.advance(4_900);
  assert.deepEqual([looks(), probes.isReady], [0, false]);
  await clock.advance(200);
  assert.equal(probes.isReady, true);
  await clock.advance(3_000);
  assert.equal(looks(), 4);
  probes.stop();
});
