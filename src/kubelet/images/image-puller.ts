// Makes an image present as its policy asks, with upstream's events, reasons and back-off.
import type { Pod, Secret } from '../../../generated/core-v1.ts';
import type { Clock } from '../../base/clock.ts';
import { GrpcError } from '../../base/grpc.ts';
import { formatDuration } from '../../schema/time.ts';
import type { PodEvents } from '../events.ts';
import { Backoff } from '../pods/backoff.ts';
import type { RateLimit } from '../rate-limit.ts';
import { isNotFoundError, rpcErrorText, unknownCode } from '../runtime/rpc-error.ts';
import type { ImageInfo, ImageService, SandboxConfig } from '../runtime/runtime.ts';
import type { CredentialProviders } from './credential-provider.ts';
import { type ImageName, imageNameProblem, parseImageName, withoutVersion } from './image-name.ts';
import { type Credential, credentialsFor, type DockerConfig, secretCredentials } from './keyring.ts';
import { defaultVerification, mustPull, recordOf, type VerificationPolicy } from './pull-access.ts';
import { createPullQueue, type PullQueue } from './pull-queue.ts';
import type { PullRecords } from './pull-records.ts';

export type PullPolicy = 'Always' | 'IfNotPresent' | 'Never';

export interface ImageRequest {
  readonly pod: Pod;
  readonly image: string;
  /** By default Always for an image without a version or with `latest`. */
  readonly policy?: PullPolicy | undefined;
  /** Whose events: a container's, or the pod's own where it is absent. */
  readonly container?: string;
  readonly sandbox: SandboxConfig;
  readonly pullSecrets: readonly Secret[];
  readonly signal: AbortSignal;
}

export type ImageAnswer =
  | { readonly image: ImageInfo }
  | { readonly reason: string; readonly message: string; readonly retryAfterMs: number };

export interface ImagePullerOptions {
  readonly runtime: ImageService;
  readonly events: PodEvents;
  readonly clock: Clock;
  /** Pulls side by side; 1 is one after the other. Default 5. */
  readonly maxParallelPulls?: number;
  /** How often a pull may begin; default: as often as pods need it. */
  readonly rate?: RateLimit;
  /** What was pulled with whose credentials; without it every pod may use every image that is here. */
  readonly records?: PullRecords;
  readonly verification?: VerificationPolicy;
  /** The node's own docker configuration, read at each pull. */
  readonly nodeConfig?: () => Promise<DockerConfig>;
  readonly providers?: CredentialProviders;
}

interface Refusal {
  readonly reason: string;
  readonly message: string;
}

const notPresentRetryMs = 10_000;
/** The back-off is told soon after the failure. */
const failedRetryMs = 1_000;

export class ImagePuller {
  readonly #options: ImagePullerOptions;
  readonly #queue: PullQueue;
  readonly #backoff = new Backoff(10_000, 300_000);
  readonly #lastError = new Map<string, { refusal: Refusal; atMs: number }>();

  constructor(options: ImagePullerOptions) {
    this.#options = options;
    this.#queue = createPullQueue(options.maxParallelPulls ?? 5);
  }

