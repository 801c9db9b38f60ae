// What a pod's images need beside their names: the Secrets to pull them with, and the images that are volumes.
import type { Pod, Secret } from '../../../generated/core-v1.ts';
import type { ImageAnswer, PullPolicy } from '../images/image-puller.ts';
import type { SandboxConfig } from '../runtime/runtime.ts';
import type { PodServices } from './pod-services.ts';

/** Those that are there; an event names the others, for the pull may succeed without them. */
export async function pullSecretsOf({ references, events }: PodServices, pod: Pod): Promise<Secret[]> {
  const names = (pod.spec.imagePullSecrets ?? []).map(({ name = '' }) => name).filter(Boolean);
  const found = await Promise.all(
    names.map((name) => references.secret(pod.metadata.namespace!, name).catch(() => undefined)),
  );
  const missing = names.filter((_, index) => !found[index]);
  if (missing.length > 0) {
    const text = `Unable to retrieve some image pull secrets (${missing.join(', ')}); attempting to pull the image may not succeed.`;
    events.pod(pod, 'Warning', 'FailedToRetrieveImagePullSecret', text);
  }
  return found.filter((secret) => secret !== undefined);
}

/** By volume. */
export async function pullImageVolumes(
  { images }: PodServices,
  pod: Pod,
  wants: {
    readonly sandbox: SandboxConfig;
    readonly pullSecrets: readonly Secret[];
    readonly signal: AbortSignal;
  },
): Promise<Map<string, ImageAnswer>> {
  const answers = new Map<string, ImageAnswer>();
  for (const { name, image } of pod.spec.volumes ?? []) {
    if (!image?.reference) continue;
    const policy = image.pullPolicy as PullPolicy | undefined;
    answers.set(name, await images.ensure({ pod, image: image.reference, policy, ...wants }));
  }
  return answers;
}
