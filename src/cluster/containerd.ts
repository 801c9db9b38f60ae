import { join } from 'node:path';
import type { ContainerdOptions } from '../kubelet/runtime/containerd-daemon.ts';
import type { Layout } from './layout.ts';
import type { Programs } from './preflight.ts';

/** The image that holds a pod's namespaces open. */
export const sandboxImage = 'registry.k8s.io/pause:3.10';

export function containerdOptions(layout: Layout, programs: Programs): ContainerdOptions {
  return {
    dataDir: layout.containerd,
    sandboxImage,
    cniBinDir: programs.cniPlugins,
    cniConfDir: join(layout.node, 'cni'),
    binary: programs.containerd,
    registryConfigDir: join(layout.containerd, 'certs.d'),
  };
}
