// The conversation with one socket: who are you; you are in, or why not.
import { connectUnix, type GrpcClient } from '../grpc/unix-client.ts';
import type { PluginHandler, PluginInfo, PluginWatcherOptions } from './plugin-handler.ts';
import { registrationService } from './registration-proto.ts';

const dialMs = 10_000;
const infoMs = 1_000;
const notifyMs = 5_000;
const maxNameLetters = 253;

/** @throws when there is no plugin behind it, or none that its handler takes */
export async function registerSocket(
  path: string,
  { handlers, onMachine }: Pick<PluginWatcherOptions, 'handlers' | 'onMachine'>,
  signal: AbortSignal,
): Promise<{ handler: PluginHandler; plugin: PluginInfo }> {
  const client = connectUnix(path, registrationService);
  try {
    await client.connect(dialMs, signal);
    const info = await client.call('GetInfo', {}, { timeoutMs: infoMs, signal });
    const handler = handlers.find(({ type }) => type === info.type);
    if (!handler) return await refuse(client, `no handler registered for plugin type: ${info.type} at socket ${path}`);
    if (info.name === '' || info.name.length > maxNameLetters)
      return await refuse(client, `plugin validation failed with err: invalid name ${JSON.stringify(info.name)}`);
    const endpoint = info.endpoint === '' ? path : onMachine(info.endpoint);
    const plugin: PluginInfo = { name: info.name, endpoint, supportedVersions: info.supportedVersions };
    try {
      await handler.register(plugin);
    } catch (error) {
      return await refuse(client, `plugin registration failed with err: ${(error as Error).message}`);
    }
    try {
      await client.call('NotifyRegistrationStatus', { pluginRegistered: true, error: '' }, { timeoutMs: notifyMs });
    } catch (error) {
      await handler.deregister(plugin);
      throw error;
    }
    return { handler, plugin };
  } finally {
    client.close();
  }
}

async function refuse(client: GrpcClient, problem: string): Promise<never> {
  const error = `RegisterPlugin error -- ${problem}`;
  await client.call('NotifyRegistrationStatus', { pluginRegistered: false, error }, { timeoutMs: notifyMs });
  throw new Error(error);
}
