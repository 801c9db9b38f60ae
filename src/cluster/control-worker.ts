// Starts the worker thread of controllers and scheduler and gives it its ports: one for each identity it acts as.
import { MessageChannel, type MessagePort, Worker } from 'node:worker_threads';
import type { UserInfo } from '../apiserver/authn/authenticator.ts';
import { groups, serviceAccountGroups, serviceAccountUsername } from '../apiserver/authn/users.ts';
import type { ApiServer } from '../apiserver/server.ts';
import { workerUrl } from '../base/worker-url.ts';
import type { ControllersConfig } from '../controllers/config.ts';
import { controllerIdentities } from './controller-identities.ts';
import type { ComponentName } from './up-options.ts';
import type { ControllersWorkerData, FromControllersWorker } from './worker-messages.ts';

export interface ControlWorker {
  /** Settles when the worker has stopped its loops. */
  stop(): Promise<void>;
}

export interface ControlWorkerOptions {
  readonly server: ApiServer;
  readonly settings: ControllersConfig;
  readonly only: readonly ComponentName[];
  readonly dnsServiceCidr?: string;
  readonly writeLog: (line: string) => void;
  /** The thread ended though nobody asked it to. */
  readonly onFailure: (error: Error) => void;
}

const stopPatienceMs = 5000;

export async function startControlWorker(options: ControlWorkerOptions): Promise<ControlWorker> {
  const ports: Record<string, MessagePort> = {};
  for (const [identity, user] of identities()) {
    const { port1, port2 } = new MessageChannel();
    options.server.servePort(port1, user);
    ports[identity] = port2;
  }
  const control = new MessageChannel();
  const { settings, only, dnsServiceCidr } = options;
  const data: ControllersWorkerData = {
    ports,
    control: control.port2,
    settings,
    only,
    ...(dnsServiceCidr ? { dnsServiceCidr } : {}),
  };
  const worker = new Worker(workerUrl('controllers-worker'), {
    name: 'controllers',
    workerData: data,
    transferList: [...Object.values(ports), control.port2],
    resourceLimits: { maxYoungGenerationSizeMb: 8 },
  });
  const started = Promise.withResolvers<void>();
  const stopped = Promise.withResolvers<void>();
  let isStopping = false;
  control.port1.on('message', (message: FromControllersWorker) => {
    if (message.type === 'log') options.writeLog(message.line);
    else if (message.type === 'started') started.resolve();
    else stopped.resolve();
  });
  const ended = (error: Error) => {
    started.reject(error);
    stopped.resolve();
    if (!isStopping) options.onFailure(error);
  };
  worker.once('error', ended);
  worker.once('exit', (code) => ended(new Error(`the controllers' thread ended with ${code}`)));
  await started.promise;
  return {
    async stop() {
      isStopping = true;
      control.port1.postMessage('stop');
      const timer = setTimeout(() => stopped.resolve(), stopPatienceMs);
      await stopped.promise;
      clearTimeout(timer);
      await worker.terminate();
      control.port1.close();
    },
  };
}

/** Each component and controller by the name the worker asks for, with the user it is to the API server. */
function* identities(): Iterable<[string, UserInfo]> {
  for (const name of ['system:kube-controller-manager', 'system:kube-scheduler']) {
    yield [name, { username: name, groups: [groups.authenticated] }];
  }
  for (const [controller, account] of Object.entries(controllerIdentities)) {
    const user = {
      username: serviceAccountUsername('kube-system', account),
      groups: [...serviceAccountGroups('kube-system'), groups.authenticated],
    };
    yield [controller, user];
  }
}
