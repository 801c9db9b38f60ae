// `Impersonate-…` headers: who the caller wants to be, and whether they may. Each name, group and extra needs a right of its own.
import { badRequest } from '../../api/meta/status-error.ts';
import type { AuthorizationAttributes, Authorizer } from '../authz/authorizer.ts';
import { forbiddenAccess } from '../authz/forbidden.ts';
import type { UserInfo } from './authenticator.ts';
import { groups, serviceAccountGroups, splitServiceAccount } from './users.ts';

type Headers = Readonly<Record<string, string | readonly string[] | undefined>>;

const extraPrefix = 'impersonate-extra-';

/**
 * The user to go on as: the caller, or whom they impersonate. `rawHeaders`: names and values in turn, as Node gives them,
 * because group names may hold commas.
 * @throws BadRequest, Forbidden
 */
export async function impersonate(
  caller: UserInfo,
  rawHeaders: readonly string[],
  authorizer: Authorizer,
): Promise<UserInfo> {
  const wanted = readWanted(rawHeaders);
  if (!wanted) return caller;
  if (!wanted.username) {
    const list = (values: readonly string[]) => `[]string{${values.map((value) => JSON.stringify(value)).join(', ')}}`;
    const extra = Object.entries(wanted.extra).map(([key, values]) => `${JSON.stringify(key)}:${list(values)}`);
    const printed = `&user.DefaultInfo{Name:"", UID:${JSON.stringify(wanted.uid)}, Groups:${wanted.groups.length ? list(wanted.groups) : '[]string(nil)'}, Extra:map[string][]string${extra.length ? `{${extra.join(', ')}}` : '(nil)'}}`;
    throw badRequest(`requested ${printed} without impersonating a user name`);
  }
  for (const attributes of rightsNeeded(caller, wanted)) {
    const { verdict, reason } = await authorizer.authorize(attributes);
    if (verdict !== 'allow') throw forbiddenAccess(attributes, reason);
  }
  return become(wanted);
}

interface Wanted {
  username: string;
  uid: string;
  readonly groups: string[];
  readonly extra: Record<string, string[]>;
}

function readWanted(rawHeaders: readonly string[]): Wanted | undefined {
  const wanted: Wanted = { username: '', uid: '', groups: [], extra: Object.create(null) };
  let isWanted = false;
  for (let index = 0; index + 1 < rawHeaders.length; index += 2) {
    const name = rawHeaders[index]!.toLowerCase();
    if (!name.startsWith('impersonate-')) continue;
    isWanted = true;
    const value = rawHeaders[index + 1]!;
    if (name === 'impersonate-user') wanted.username ||= value;
    else if (name === 'impersonate-uid') wanted.uid ||= value;
    else if (name === 'impersonate-group') wanted.groups.push(value);
    else if (name.startsWith(extraPrefix)) {
      const key = decodeKey(name.slice(extraPrefix.length));
      wanted.extra[key] = [...(wanted.extra[key] ?? []), value];
    }
  }
  return isWanted ? wanted : undefined;
}

function decodeKey(text: string): string {
  try {
    return decodeURIComponent(text).toLowerCase();
  } catch {
    return text; // as upstream: what cannot be unescaped is taken as it is
  }
}

function* rightsNeeded(user: UserInfo, wanted: Wanted): Generator<AuthorizationAttributes> {
  const core = (resource: string, name: string, namespace = '') => right(user, '', 'v1', resource, name, { namespace });
  const identity = (resource: string, name: string, subresource = '') =>
    right(user, 'authentication.k8s.io', 'v1', resource, name, { subresource });
  const account = splitServiceAccount(wanted.username);
  yield account ? core('serviceaccounts', account.name, account.namespace) : core('users', wanted.username);
  for (const group of wanted.groups) yield core('groups', group);
  if (wanted.uid) yield identity('uids', wanted.uid);
  for (const [key, values] of Object.entries(wanted.extra)) {
    for (const value of values) yield identity('userextras', value, key);
  }
}

function right(
  user: UserInfo,
  group: string,
  version: string,
  resource: string,
  name: string,
  { namespace = '', subresource = '' },
): AuthorizationAttributes {
  return {
    user,
    verb: 'impersonate',
    isResource: true,
    group,
    version,
    resource,
    subresource,
    namespace,
    name,
    path: '',
  };
}

function become(wanted: Wanted): UserInfo {
  const account = splitServiceAccount(wanted.username);
  const asked = wanted.groups.length === 0 && account ? serviceAccountGroups(account.namespace) : wanted.groups;
  const isAnonymous = wanted.username === 'system:anonymous';
  const everybody = isAnonymous ? groups.unauthenticated : groups.authenticated;
  const hasOne = asked.includes(groups.authenticated) || asked.includes(groups.unauthenticated);
  return {
    username: wanted.username,
    groups: hasOne ? asked : [...asked, everybody],
    ...(wanted.uid ? { uid: wanted.uid } : {}),
    ...(Object.keys(wanted.extra).length > 0 ? { extra: wanted.extra } : {}),
  };
}

/** For transports that keep headers joined: names and values in turn. */
export function rawFromHeaders(headers: Headers): string[] {
  return Object.entries(headers).flatMap(([name, value]) => {
    if (value === undefined) return [];
    return typeof value === 'string' ? [name, value] : value.flatMap((each) => [name, each]);
  });
}
