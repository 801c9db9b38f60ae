import { accepted, type Filter, refused } from '../plugin.ts';
import { portsClash } from '../pod-view.ts';

/** Host ports the pod wants must be free on the node. */
export const nodePorts: Filter = {
  name: 'NodePorts',
  wokenBy: ['node-added', 'pod-gone'],
  prepare(pod) {
    if (pod.hostPorts.length === 0) return undefined;
    return (node) => {
      for (const other of node.pods.values()) {
        const clashes = other.hostPorts.some((taken) => pod.hostPorts.some((wanted) => portsClash(wanted, taken)));
        if (clashes) return refused("node(s) didn't have free ports for the requested pod ports");
      }
      return accepted;
    };
  },
};
