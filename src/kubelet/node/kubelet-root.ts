// Plugins look for the node agent in /var/lib/kubelet, and their manifests mount folders of it. Each node has a folder of its own
// instead, so that several fit on one machine: what a pod mounts below /var/lib/kubelet is that folder, and paths in calls
// to and from plugins are told as the plugin sees them.
import { join, relative } from 'node:path';

export const kubeletRoot = '/var/lib/kubelet';

/** Where a path below /var/lib/kubelet is on this machine; other paths stay as they are. */
export function onMachine(path: string, nodeDir: string): string {
  return isBelow(path, kubeletRoot) ? join(nodeDir, relative(kubeletRoot, path)) : path;
}

/** What a plugin calls a path of the node's folder; other paths stay as they are. */
export function asPluginSees(path: string, nodeDir: string): string {
  return isBelow(path, nodeDir) ? join(kubeletRoot, relative(nodeDir, path)) : path;
}

function isBelow(path: string, root: string): boolean {
  return path === root || (path.startsWith(`${root}/`) && !path.split('/').includes('..'));
}
