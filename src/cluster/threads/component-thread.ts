// A worker thread that reaches the API server through a message port, as any of its identities, and has a control port on
// which it tells of itself and hears when to stop.
import { MessageChannel, Worker } from 'node:worker_threads';
import type { UserInfo } from '../../apiserver/authn/authenticator.ts';
import { groups, serviceAccountGroups, serviceAccountUsername } from '../../apiserver/authn/users.ts';
import type { ApiServer } from '../../apiserver/server.ts';
import { workerUrl } from '../../base/worker-url.ts';
import type { FromThread, ThreadData, ToThread } from './thread-messages.ts';

export interface ComponentThread {
  /** Settles when the thread has stopped its loops. */
  stop(): Promise<void>;
  /** The figures that the thread has for a path; empty when it does not answer. */
  figures(path: string): Promise<string>;
}

export interface ComponentThreadOptions<Settings> {
  readonly entry: 'controllers-worker' | 'simulated-worker';
  readonly server: Pick<ApiServer, 'servePort'>;
  /** By the name the thread asks for. */
  readonly identities: Readonly<Record<string, UserInfo>>;
  readonly settings: Settings;
  readonly writeLog: (line: string) => void;
  /** The thread ended though nobody asked it to. */
  readonly onFailure: (error: Error) => void;
  /** It has ended in order, and wants to be started again. */
  readonly onAgain?: () => void;
}

const stopPatienceMs = 5000;
const figuresPatienceMs = 1000;

export async function startComponentThread<Settings>(
  options: ComponentThreadOptions<Settings>,
): Promise<ComponentThread> {
  const requests = new MessageChannel();
  options.server.servePort(requests.port1, options.identities);
  const control = new MessageChannel();
  const data: ThreadData<Settings> = {
    port: requests.port2,
    identities: Object.keys(options.identities),
    control: control.port2,
    settings: options.settings,
  };
  const worker = new Worker(workerUrl(options.entry), {
    name: options.entry,
    workerData: data,
    transferList: [requests.port2, control.port2],
    resourceLimits: { maxYoungGenerationSizeMb: 8 },
  });
  const started = Promise.withResolvers<void>();
  const stopped = Promise.withResolvers<void>();
  let isStopping = false;
  const asked = new Map<number, (text: string) => void>();
  let lastId = 0;
  control.port1.on('message', (message: FromThread) => {
    if (message.type === 'log') options.writeLog(message.line);
    else if (message.type === 'figures') asked.get(message.id)?.(message.text);
    else if (message.type === 'started') started.resolve();
    else {
      const isWanted = message.type === 'again' && !isStopping;
      if (isWanted) isStopping = true;
      stopped.resolve();
      if (isWanted) void worker.terminate().then(() => options.onAgain?.());
    }
  });
  const ended = (error: Error) => {
    started.reject(error);
    stopped.resolve();
    if (!isStopping) options.onFailure(error);
  };
  worker.once('error', ended);
  worker.once('exit', (code) => ended(new Error(`the thread ${options.entry} ended with ${code}`)));
  await started.promise;
  return {
    async figures(path) {
      if (isStopping) return '';
      const id = ++lastId;
      const { promise, resolve } = Promise.withResolvers<string>();
      const timer = setTimeout(() => resolve(''), figuresPatienceMs);
      asked.set(id, resolve);
      control.port1.postMessage({ type: 'figures', id, path } satisfies ToThread);
      const text = await promise;
      clearTimeout(timer);
      asked.delete(id);
      return text;
    },
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

/** A component that is a user of its own: `system:kube-scheduler`. */
export function componentUser(username: string): UserInfo {
  return { username, groups: [groups.authenticated] };
}

/** A component that acts as a service account in kube-system. */
export function serviceAccountUser(account: string): UserInfo {
  return {
    username: serviceAccountUsername('kube-system', account),
    groups: [...serviceAccountGroups('kube-system'), groups.authenticated],
  };
}