  async ensure(request: ImageRequest): Promise<ImageAnswer> {
    const { image } = request;
    const name = parseImageName(image);
    if (!name) {
      const problem = `couldn't parse image name "${image}": ${imageNameProblem(image)}`;
      const message = `Failed to apply default image tag "${image}": ${problem}`;
      this.#say(request, 'Warning', 'InspectFailed', message);
      return this.#failed(request, { reason: 'InvalidImageName', message }, notPresentRetryMs);
    }
    const policy = request.policy ?? defaultPolicy(name);
    const present = policy === 'Always' ? undefined : await this.#inspect(request);
    if (present && 'reason' in present) return this.#failed(request, present, notPresentRetryMs);
    const credentials = once(() => this.#credentials(request, name));
    if (present && !(await this.#mustPull(image, present, credentials))) {
      const message = `Container image "${image}" already present on machine and can be accessed by the pod`;
      this.#say(request, 'Normal', 'Pulled', message);
      return { image: present };
    }
    if (policy === 'Never') {
      const message = `Container image "${image}" is not present with pull policy of Never`;
      this.#say(request, 'Warning', 'ErrImageNeverPull', message);
      return this.#failed(request, { reason: 'ErrImageNeverPull', message }, notPresentRetryMs);
    }
    return this.#pull(request, credentials);
  }

  /** Notes what came while we were away, and forgets what is gone. */
  async start(): Promise<void> {
    const { records, runtime } = this.#options;
    if (!records) return;
    const unfinished = new Set(await records.unfinished());
    if (unfinished.size === 0) return;
    for (const { id, repoTags, repoDigests } of await runtime.listImages())
      for (const image of [...repoTags, ...repoDigests].filter((each) => unfinished.has(each))) {
        // Whose credentials did it is not known: pods have to show theirs.
        await records.addPulled(id, withoutVersion(image), undefined);
        await records.endPull(image);
      }
  }

  /** A pod is gone. */
  forget(podUid: string): void {
    this.#backoff.forgetAll(podUid);
    for (const key of this.#lastError.keys()) if (key.startsWith(podUid)) this.#lastError.delete(key);
  }

  async #inspect(request: ImageRequest): Promise<ImageInfo | Refusal | undefined> {
    try {
      return await this.#options.runtime.imageStatus(request.image);
    } catch (error) {
      if (isNotFoundError(error)) return undefined;
      const message = `Failed to inspect image "": ${rpcErrorText(error)}`;
      this.#say(request, 'Warning', 'InspectFailed', message);
      return { reason: 'ImageInspectError', message };
    }
  }

  async #mustPull(image: string, present: ImageInfo, credentials: () => Promise<Credential[]>): Promise<boolean> {
    const { records, verification: policy = defaultVerification } = this.#options;
    return records !== undefined && mustPull({ records, policy }, image, present.id, credentials);
  }

  /** Of the pod's secrets first, then the node's, then the programs'. */
  async #credentials({ pod, pullSecrets }: ImageRequest, name: ImageName): Promise<Credential[]> {
    const { nodeConfig, providers } = this.#options;
    return [
      ...secretCredentials(name, pullSecrets),
      ...(nodeConfig ? credentialsFor(name, await nodeConfig()) : []),
      ...(providers ? await providers(name, pod) : []),
    ];
  }

