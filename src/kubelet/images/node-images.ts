// The image puller of a real node: its settings, its own docker configuration, and its credential providers.
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Pod, ServiceAccount } from '../../../generated/core-v1.ts';
import { serviceAccountKind } from '../../../generated/kinds.ts';
import type { Clock } from '../../base/clock.ts';
import type { Logger } from '../../base/log.ts';
import type { Client } from '../../client/client.ts';
import type { PodEvents } from '../events.ts';
import type { RateLimit } from '../rate-limit.ts';
import type { ContainerRuntime } from '../runtime/runtime.ts';
import type { TokenWish } from '../volumes/token-source.ts';
import type { ServiceAccountSource } from './credential-provider.ts';
import { ImagePuller, type ImagePullerOptions } from './image-puller.ts';
import { type DockerConfig, parseDockerConfig } from './keyring.ts';
import { defaultVerification, type VerificationPolicy } from './pull-access.ts';
import { createPullRecords } from './pull-records.ts';

export interface NodeImagesOptions {
  readonly runtime: ContainerRuntime;
  readonly events: PodEvents;
  readonly clock: Clock;
  readonly log: Logger;
  readonly client: Client;
  readonly tokens: { token(pod: Pod, wish: TokenWish): Promise<string> };
  /** `config.json`, `image_manager/` and `image-credential-providers/` are there. */
  readonly dataDir: string;
  /** A KubeletConfiguration with its defaults, in upstream's form. */
  readonly configuration: Readonly<Record<string, unknown>>;
  readonly rate: RateLimit;
}

/** Credential providers: configuration files, and a folder `bin` with the programs. */
export const credentialProviderFolder = 'image-credential-providers';

const tokenSeconds = 3_600;

/** @throws when a credential provider is not configured as it must be */
export async function createNodeImages(options: NodeImagesOptions): Promise<ImagePuller> {
  const { runtime, events, clock, log, dataDir, configuration } = options;
  const puller = new ImagePuller({
    runtime,
    events,
    clock,
    rate: options.rate,
    maxParallelPulls: parallelPulls(configuration),
    records: createPullRecords(join(dataDir, 'image_manager'), () => clock.now()),
    verification: verificationPolicy(configuration),
    nodeConfig: () => readNodeConfig(join(dataDir, 'config.json'), log),
    ...(await credentialProviders(options)),
  });
  await puller.start().catch((error) => {
    log.warn('images that were being pulled were not looked for', { error: String(error) });
  });
  return puller;
}

function parallelPulls({ serializeImagePulls, maxParallelImagePulls }: NodeImagesOptions['configuration']): number {
  if (serializeImagePulls) return 1;
  const most = Number(maxParallelImagePulls ?? 0);
  return most >= 1 ? most : Number.POSITIVE_INFINITY;
}

function verificationPolicy(configuration: NodeImagesOptions['configuration']): VerificationPolicy {
  const mode = configuration['imagePullCredentialsVerificationPolicy'] as VerificationPolicy['mode'] | undefined;
  const allowed = configuration['preloadedImagesVerificationAllowlist'] as string[] | undefined;
  return { mode: mode || defaultVerification.mode, ...(allowed ? { allowed } : {}) };
}

/** What `docker login` writes. */
async function readNodeConfig(path: string, log: Logger): Promise<DockerConfig> {
  try {
    return parseDockerConfig(await readFile(path, 'utf8'), true);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT')
      log.warn('the docker configuration of the node was not read', { path, error: (error as Error).name });
    return {};
  }
}

async function credentialProviders(options: NodeImagesOptions): Promise<Pick<ImagePullerOptions, 'providers'>> {
  const { client, tokens, clock, log, dataDir } = options;
  const config = join(dataDir, credentialProviderFolder);
  if (!existsSync(config)) return {};
  const { readCredentialProviders } = await import('./credential-provider-config.ts');
  const { createCredentialProviders } = await import('./credential-provider.ts');
  const binDir = join(config, 'bin');
  const accounts: ServiceAccountSource = {
    serviceAccount: (namespace, name) => client.resource<ServiceAccount>(serviceAccountKind).get({ namespace, name }),
    token: (pod, audience) => tokens.token(pod, { audience, expirationSeconds: tokenSeconds }),
  };
  const providers = await readCredentialProviders({ config, binDir });
  return { providers: createCredentialProviders({ providers, binDir, accounts, clock, log }) };
}
