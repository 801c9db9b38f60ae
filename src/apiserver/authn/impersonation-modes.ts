// Constrained impersonation: rights to act as one kind of user, and only for some requests. Each mode that fits whom the
// caller wants to be is tried, the narrowest first, and the old right `impersonate` last.
import { dns1123SubdomainProblems } from '../../api/meta/names.ts';
import type { AuthorizationAttributes, Authorizer } from '../authz/authorizer.ts';
import { forbiddenAccess } from '../authz/forbidden.ts';
import type { UserInfo } from './authenticator.ts';
import { groups, serviceAccountGroups, splitServiceAccount } from './users.ts';

/** Whom the caller wants to be, as the headers say. */
export interface Wanted {
  username: string;
  uid: string;
  readonly groups: string[];
  readonly extra: Record<string, string[]>;
}

export interface Impersonated {
  readonly user: UserInfo;
  /** The verb that allowed it, for the audit log; '' for the old right. */
  readonly constraint: string;
}

type Mode = 'associated-node' | 'arbitrary-node' | 'serviceaccount' | 'user-info';

const nodePrefix = 'system:node:';
const credentialNode = 'authentication.kubernetes.io/node-name';
/** From so many on, one question for all is asked before the many. */
const many = 4;

/** Undefined: no name that a node can have. */
function nodeOf(username: string): string | undefined {
  if (!username.startsWith(nodePrefix)) return undefined;
  const name = username.slice(nodePrefix.length);
  return dns1123SubdomainProblems(name).length === 0 ? name : undefined;
}

/** `request`: what the caller is about to do. @throws Forbidden of the first mode that was tried */
export async function chooseMode(
  wanted: Wanted,
  request: AuthorizationAttributes,
  authorizer: Authorizer,
): Promise<Impersonated> {
  let first: unknown;
  for (const mode of modesFor(wanted, request.user)) {
    try {
      return await tryMode(mode, wanted, request, authorizer);
    } catch (error) {
      first ??= error;
    }
  }
  try {
    for (const asked of legacyRights(request.user, wanted)) await check(asked, authorizer);
    return { user: become(wanted, wanted.groups), constraint: '' };
  } catch (error) {
    throw first ?? error;
  }
}

function modesFor({ username, uid, groups: asked, extra }: Wanted, caller: UserInfo): Mode[] {
  const isNameOnly = !uid && asked.length === 0 && Object.keys(extra).length === 0;
  const node = nodeOf(username);
  if (node !== undefined) {
    if (!isNameOnly) return [];
    const own = splitServiceAccount(caller.username) && caller.extra?.[credentialNode];
    return own?.length === 1 && own[0] === node ? ['associated-node', 'arbitrary-node'] : ['arbitrary-node'];
  }
  if (splitServiceAccount(username)) return isNameOnly ? ['serviceaccount'] : [];
  return ['user-info'];
}

async function tryMode(
  mode: Mode,
  wanted: Wanted,
  request: AuthorizationAttributes,
  authorizer: Authorizer,
): Promise<Impersonated> {
  const isOwn = mode === 'associated-node';
  // Which node it is does not matter to this right, so the authorizer is not told.
  const user = isOwn ? withoutExtra(request.user) : request.user;
  await check({ ...request, user, verb: `impersonate-on:${mode}:${request.verb}` }, authorizer);
  const verb = `impersonate:${mode}`;
  const right = (resource: string, name: string, more: Partial<AuthorizationAttributes> = {}) =>
    rightTo(user, verb, identityGroup, resource, name, more);
  const { username, uid } = wanted;
  const node = nodeOf(username);
  const account = splitServiceAccount(username);
  if (node !== undefined) await check(right('nodes', isOwn ? '*' : node), authorizer);
  else if (account) await check(right('serviceaccounts', account.name, { namespace: account.namespace }), authorizer);
  else await check(right('users', username), authorizer);
  if (uid) await check(right('uids', uid), authorizer);
  await checkGroups(wanted.groups, right, authorizer);
  await checkExtra(wanted.extra, right, authorizer);
  return { user: become(wanted, node === undefined ? wanted.groups : [groups.nodes]), constraint: verb };
}

type Right = (resource: string, name: string, more?: Partial<AuthorizationAttributes>) => AuthorizationAttributes;

