// Whether the runtime can give pods a network. After a start it can not, until somebody has written it a configuration.
import type { Clock } from '../../base/clock.ts';
import type { ContainerRuntime } from '../runtime/runtime.ts';

/** A network that was ready is taken to be so for this long. */
const trustMs = 10_000;

/** Gives why there is no network, in the runtime's words; undefined when there is one. */
export function networkCheck(runtime: ContainerRuntime, clock: Clock): () => Promise<string | undefined> {
  let readyAtMs = Number.NEGATIVE_INFINITY;
  return async () => {
    if (clock.monotonicMs() - readyAtMs < trustMs) return undefined;
    const network = (await runtime.conditions()).find(({ type }) => type === 'NetworkReady');
    if (network && !network.status)
      return `container runtime network not ready: NetworkReady=false reason:${network.reason} message:${network.message}`;
    readyAtMs = clock.monotonicMs();
    return undefined;
  };
}
