// Command line of the driver; the flags of upstream's host path driver where it has them.
import { parseArgs } from 'node:util';

export interface DriverOptions {
  readonly name: string;
  /** Socket. */
  readonly endpoint: string;
  readonly nodeId: string;
  readonly stateDir: string;
  /** Where /var/lib/kubelet of its calls is; for a driver that is no pod. */
  readonly kubeletDir: string;
  /** Socket in the agent's registry; '' where a registrar announces it. */
  readonly registration: string;
  readonly maxVolumes: number;
  /** Has a step before publishing. */
  readonly stages: boolean;
  /** Sees to attaching. */
  readonly attaches: boolean;
  /** Bytes that there are. */
  readonly capacity: number;
}

export function driverOptions(args: readonly string[]): DriverOptions {
  const { values } = parseArgs({
    args: [...args],
    strict: false, // flags of upstream's driver that change nothing here
    options: {
      drivername: { type: 'string', default: 'hostpath.csi.k8s.io' },
      endpoint: { type: 'string', default: 'unix:///csi/csi.sock' },
      nodeid: { type: 'string', default: '' },
      statedir: { type: 'string', default: '/csi-data-dir' },
      'kubelet-dir': { type: 'string', default: '/var/lib/kubelet' },
      registration: { type: 'string', default: '' },
      'max-volumes-per-node': { type: 'string', default: '0' },
      stages: { type: 'string', default: 'true' },
      'enable-attach': { type: 'string', default: 'true' },
      capacity: { type: 'string', default: String(2 ** 40) },
    },
  });
  const text = (name: keyof typeof values): string => String(values[name] ?? '');
  return {
    name: text('drivername'),
    endpoint: text('endpoint').replace(/^unix:(\/\/)?/, ''),
    nodeId: text('nodeid'),
    stateDir: text('statedir'),
    kubeletDir: text('kubelet-dir'),
    registration: text('registration'),
    maxVolumes: Number(text('max-volumes-per-node')),
    stages: text('stages') !== 'false',
    attaches: text('enable-attach') !== 'false',
    capacity: Number(text('capacity')),
  };
}

/** Nodes may not label themselves with names of `k8s.io`. */
export const topologyKey = ({ name }: DriverOptions): string => `topology.${name.replace(/\.k8s\.io$/, '')}/node`;
