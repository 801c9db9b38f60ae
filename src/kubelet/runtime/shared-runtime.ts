// A runtime that others use as well: another cluster, another kubelet, somebody with crictl. What this node makes carries its
// mark, and nothing else is seen, so that nothing else can be taken for a pod nobody wants any more.
import type { ContainerRuntime, ContainerSummary, ImageInfo } from './runtime.ts';

/** On sandboxes and containers. */
export const ownerLabel = 'io.coracle.node';

/** @param owner of this node alone, and the same after a restart */
export function shareRuntime<Runtime extends ContainerRuntime>(runtime: Runtime, owner: string): Runtime {
  const isOurs = (each: { readonly labels: Readonly<Record<string, string>> }) => each.labels[ownerLabel] === owner;
  const marked = <T extends { labels: Record<string, string> }>(config: T): T => ({
    ...config,
    labels: { ...config.labels, [ownerLabel]: owner },
  });
  const shared: Pick<
    ContainerRuntime,
    | 'runSandbox'
    | 'sandboxStatus'
    | 'listSandboxes'
    | 'createContainer'
    | 'containerStatus'
    | 'listContainers'
    | 'containerUsage'
    | 'listImages'
  > = {
    runSandbox: (config, handler) => runtime.runSandbox(marked(config), handler),
    async sandboxStatus(id) {
      const status = await runtime.sandboxStatus(id);
      return status && isOurs(status) ? status : undefined;
    },
    listSandboxes: async () => (await runtime.listSandboxes()).filter(isOurs),
    createContainer: (id, config, sandbox) => runtime.createContainer(id, marked(config), marked(sandbox)),
    async containerStatus(id) {
      const status = await runtime.containerStatus(id);
      return status && isOurs(status) ? status : undefined;
    },
    listContainers: async () => (await runtime.listContainers()).filter(isOurs),
    containerUsage: async () => (await runtime.containerUsage()).filter(isOurs),
    async listImages() {
      const [images, containers] = await Promise.all([runtime.listImages(), runtime.listContainers()]);
      return keepInUse(
        images,
        containers.filter((each) => !isOurs(each)),
      );
    },
  };
  return { ...runtime, ...shared };
}

/** Images that containers of others are made of are not ours to collect; containerd would remove them all the same. */
function keepInUse(images: readonly ImageInfo[], containers: readonly ContainerSummary[]): ImageInfo[] {
  const inUse = new Set(containers.flatMap(({ imageNames = [] }) => imageNames));
  return images.map((image) => {
    const names = [image.id, ...image.repoTags, ...image.repoDigests];
    return names.some((name) => inUse.has(name)) ? { ...image, pinned: true } : image;
  });
}
