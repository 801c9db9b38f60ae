// Programs that give credentials: asked over stdin and stdout, their answers kept as long as they say.
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { join } from 'node:path';
import type { Pod, ServiceAccount } from '../../../generated/core-v1.ts';
import type { Clock } from '../../base/clock.ts';
import type { Logger } from '../../base/log.ts';
import { parseDuration } from '../../schema/time.ts';
import type { CredentialProvider } from './credential-provider-config.ts';
import type { ImageName } from './image-name.ts';
import { type Credential, credentialsFor, type DockerConfig, type ObjectCoordinates } from './keyring.ts';
import { matchesImage } from './match-image.ts';

/** What providers want to know of a pod's service account. */
export interface ServiceAccountSource {
  serviceAccount(namespace: string, name: string): Promise<ServiceAccount>;
  /** A token bound to the pod. */
  token(pod: Pod, audience: string): Promise<string>;
}

export interface CredentialProvidersOptions {
  readonly providers: readonly CredentialProvider[];
  readonly binDir: string;
  readonly accounts: ServiceAccountSource;
  readonly clock: Clock;
  readonly log: Logger;
}

/** Credentials for a pod's image from every program that is about it. */
export type CredentialProviders = (image: ImageName, pod: Pod) => Promise<Credential[]>;

const timeoutMs = 60_000;
const maxAnswerBytes = 2 ** 20;
const maxAnswers = 1_000;

export function createCredentialProviders(options: CredentialProvidersOptions): CredentialProviders {
  const all = options.providers.map((provider) => new Provider(provider, options));
  return async (image, pod) => (await Promise.all(all.map((provider) => provider.credentials(image, pod)))).flat();
}

interface Answer {
  readonly config: DockerConfig;
  readonly expiresAtMs: number;
}

/** Who the pod is to the program. */
interface Identity {
  readonly coordinates: ObjectCoordinates;
  readonly token: string;
  readonly annotations: Readonly<Record<string, string>>;
}

interface PluginResponse {
  readonly apiVersion?: string;
  readonly kind?: string;
  readonly cacheKeyType?: string;
  readonly cacheDuration?: string | null;
  readonly auth?: DockerConfig | null;
}

class Provider {
  readonly #provider: CredentialProvider;
  readonly #options: CredentialProvidersOptions;
  readonly #answers = new Map<string, Answer>();
  /** The same question is asked once at a time. */
  readonly #asked = new Map<string, Promise<PluginResponse>>();

  constructor(provider: CredentialProvider, options: CredentialProvidersOptions) {
    this.#provider = provider;
    this.#options = options;
  }