async function checkGroups(asked: readonly string[], right: Right, authorizer: Authorizer): Promise<void> {
  if (asked.includes(''))
    throw forbiddenAccess(right('groups', ''), 'impersonating the empty string group is not allowed');
  if (asked.includes(groups.masters)) {
    throw forbiddenAccess(right('groups', groups.masters), 'impersonating the system:masters group is not allowed');
  }
  if (asked.length >= many && (await isAllowed(right('groups', '*'), authorizer))) return;
  for (const group of asked) await check(right('groups', group), authorizer);
}

async function checkExtra(
  extra: Readonly<Record<string, readonly string[]>>,
  right: Right,
  authorizer: Authorizer,
): Promise<void> {
  const problem = extraProblem(extra);
  if (problem) throw forbiddenAccess(right('userextras', ''), problem);
  const all = Object.entries(extra).flatMap(([key, values]) => values.map((value) => [key, value] as const));
  if (all.length >= many && (await isAllowed(right('userextras', '*', { subresource: '*' }), authorizer))) return;
  for (const [key, value] of all) await check(right('userextras', value, { subresource: key }), authorizer);
}

function extraProblem(extra: Readonly<Record<string, readonly string[]>>): string | undefined {
  for (const [key, values] of Object.entries(extra)) {
    if (!key) return 'impersonating the empty string key in extra is not allowed';
    const invalid = (text: string) => `impersonating an invalid key in extra is not allowed: extra.key: ${text}`;
    const shown = `Invalid value: ${JSON.stringify(key)}`;
    const [domain, path] = key.includes('/') ? [key.slice(0, key.indexOf('/')), key.slice(key.indexOf('/') + 1)] : [];
    if (!domain || !path) {
      return invalid(`${shown}: must be a domain-prefixed path (such as "acme.io/foo")`);
    }
    const [bad] = dns1123SubdomainProblems(domain);
    if (bad) return invalid(`Invalid value: ${JSON.stringify(domain)}: ${bad}`);
    if (values.includes('')) return 'impersonating the empty string value in extra is not allowed';
  }
  return undefined;
}

function* legacyRights(user: UserInfo, wanted: Wanted): Generator<AuthorizationAttributes> {
  const core = (resource: string, name: string, namespace = '') =>
    rightTo(user, 'impersonate', '', resource, name, { namespace });
  const identity = (resource: string, name: string, subresource = '') =>
    rightTo(user, 'impersonate', identityGroup, resource, name, { subresource });
  const account = splitServiceAccount(wanted.username);
  yield account ? core('serviceaccounts', account.name, account.namespace) : core('users', wanted.username);
  if (wanted.uid) yield identity('uids', wanted.uid);
  for (const group of wanted.groups) yield core('groups', group);
  for (const [key, values] of Object.entries(wanted.extra)) {
    for (const value of values) yield identity('userextras', value, key);
  }
}

const identityGroup = 'authentication.k8s.io';

function rightTo(
  user: UserInfo,
  verb: string,
  group: string,
  resource: string,
  name: string,
  more: Partial<AuthorizationAttributes>,
): AuthorizationAttributes {
  const nothing = { subresource: '', namespace: '', path: '' };
  return { ...nothing, user, verb, isResource: true, group, version: 'v1', resource, name, ...more };
}

/** The names of what is known of the caller stay: they tell what its token is bound to. */
function withoutExtra(user: UserInfo): UserInfo {
  const keys = Object.keys(user.extra ?? {}).sort();
  return { ...user, extra: { 'authentication.kubernetes.io/associated-node-keys': keys } };
}

async function isAllowed(asked: AuthorizationAttributes, authorizer: Authorizer): Promise<boolean> {
  return (await authorizer.authorize(asked)).verdict === 'allow';
}

async function check(asked: AuthorizationAttributes, authorizer: Authorizer): Promise<void> {
  const { verdict, reason } = await authorizer.authorize(asked);
  if (verdict !== 'allow') throw forbiddenAccess(asked, reason);
}

function become(wanted: Wanted, wantedGroups: readonly string[]): UserInfo {
  const account = splitServiceAccount(wanted.username);
  const asked = wantedGroups.length === 0 && account ? serviceAccountGroups(account.namespace) : wantedGroups;
  const isAnonymous = wanted.username === 'system:anonymous';
  const everybody = isAnonymous ? groups.unauthenticated : groups.authenticated;
  const hasOne = asked.includes(everybody) || asked.includes(groups.unauthenticated);
  return {
    username: wanted.username,
    groups: hasOne ? asked : [...asked, everybody],
    ...(wanted.uid ? { uid: wanted.uid } : {}),
    ...(Object.keys(wanted.extra).length > 0 ? { extra: wanted.extra } : {}),
  };
}
