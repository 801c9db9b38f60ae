import { dirname, join } from 'node:path';
import type { ContainerdOptions } from '../../kubelet/runtime/containerd-daemon.ts';
import type { Programs } from '../preflight.ts';
import type { NodePlan } from './node-plan.ts';

/** The image that holds a pod's namespaces open. */
export const sandboxImage = 'registry.k8s.io/pause:3.10';

type Places = Pick<NodePlan, 'folder' | 'containerd' | 'namespace'>;

export function containerdOptions({ folder, containerd, namespace }: Places, programs: Programs): ContainerdOptions {
  return {
    dataDir: containerd,
    sandboxImage,
    cniBinDir: programs.cniPlugins,
    cniConfDir: join(folder, 'cni'),
    binary: programs.containerd,
    registryConfigDir: join(containerd, 'certs.d'),
    // The cluster's folder, and for a further node its own below it.
    passage: namespace ? [dirname(containerd), dirname(dirname(containerd))] : [dirname(containerd)],
    ...(namespace ? { networkNamespace: namespace } : {}),
  };
}
