// exec, attach and port-forward: the caller's upgraded connection is joined to one of its own to the node's agent.
import { badRequest } from '../../api/meta/status-error.ts';
import type { Authorizer } from '../authz/authorizer.ts';
import { forbiddenAccess } from '../authz/forbidden.ts';
import { forward } from './backend.ts';
import { admitConnection, attachFields, execFields, portForwardFields, portNumbers } from './connect-options.ts';
import type { SubresourceHandler, SubresourceRequest } from './handler.ts';
import { type KubeletIdentity, kubeletBackend } from './kubelet.ts';
import { containerOf, encodePath, nodeOf, podOf } from './pod-container.ts';

type Action = 'exec' | 'attach' | 'portforward';

export function podStreams(identity: KubeletIdentity, authorizer: Authorizer): SubresourceHandler[] {
  return (['exec', 'attach', 'portforward'] as const).map((action) => ({
    group: '',
    resource: 'pods',
    subresource: action,
    methods: ['GET', 'POST'],
    isLongRunning: true,
    async handle(request: SubresourceRequest) {
      const fields = optionsFields[action](request.query);
      await checkCreate(request, authorizer);
      await admitConnection(request, optionsKinds[action], fields);
      const pod = podOf(request);
      const target = action === 'portforward' ? [] : [containerOf(pod, request.query.get('container') ?? '')];
      const node = nodeOf(pod);
      if (!node) throw badRequest(`pod ${request.info.name} does not have a host assigned`);
      const path = encodePath(agentPaths[action], request.info.namespace, request.info.name, ...target);
      const query = action === 'portforward' ? ports(request.query) : streams(request.query, action);
      const url = query.size > 0 ? `${path}?${query}` : path;
      const backend = kubeletBackend(request.objects, identity, node, url, 'pods');
      if (!request.http.upgrade) throw badRequest('Upgrade request required');
      return forward(request.http, backend);
    },
  }));
}

const optionsKinds = { exec: 'PodExecOptions', attach: 'PodAttachOptions', portforward: 'PodPortForwardOptions' };
const optionsFields = { exec: execFields, attach: attachFields, portforward: portForwardFields };

const agentPaths: Record<Action, string> = { exec: 'exec', attach: 'attach', portforward: 'portForward' };

/** A WebSocket can only begin with GET; running a command is no reading all the same. */
async function checkCreate({ info, user, http }: SubresourceRequest, authorizer: Authorizer): Promise<void> {
  if (http.method !== 'GET') return;
  const attributes = { ...info, user, verb: 'create' };
  const { verdict, reason } = await authorizer.authorize(attributes);
  if (verdict !== 'allow') throw forbiddenAccess(attributes, reason);
}

function streams(query: URLSearchParams, action: Action): URLSearchParams {
  const result = new URLSearchParams();
  const names = { stdin: 'input', stdout: 'output', stderr: 'error', tty: 'tty' };
  for (const [name, agentName] of Object.entries(names)) {
    if (/^(?:1|true|True|TRUE|t|T)$/.test(query.get(name) ?? '')) result.set(agentName, '1');
  }
  if (action === 'exec') for (const part of query.getAll('command')) result.append('command', part);
  return result;
}

/** Only WebSocket clients say the ports here; SPDY clients say them stream by stream. */
function ports(query: URLSearchParams): URLSearchParams {
  const result = new URLSearchParams();
  for (const port of portNumbers(query)) result.append('port', String(port));
  return result;
}
