// Where volumes of CSI drivers are in a node's folder; the same places as upstream's below /var/lib/kubelet.
import { createHash } from 'node:crypto';
import { join } from 'node:path';

const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');

/** Handle of a volume that lives as long as its pod. */
export const inlineHandle = (podUid: string, volume: string): string => `csi-${sha256(`${podUid}${volume}`)}`;

/** File beside what was mounted, which tells what it is. */
export const volumeDataFile = 'vol_data.json';

export class CsiLayout {
  readonly nodeDir: string;

  constructor(nodeDir: string) {
    this.nodeDir = nodeDir;
  }

  /** Sockets of plugins that announce themselves. */
  get registry(): string {
    return join(this.nodeDir, 'plugins_registry');
  }

  get pods(): string {
    return join(this.nodeDir, 'pods');
  }

  /** Holds a folder for each driver, and `volumeDevices`. */
  get plugin(): string {
    return join(this.nodeDir, 'plugins/kubernetes.io/csi');
  }

  /** Holds `globalmount` and the data of a staged volume. */
  staged(driver: string, handle: string): string {
    return join(this.plugin, driver, sha256(handle));
  }

  globalMount(driver: string, handle: string): string {
    return join(this.staged(driver, handle), 'globalmount');
  }

  podVolumes(podUid: string): string {
    return join(this.pods, podUid, 'volumes/kubernetes.io~csi');
  }

  /** Holds `mount` and the data of a published volume. */
  podVolume(podUid: string, volume: string): string {
    return join(this.podVolumes(podUid), escaped(volume));
  }

  podDevices(podUid: string): string {
    return join(this.pods, podUid, 'volumeDevices/kubernetes.io~csi');
  }

  get devices(): string {
    return join(this.plugin, 'volumeDevices');
  }

  /** Holds `data` and `dev`. */
  device(volume: string): string {
    return join(this.devices, escaped(volume));
  }

  deviceStaging(volume: string): string {
    return join(this.devices, 'staging', escaped(volume));
  }

  devicePublish(volume: string): string {
    return join(this.devices, 'publish', escaped(volume));
  }
}

const escaped = (name: string): string => name.replaceAll('/', '~');
