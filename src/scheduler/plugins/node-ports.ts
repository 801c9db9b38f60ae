import { accepted, type Filter, refused } from '../plugin.ts';
import { type HostPort, portsClash } from '../pod-view.ts';

const no = refused("node(s) didn't have free ports for the requested pod ports");

/** Host ports the pod wants must be free on the node. */
export const nodePorts: Filter = {
  name: 'NodePorts',
  keeps: 'room',
  wokenBy: ['node-added', 'pod-gone'],
  helps: ({ hostPorts }, { type, pod }) => type !== 'pod-gone' || !pod || clash(pod.hostPorts, hostPorts),
  prepare({ hostPorts }) {
    if (hostPorts.length === 0) return undefined;
    return (node) => (clash(node.hostPorts, hostPorts) ? no : accepted);
  },
};

const clash = (taken: readonly HostPort[], wanted: readonly HostPort[]) =>
  taken.some((one) => wanted.some((other) => portsClash(one, other)));
