// The worker thread of all simulated nodes.
import { systemClock } from '../../../base/clock.ts';
import { systemRandom } from '../../../base/random.ts';
import { createSimulatedNodes } from '../../../kubelet/simulated/simulated-nodes.ts';
import { createInformerFactory } from '../../../reconcile/informer-factory.ts';
import { openThread } from '../../threads/thread.ts';
import type { SimulatedSettings } from './simulated-nodes.ts';
import { simulatedNodesAccount } from './simulated-nodes-account.ts';

const thread = openThread<SimulatedSettings>();
const { signal, settings } = thread;
const log = thread.log.with({ component: 'node' });
const client = thread.client(simulatedNodesAccount);
const informers = createInformerFactory({ client, clock: systemClock, random: systemRandom, log });
const nodes = createSimulatedNodes({ client, informers, clock: systemClock, log, ...settings });
await thread.run([nodes.run(signal), informers.run(signal)]);