  /** None when the program fails: the log says why, and the registry may let the pod in without. */
  async credentials(image: ImageName, pod: Pod): Promise<Credential[]> {
    const repository = `${image.registry}/${image.path}`;
    if (!this.#provider.matchImages.some((pattern) => matchesImage(pattern, repository))) return [];
    try {
      const identity = await this.#identity(pod);
      if (identity === 'no business of ours') return [];
      const config = await this.#config(image, repository, identity);
      return credentialsFor(image, config, identity && { serviceAccount: identity.coordinates });
    } catch (error) {
      const { namespace, name } = pod.metadata;
      this.#options.log.error('a credential provider failed', error, {
        provider: this.#provider.name,
        image: repository,
        pod: `${namespace}/${name}`,
      });
      return [];
    }
  }

  async #identity(pod: Pod): Promise<Identity | undefined | 'no business of ours'> {
    const { tokenAttributes } = this.#provider;
    if (!tokenAttributes) return undefined;
    const { accounts } = this.#options;
    const name = pod.spec.serviceAccountName;
    if (!name) return tokenAttributes.requireServiceAccount ? 'no business of ours' : undefined;
    const namespace = pod.metadata.namespace!;
    const { metadata } = await accounts.serviceAccount(namespace, name);
    const own = metadata.annotations ?? {};
    const { requiredServiceAccountAnnotationKeys: required = [], optionalServiceAccountAnnotationKeys: optional = [] } =
      tokenAttributes;
    if (required.some((key) => !Object.hasOwn(own, key))) return 'no business of ours';
    const told = [...required, ...optional].filter((key) => Object.hasOwn(own, key));
    return {
      coordinates: { uid: metadata.uid ?? '', namespace, name },
      token: await accounts.token(pod, tokenAttributes.serviceAccountTokenAudience),
      annotations: Object.fromEntries(told.map((key) => [key, own[key]!])),
    };
  }

  async #config(image: ImageName, repository: string, identity: Identity | undefined): Promise<DockerConfig> {
    const { clock } = this.#options;
    const owner = identity ? this.#cacheOwner(identity) : '';
    for (const place of [repository, image.registry, everywhere]) {
      const known = this.#answers.get(`${owner} ${place}`);
      if (known && clock.now() <= known.expiresAtMs) return known.config;
    }
    const question = `${repository} ${owner} ${identity?.token ?? ''}`;
    const asked = this.#asked.get(question) ?? this.#ask(repository, identity);
    this.#asked.set(question, asked);
    try {
      return this.#keep(await asked, { owner, repository, registry: image.registry, identity });
    } finally {
      this.#asked.delete(question);
    }
  }

  /** Answers for one service account, or for one token, are not for others. */
  #cacheOwner({ coordinates, annotations, token }: Identity): string {
    const who = [coordinates, Object.entries(annotations).sort()];
    const isByToken = this.#provider.tokenAttributes?.cacheType === 'Token';
    return createHash('sha256')
      .update(JSON.stringify(isByToken ? [...who, token] : who))
      .digest('hex');
  }

  #keep(
    response: PluginResponse,
    asked: { owner: string; repository: string; registry: string; identity: Identity | undefined },
  ): DockerConfig {
    const { clock } = this.#options;
    const config = response.auth ?? {};
    const { identity, owner, repository, registry } = asked;
    const echoes = identity && Object.values(config).some(({ password }) => password === identity.token);
    if (echoes && this.#provider.tokenAttributes?.cacheType !== 'Token')
      throw new Error(
        "credential provider plugin returned the service account token as the password which is not allowed when service account cache type is not set to 'Token'",
      );
    const places: Record<string, string> = { Image: repository, Registry: registry, Global: everywhere };
    const type = response.cacheKeyType ?? '';
    if (!Object.hasOwn(places, type))
      throw new Error(`credential provider plugin did not return a valid cacheKeyType: ${type}`);
    const lifeMs = Number(parseDuration(response.cacheDuration ?? this.#provider.defaultCacheDuration) / 1_000_000n);
    if (lifeMs <= 0) return config;
    for (const [key, { expiresAtMs }] of this.#answers) if (expiresAtMs < clock.now()) this.#answers.delete(key);
    if (this.#answers.size >= maxAnswers) this.#answers.delete(this.#answers.keys().next().value!);
    this.#answers.set(`${owner} ${places[type]}`, { config, expiresAtMs: clock.now() + lifeMs });
    return config;
  }

  async #ask(image: string, identity: Identity | undefined): Promise<PluginResponse> {
    const { name, apiVersion, args = [], env = [] } = this.#provider;
    const request = {
      kind: 'CredentialProviderRequest',
      apiVersion,
      image,
      ...(identity ? { serviceAccountToken: identity.token } : {}),
      ...(identity && Object.keys(identity.annotations).length > 0
        ? { serviceAccountAnnotations: identity.annotations }
        : {}),
    };
    const program = join(this.#options.binDir, name);
    const own = Object.fromEntries(env.map((each) => [each.name, each.value]));
    const answer = await runProgram(program, args, { ...process.env, ...own }, JSON.stringify(request)).catch(
      (error: Error) => {
        throw new Error(`error execing credential provider plugin ${name} for image ${image}: ${error.message}`);
      },
    );
    return parseResponse(answer, apiVersion);
  }
}

/** Of answers that are about every image. */
const everywhere = '<global>';

function runProgram(program: string, args: readonly string[], env: NodeJS.ProcessEnv, input: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const options = { env, timeout: timeoutMs, killSignal: 'SIGKILL', maxBuffer: maxAnswerBytes } as const;
    const child = execFile(program, args, options, (error, stdout, stderr) => {
      if (!error) return resolve(stdout);
      const { code, killed, signal } = error;
      const how = killed ? 'context deadline exceeded' : signal ? `signal: ${signal}` : `exit status ${code}`;
      reject(new Error(`${how}: ${stderr.slice(0, 4096)}`));
    });
    child.stdin?.on('error', () => {}); // it need not read all of the question
    child.stdin?.end(input);
  });
}

/** The text may hold credentials: errors do not repeat it. */
function parseResponse(text: string, wanted: string): PluginResponse {
  let response: PluginResponse;
  try {
    response = JSON.parse(text) as PluginResponse;
  } catch {
    throw new Error('error decoding credential provider plugin response from stdout');
  }
  const { apiVersion = '', kind } = response ?? {};
  if (apiVersion !== wanted)
    throw new Error(
      `apiVersion from credential plugin response did not match expected apiVersion:${wanted}, actual apiVersion:${apiVersion}`,
    );
  const isWhole = kind === 'CredentialProviderResponse' && typeof (response.auth ?? {}) === 'object';
  if (!isWhole) throw new Error('error decoding credential provider plugin response from stdout');
  return response;
}
