// Pods of this machine's own: read from where the configuration says, run by the manager, shown by their mirrors.
import type { Pod } from '../../../generated/core-v1.ts';
import type { KubeletConfiguration } from '../config/types.ts';
import type { PodManager } from '../pods/pod-manager.ts';
import type { PodServices } from '../pods/pod-services.ts';
import { MirrorPods, type MirrorPodsOptions } from './mirror-pods.ts';

export interface StaticPodsOptions extends MirrorPodsOptions {
  readonly config: KubeletConfiguration;
  readonly manager: () => PodManager;
}

export interface StaticPods {
  /** What a static pod works with in place of what others do. */
  services(base: PodServices, pod: Pod): PodServices;
  run(signal: AbortSignal): Promise<void>;
}

export function createStaticPods(options: StaticPodsOptions): StaticPods {
  const mirrors = new MirrorPods(options);
  return {
    services: (base, pod) => ({
      ...base,
      statusSink: () => mirrors.sinkFor(pod),
      // Its mirror goes when the manifest does.
      deletePod: async () => undefined,
    }),
    async run(signal) {
      await Promise.all([followSources(options, mirrors, signal), mirrors.run(signal)]);
    },
  };
}

async function followSources(
  { config, nodeName, clock, log, manager }: StaticPodsOptions,
  mirrors: MirrorPods,
  signal: AbortSignal,
): Promise<void> {
  const { staticPodPath: path, staticPodURL: url, staticPodURLHeader: headers, fileCheckMs, httpCheckMs } = config;
  const known = new Map<string, readonly Pod[]>();
  const sources = (path ? 1 : 0) + (url ? 1 : 0);
  const onPods = (source: string) => (pods: readonly Pod[]) => {
    known.set(source, pods);
    mirrors.set([...known.values()].flat());
    manager().setStaticPods(source, pods);
    manager().expectSources(known.size === sources);
  };
  manager().expectSources(sources === 0);
  const common = { nodeName, clock, log };
  await Promise.all([
    path
      ? import('./file-source.ts').then(({ followFiles }) =>
          followFiles({ ...common, path, periodMs: fileCheckMs, onPods: onPods('file') }, signal),
        )
      : undefined,
    url
      ? import('./url-source.ts').then(({ followUrl }) =>
          followUrl({ ...common, url, headers, periodMs: httpCheckMs, onPods: onPods('http') }, signal),
        )
      : undefined,
  ]);
}
