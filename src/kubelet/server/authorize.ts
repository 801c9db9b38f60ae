// What a caller may do to the node: masters and the API server all, others what a SubjectAccessReview allows.
import { subjectAccessReviewKind } from '../../../generated/kinds.ts';
import type { Clock } from '../../base/clock.ts';
import type { Client } from '../../client/client.ts';
import { AnswerCache } from './answer-cache.ts';
import type { NodeCaller } from './authenticate.ts';

export interface NodeAttributes {
  readonly user: NodeCaller;
  /** `get`, `create`, …; `create` for what runs something in a container, whatever the method. */
  readonly verb: string;
  /** Of `nodes`: `proxy`, `stats`, `metrics`, `log`, … */
  readonly subresource: string;
  readonly path: string;
}

/** Whether this caller may do this to the node. @throws when that can not be found out */
export type NodeAuthorize = (attributes: NodeAttributes) => boolean | Promise<boolean>;

/** The names that API servers use towards nodes. */
const apiServerNames: ReadonlySet<string> = new Set([
  'kube-apiserver-kubelet-client',
  'system:kube-apiserver',
  'kube-apiserver',
]);

/** Upstream's defaults. */
const allowedMs = 300_000;
const deniedMs = 30_000;

export const authorizeApiServer: NodeAuthorize = ({ user }) =>
  user.groups.includes('system:masters') || apiServerNames.has(user.username);

export function createAuthorization(client: Client, clock: Clock, nodeName: string): NodeAuthorize {
  const answers = new AnswerCache<boolean>(clock);
  return (attributes) => {
    if (authorizeApiServer(attributes)) return true;
    const { user, verb, subresource } = attributes;
    const key = JSON.stringify([user.username, user.uid, user.groups, user.extra, verb, subresource]);
    return answers.get(
      key,
      (isAllowed) => (isAllowed ? allowedMs : deniedMs),
      () => review(client, nodeName, attributes),
    );
  };
}

async function review(client: Client, nodeName: string, { user, verb, subresource }: NodeAttributes): Promise<boolean> {
  const { status } = await client.resource(subjectAccessReviewKind).create({
    metadata: { name: '' },
    spec: {
      user: user.username,
      groups: [...user.groups],
      ...(user.uid ? { uid: user.uid } : {}),
      ...(user.extra
        ? { extra: Object.fromEntries(Object.entries(user.extra).map(([key, values]) => [key, [...values]])) }
        : {}),
      resourceAttributes: { verb, version: 'v1', resource: 'nodes', subresource, name: nodeName },
    },
  });
  return status?.allowed === true && status.denied !== true;
}

/** The subresources of which one must be allowed, by the path: the narrow one, then the one that covers all. */
export function subresourcesOf(path: string): readonly string[] {
  const isBelow = (root: string): boolean => path === root || path.startsWith(`${root}/`);
  const fine = (
    [
      ['/pods', 'pods'],
      ['/healthz', 'healthz'],
      ['/configz', 'configz'],
      ['/runningpods', 'pods'],
    ] as const
  )
    .filter(([root]) => isBelow(root))
    .map(([, subresource]) => subresource);
  const wide = [
    ['/stats', 'stats'],
    ['/metrics', 'metrics'],
    ['/logs', 'log'],
    ['/checkpoint', 'checkpoint'],
    ['/statusz', 'statusz'],
    ['/flagz', 'configz'],
  ].find(([root]) => isBelow(root!))?.[1];
  return [...fine, wide ?? 'proxy'];
}

const methods: Readonly<Record<string, string>> = {
  POST: 'create',
  GET: 'get',
  HEAD: 'get',
  PUT: 'update',
  PATCH: 'patch',
  DELETE: 'delete',
};

/** A WebSocket begins with GET, but what it does to a container is no reading. */
export function verbOf(method: string, path: string): string {
  return /^\/(exec|attach|run|portForward)\//.test(path) ? 'create' : (methods[method] ?? method.toLowerCase());
}
