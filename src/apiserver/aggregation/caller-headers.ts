// Who asked, told to a server behind us in the headers that it believes because of our certificate.
import type { UserInfo } from '../authn/authenticator.ts';

export type CallerHeaders = Record<string, string | string[]>;

const legal = /[A-Za-z0-9!#$&'*+\-.^_`|~]/;

/** Bytes that a header's name cannot have are written as percent signs and numbers. */
function escapeKey(key: string): string {
  let escaped = '';
  for (const byte of Buffer.from(key)) {
    const char = String.fromCharCode(byte);
    escaped += legal.test(char) ? char : `%${byte.toString(16).toUpperCase().padStart(2, '0')}`;
  }
  return escaped;
}

/** Header values are bytes: UTF-8, as Go writes them. */
const bytes = (text: string) => Buffer.from(text).toString('latin1');

export function callerHeaders({ username, uid, groups, extra = {} }: UserInfo): CallerHeaders {
  const headers: CallerHeaders = { 'X-Remote-User': bytes(username) };
  if (uid) headers['X-Remote-Uid'] = bytes(uid);
  if (groups.length > 0) headers['X-Remote-Group'] = groups.map(bytes);
  for (const [key, values] of Object.entries(extra)) headers[`X-Remote-Extra-${escapeKey(key)}`] = values.map(bytes);
  return headers;
}
