// Announces a driver to the node agent.
import { parseArgs } from 'node:util';
import { connectUnix } from '../../../src/kubelet/grpc/unix-client.ts';
import { serveUnix } from '../../../src/kubelet/grpc/unix-server.ts';
import { registrationService } from '../../../src/kubelet/plugin-registration/registration-proto.ts';
import { identityService } from './csi-proto.ts';

export interface Announcement {
  readonly name: string;
  /** As the agent is told it. */
  readonly endpoint: string;
  /** In the agent's registry. */
  readonly socketPath: string;
  readonly versions?: readonly string[];
  readonly onAnswer?: (answer: string) => void;
}

export function announce(announcement: Announcement): Promise<AsyncDisposable> {
  const { name, endpoint, socketPath, versions, onAnswer } = announcement;
  return serveUnix({
    socketPath,
    services: [
      {
        service: registrationService,
        unary: {
          GetInfo: () => ({ type: 'CSIPlugin', name, endpoint, supportedVersions: versions ?? ['1.0.0'] }),
          NotifyRegistrationStatus({ pluginRegistered, error }) {
            onAnswer?.(pluginRegistered ? `${name} is registered` : `${name} is not registered: ${error}`);
            return {};
          },
        },
      },
    ],
  });
}

/** Flags of upstream's node-driver-registrar. Serves until the process ends. */
export async function runRegistrar(args: readonly string[]): Promise<void> {
  const { values } = parseArgs({
    args: [...args],
    strict: false,
    options: {
      'csi-address': { type: 'string', default: '/run/csi/socket' },
      'kubelet-registration-path': { type: 'string', default: '' },
      'plugin-registration-path': { type: 'string', default: '/registration' },
    },
  });
  const address = String(values['csi-address']);
  const client = connectUnix(address, identityService);
  const name = await nameOfDriver(() => client.call('GetPluginInfo', {}, { timeoutMs: 5_000 }));
  const socketPath = `${values['plugin-registration-path']}/${name}-reg.sock`;
  await announce({ name, endpoint: String(values['kubelet-registration-path']), socketPath, onAnswer: console.log });
}

/** Drivers start beside their registrars: the first calls may find nobody. */
export async function nameOfDriver(ask: () => Promise<{ name: string }>): Promise<string> {
  for (;;) {
    try {
      return (await ask()).name;
    } catch (error) {
      console.log(`no driver yet: ${(error as Error).message}`);
      await new Promise((resolve) => setTimeout(resolve, 500));
    }
  }
}