  async #pull(request: ImageRequest, credentials: () => Promise<Credential[]>): Promise<ImageAnswer> {
    const { clock } = this.#options;
    const { pod, image, signal } = request;
    const key = `${pod.metadata.uid}_${image}`;
    const last = this.#lastError.get(key);
    const waitMs = last ? this.#backoff.remainingMs(key, last.atMs, clock.monotonicMs()) : 0;
    if (last && waitMs > 0) {
      const message = `Back-off pulling image "${image}"`;
      this.#say(request, 'Normal', 'BackOff', message);
      const cause = `${last.refusal.reason}: ${last.refusal.message}`;
      return this.#failed(request, { reason: 'ImagePullBackOff', message: `${message}: ${cause}` }, waitMs);
    }
    this.#lastError.delete(key);
    this.#say(request, 'Normal', 'Pulling', `Pulling image "${image}"`);
    try {
      const pulled = await this.#pullInTurn(request, await credentials());
      this.#backoff.forget(key);
      return { image: pulled };
    } catch (error) {
      const text = pullErrorText(error);
      if (signal.aborted) return { reason: 'ErrImagePull', message: text, retryAfterMs: 0 };
      this.#say(request, 'Warning', 'Failed', `Failed to pull image "${image}": ${text}`);
      this.#backoff.next(key, clock.monotonicMs());
      const refusal = refusalOf(image, text);
      this.#lastError.set(key, { refusal, atMs: clock.monotonicMs() });
      return this.#failed(request, refusal, failedRetryMs);
    }
  }

  async #pullInTurn(request: ImageRequest, credentials: readonly Credential[]): Promise<ImageInfo> {
    const { clock, records, runtime } = this.#options;
    const { image, signal } = request;
    const askedMs = clock.monotonicMs();
    await records?.beginPull(image);
    try {
      const { used, info, begunMs } = await this.#queue.run(async () => {
        const begunMs = clock.monotonicMs();
        if (this.#options.rate?.tryTake() === false) throw new Error('pull QPS exceeded');
        const { ref, used } = await this.#pullWith(request, credentials);
        const info = (await runtime.imageStatus(image)) ?? (await runtime.imageStatus(ref));
        if (!info) throw new Error(`image ${image} is not there after its pull`);
        return { used, info, begunMs };
      }, signal);
      await records?.addPulled(info.id, withoutVersion(image), recordOf(used));
      const nowMs = clock.monotonicMs();
      const [pull, whole] = [nowMs - begunMs, nowMs - askedMs].map(goMilliseconds);
      const message = `Successfully pulled image "${image}" in ${pull} (${whole} including waiting). Image size: ${info.sizeBytes} bytes.`;
      this.#say(request, 'Normal', 'Pulled', message);
      return info;
    } finally {
      await records?.endPull(image);
    }
  }

  /** Tries each credential that fits, or none where there is none. @throws all that was answered */
  async #pullWith(
    { image, sandbox, signal }: ImageRequest,
    credentials: readonly Credential[],
  ): Promise<{ readonly ref: string; readonly used?: Credential }> {
    const { runtime } = this.#options;
    if (credentials.length === 0) return { ref: await runtime.pullImage(image, undefined, sandbox, signal) };
    const failures: string[] = [];
    for (const credential of credentials) {
      try {
        return { ref: await runtime.pullImage(image, credential.auth, sandbox, signal), used: credential };
      } catch (error) {
        if (credentials.length === 1 || signal.aborted) throw error;
        failures.push(pullErrorText(error));
      }
    }
    const different = [...new Set(failures)];
    throw new Error(different.length === 1 ? different[0] : `[${different.join(', ')}]`);
  }

  #failed(request: ImageRequest, refusal: Refusal, retryAfterMs: number): ImageAnswer {
    if (request.container) this.#say(request, 'Warning', 'Failed', `Error: ${refusal.reason}`);
    return { ...refusal, retryAfterMs };
  }

  #say({ pod, container }: ImageRequest, type: 'Normal' | 'Warning', reason: string, message: string): void {
    const { events } = this.#options;
    if (container) events.container(pod, container, type, reason, message);
    else events.pod(pod, type, reason, message);
  }
}

function defaultPolicy({ tag, digest }: ImageName): PullPolicy {
  return digest === undefined && (tag === undefined || tag === 'latest') ? 'Always' : 'IfNotPresent';
}

/** Errors that runtimes have agreed on, by how their text begins. */
const knownErrors = {
  RegistryUnavailable: 'the registry is unavailable',
  SignatureValidationFailed: 'the signature validation failed',
};

function refusalOf(image: string, text: string): Refusal {
  for (const [reason, words] of Object.entries(knownErrors))
    if (text.startsWith(reason))
      return { reason, message: `image pull failed for ${image} because ${words}${text.slice(reason.length)}` };
  return { reason: 'ErrImagePull', message: text };
}

/** An unknown code adds nothing to the words. */
function pullErrorText(error: unknown): string {
  return error instanceof GrpcError && error.code === unknownCode ? error.message : rpcErrorText(error);
}

const goMilliseconds = (ms: number) => formatDuration(BigInt(Math.floor(ms)) * 1_000_000n);

function once<T>(make: () => Promise<T>): () => Promise<T> {
  let made: Promise<T> | undefined;
  return () => {
    made ??= make();
    return made;
  };
}
