import { accepted, type Filter, refused } from '../plugin.ts';
import { portsClash } from '../pod-view.ts';

const no = refused("node(s) didn't have free ports for the requested pod ports");

/** Host ports the pod wants must be free on the node. */
export const nodePorts: Filter = {
  name: 'NodePorts',
  keeps: 'room',
  wokenBy: ['node-added', 'pod-gone'],
  prepare({ hostPorts }) {
    if (hostPorts.length === 0) return undefined;
    return (node) =>
      node.hostPorts.some((taken) => hostPorts.some((wanted) => portsClash(wanted, taken))) ? no : accepted;
  },
};
