// Makes an image present as its policy asks, with upstream's events, reasons and back-off.
import type { Container, Pod, Secret } from '../../../generated/core-v1.ts';
import type { Clock } from '../../base/clock.ts';
import type { PodEvents } from '../events.ts';
import { Backoff } from '../pods/backoff.ts';
import { rpcErrorText } from '../runtime/rpc-error.ts';
import type { ContainerRuntime, ImageInfo, SandboxConfig } from '../runtime/runtime.ts';
import { parseImageName } from './image-name.ts';
import { registryAuths } from './registry-auth.ts';

export interface ImageRequest {
  readonly pod: Pod;
  readonly container: Pick<Container, 'name' | 'image' | 'imagePullPolicy'>;
  readonly sandbox: SandboxConfig;
  readonly pullSecrets: readonly Secret[];
  readonly signal: AbortSignal;
}

export type ImageAnswer =
  | { readonly image: ImageInfo }
  | { readonly reason: string; readonly message: string; readonly retryAfterMs: number };

export interface ImagePullerOptions {
  readonly runtime: ContainerRuntime;
  readonly events: PodEvents;
  readonly clock: Clock;
}

export class ImagePuller {
  readonly #options: ImagePullerOptions;
  readonly #backoff = new Backoff(10_000, 300_000);
  readonly #lastError = new Map<string, { message: string; atMs: number }>();

  constructor(options: ImagePullerOptions) {
    this.#options = options;
  }

  async ensure(request: ImageRequest): Promise<ImageAnswer> {
    const { pod, container } = request;
    const { events, runtime } = this.#options;
    const image = container.image ?? '';
    const say = (type: 'Normal' | 'Warning', reason: string, message: string) =>
      events.container(pod, container.name, type, reason, message);
    const name = parseImageName(image);
    if (!name) {
      const message = `Failed to apply default image tag "${image}": couldn't parse image name "${image}": invalid reference format`;
      say('Warning', 'InspectFailed', message);
      return this.#failed(request, 'InvalidImageName', message, 10_000);
    }
    const policy =
      container.imagePullPolicy ?? (name.tag === undefined && name.digest === undefined ? 'Always' : 'IfNotPresent');
    const present = await runtime.imageStatus(image);
    if (present && policy !== 'Always') {
      const tail = policy === 'Never' ? '' : ' and can be accessed by the pod';
      say('Normal', 'Pulled', `Container image "${image}" already present on machine${tail}`);
      return { image: present };
    }
    if (policy === 'Never') {
      const message = `Container image "${image}" is not present with pull policy of Never`;
      say('Warning', 'ErrImageNeverPull', message);
      return this.#failed(request, 'ErrImageNeverPull', message, 10_000);
    }
    return this.#pull(request, image, present);
  }

  /** A pod is gone. */
  forget(podUid: string): void {
    this.#backoff.forgetAll(podUid);
    for (const key of this.#lastError.keys()) if (key.startsWith(podUid)) this.#lastError.delete(key);
  }

  async #pull(request: ImageRequest, image: string, present: ImageInfo | undefined): Promise<ImageAnswer> {
    const { clock, events, runtime } = this.#options;
    const { pod, container, signal } = request;
    const key = `${pod.metadata.uid}_${image}`;
    const last = this.#lastError.get(key);
    const waitMs = last ? this.#backoff.remainingMs(key, last.atMs, clock.now()) : 0;
    if (waitMs > 0) {
      const message = `Back-off pulling image "${image}"`;
      events.container(pod, container.name, 'Normal', 'BackOff', message);
      return this.#failed(request, 'ImagePullBackOff', `${message}: ${last!.message}`, waitMs);
    }
    events.container(pod, container.name, 'Normal', 'Pulling', `Pulling image "${image}"`);
    const begun = clock.monotonicMs();
    try {
      const pulled = await this.#pullWithSecrets(request, image);
      const info = (await runtime.imageStatus(pulled)) ?? (await runtime.imageStatus(image)) ?? present;
      if (!info) throw new Error(`image ${image} is not there after its pull`);
      this.#backoff.forget(key);
      this.#lastError.delete(key);
      const took = `${((clock.monotonicMs() - begun) / 1000).toFixed(3)}s`;
      const message = `Successfully pulled image "${image}" in ${took} (${took} including waiting). Image size: ${info.sizeBytes} bytes.`;
      events.container(pod, container.name, 'Normal', 'Pulled', message);
      return { image: info };
    } catch (error) {
      const text = rpcErrorText(error);
      if (signal.aborted) return { reason: 'ErrImagePull', message: text, retryAfterMs: 0 };
      events.container(pod, container.name, 'Warning', 'Failed', `Failed to pull image "${image}": ${text}`);
      this.#backoff.next(key, clock.now());
      this.#lastError.set(key, { message: `ErrImagePull: ${text}`, atMs: clock.now() });
      return this.#failed(request, 'ErrImagePull', text, 1_000);
    }
  }

  /** Tries each credential that fits, then none. */
  async #pullWithSecrets({ sandbox, pullSecrets, signal }: ImageRequest, image: string): Promise<string> {
    const auths = registryAuths(image, pullSecrets);
    let failure: unknown;
    for (const auth of auths.length > 0 ? auths : [undefined]) {
      try {
        return await this.#options.runtime.pullImage(image, auth, sandbox, signal);
      } catch (error) {
        failure = error;
      }
    }
    throw failure;
  }

  #failed({ pod, container }: ImageRequest, reason: string, message: string, retryAfterMs: number): ImageAnswer {
    this.#options.events.container(pod, container.name, 'Warning', 'Failed', `Error: ${reason}`);
    return { reason, message, retryAfterMs };
  }
}
