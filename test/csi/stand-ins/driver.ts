// A host path driver: everything a driver can do, with folders and loop devices of this machine.

import { nodeService } from '../../../src/kubelet/csi/csi-proto.ts';
import { serveUnix, type UnaryHandler } from '../../../src/kubelet/grpc/unix-server.ts';
import { controllerHandlers } from './controller-service.ts';
import { controllerService, identityService } from './csi-proto.ts';
import { driverOptions } from './driver-options.ts';
import { withFaults } from './faults.ts';
import { nodeHandlers } from './node-service.ts';
import { announce } from './registrar.ts';
import { DriverState } from './state.ts';

/** Serves until the process ends. */
export async function runDriver(args: readonly string[]): Promise<void> {
  const options = driverOptions(args);
  const state = new DriverState(options.stateDir);
  const faulty = (service: string, handlers: Readonly<Record<string, UnaryHandler>>) =>
    withFaults(options.stateDir, service, handlers);
  const identity = {
    GetPluginInfo: () => ({ name: options.name, vendorVersion: '1.0.0' }),
    GetPluginCapabilities: () => ({
      capabilities: [
        { service: { type: 'CONTROLLER_SERVICE' } },
        { service: { type: 'VOLUME_ACCESSIBILITY_CONSTRAINTS' } },
        { volumeExpansion: { type: 'ONLINE' } },
      ],
    }),
    Probe: () => ({ ready: { value: true } }),
  };
  await serveUnix({
    socketPath: options.endpoint,
    mode: 0o666,
    services: [
      { service: identityService, unary: identity },
      { service: controllerService, unary: faulty('Controller', controllerHandlers(options, state)) },
      { service: nodeService, unary: faulty('Node', nodeHandlers(options, state)) },
    ],
  });
  if (options.registration) {
    const endpoint = options.endpoint.replace(options.kubeletDir, '/var/lib/kubelet');
    await announce({ name: options.name, endpoint, socketPath: options.registration, onAnswer: console.log });
  }
  console.log(`${options.name} serves at ${options.endpoint}`);
}
