import type { UserInfo } from '../../apiserver/authn/authenticator.ts';
import type { ApiServer } from '../../apiserver/server.ts';
import {
  type ComponentThread,
  componentUser,
  serviceAccountUser,
  startComponentThread,
} from '../threads/component-thread.ts';
import { type ControlSettings, controllerManager, scheduler } from './control-settings.ts';
import { controllerIdentities } from './controller-identities.ts';

export interface ControlWorkerOptions {
  readonly server: ApiServer;
  readonly settings: ControlSettings;
  readonly writeLog: (line: string) => void;
  readonly onFailure: (error: Error) => void;
}

/** Starts the thread of controllers and scheduler, with an identity for each; again, when it has lost a lease. */
export async function startControlWorker(options: ControlWorkerOptions): Promise<ComponentThread> {
  const accounts = Object.entries(controllerIdentities).map(([controller, account]) => [
    controller,
    serviceAccountUser(account),
  ]);
  const identities: Record<string, UserInfo> = {
    [controllerManager]: componentUser(controllerManager),
    [scheduler]: componentUser(scheduler),
    ...Object.fromEntries(accounts),
  };
  let isStopping = false;
  const start = (): Promise<ComponentThread> =>
    startComponentThread({ ...options, entry: 'controllers-worker', identities, onAgain: again });
  const again = () => {
    if (isStopping) return;
    running = start();
    running.catch(options.onFailure);
  };
  let running = start();
  await running;
  return {
    figures: async (path) => (await running).figures(path),
    async stop() {
      isStopping = true;
      const thread = await running.catch(() => undefined);
      await thread?.stop();
    },
  };
}
