// Where a node's agent listens, and who we are to it.
import type { Node } from '../../../generated/core-v1.ts';
import { nodeKind } from '../../../generated/kinds.ts';
import { internalError, notFound, serviceUnavailable } from '../../api/meta/status-error.ts';
import type { ObjectReader } from '../registry/object-reader.ts';
import type { Backend } from './backend.ts';

/** Our client certificate towards node agents, and the CA that signed theirs. PEM. */
export interface KubeletIdentity {
  readonly cert: string;
  readonly key: string;
  readonly ca: string;
}

const defaultPort = 10250;
/** Addresses before names: nobody but the node has said that its name can be looked up. */
const preferred = ['InternalIP', 'ExternalIP', 'InternalDNS', 'Hostname', 'ExternalDNS'];

/**
 * `asked` is the resource of the request: upstream says that one of those is not found, not that the node is gone.
 * @throws NotFound, InternalError, ServiceUnavailable for a simulated node
 */
export function kubeletBackend(
  objects: ObjectReader,
  identity: KubeletIdentity,
  nodeName: string,
  path: string,
  asked = 'nodes',
): Backend {
  const node = objects.find(nodeKind, '', nodeName);
  if (!node) throw notFound({ group: '', name: asked }, nodeName);
  // Its address is this machine's, where another cluster's agent may listen.
  if (node.status?.nodeInfo?.containerRuntimeVersion.startsWith('simulated://'))
    throw serviceUnavailable(`node "${nodeName}" is simulated: no container runs there`);
  const host = addressOf(node);
  if (!host) throw internalError(`no preferred addresses found; known addresses: []`);
  const port = node.status?.daemonEndpoints?.kubeletEndpoint?.Port || defaultPort;
  return { host, port, path, tls: { ...identity, names: [host, nodeName] } };
}

function addressOf({ status }: Node): string | undefined {
  for (const type of preferred) {
    const found = status?.addresses?.find((address) => address.type === type)?.address;
    if (found) return found;
  }
  return undefined;
}
