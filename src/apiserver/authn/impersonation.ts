// `Impersonate-…` headers: who the caller wants to be, and whether they may. Each name, group and extra needs a right of its own.
import { badRequest } from '../../api/meta/status-error.ts';
import type { AuthorizationAttributes, Authorizer } from '../authz/authorizer.ts';
import { chooseMode, type Impersonated, type Wanted } from './impersonation-modes.ts';

type Headers = Readonly<Record<string, string | readonly string[] | undefined>>;

const extraPrefix = 'impersonate-extra-';

/**
 * The user to go on as: who makes the `request`, or whom they impersonate. `rawHeaders`: names and values in turn, as Node gives them,
 * because group names may hold commas.
 * @throws BadRequest, Forbidden
 */
export async function impersonate(
  request: AuthorizationAttributes,
  rawHeaders: readonly string[],
  authorizer: Authorizer,
): Promise<Impersonated> {
  const wanted = readWanted(rawHeaders);
  if (!wanted) return { user: request.user, constraint: '' };
  if (!wanted.username) {
    const list = (values: readonly string[]) => `[]string{${values.map((value) => JSON.stringify(value)).join(', ')}}`;
    const extra = Object.entries(wanted.extra).map(([key, values]) => `${JSON.stringify(key)}:${list(values)}`);
    const printed = `&user.DefaultInfo{Name:"", UID:${JSON.stringify(wanted.uid)}, Groups:${wanted.groups.length ? list(wanted.groups) : '[]string(nil)'}, Extra:map[string][]string${extra.length ? `{${extra.join(', ')}}` : '(nil)'}}`;
    throw badRequest(`requested ${printed} without impersonating a user name`);
  }
  return chooseMode(wanted, request, authorizer);
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

/** For transports that keep headers joined: names and values in turn. */
export function rawFromHeaders(headers: Headers): string[] {
  return Object.entries(headers).flatMap(([name, value]) => {
    if (value === undefined) return [];
    return typeof value === 'string' ? [name, value] : value.flatMap((each) => [name, each]);
  });
}
