// Addresses of the web, read as Go reads them: leniently, and nothing is made canonical.
import { CelError } from '../errors.ts';
import type { Library } from '../overloads.ts';
import { ArrayList, CelOpaque, type CelValue, EntryMap, type Outcome } from '../value-types.ts';

interface Parts {
  readonly scheme: string;
  readonly host: string;
  readonly path: string;
  readonly query: string;
}

class CelUrl extends CelOpaque {
  readonly typeName = 'kubernetes.URL';
  readonly text: string;
  readonly parts: Parts;
  constructor(text: string, parts: Parts) {
    super();
    this.text = text;
    this.parts = parts;
  }
  equals(other: CelValue): boolean {
    return other instanceof CelUrl && other.text === this.text;
  }
}

class UrlProblem extends Error {}
const fail = (message: string): never => {
  throw new UrlProblem(message);
};

// biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is refused
const control = /[\x00-\x1f\x7f]/;

function checkEscapes(text: string): void {
  const bad = /%(?![0-9a-fA-F]{2}).{0,2}/u.exec(text);
  if (bad) fail(`invalid URL escape ${JSON.stringify(bad[0])}`);
}

function hostOf(authority: string): string {
  const at = authority.lastIndexOf('@');
  const host = authority.slice(at + 1);
  const isV6 = host.startsWith('[');
  if (isV6 && !host.includes(']')) fail("missing ']' in host");
  const port = isV6
    ? host.slice(host.lastIndexOf(']') + 1)
    : host.slice(host.indexOf(':') < 0 ? host.length : host.lastIndexOf(':'));
  if (port !== '' && !/^:\d*$/.test(port)) fail(`invalid port ${JSON.stringify(port)} after host`);
  if (!isV6) {
    checkEscapes(host);
    const bad = /[ <>"^`{}|\\]/.exec(host);
    if (bad) fail(`invalid character ${JSON.stringify(bad[0])} in host name`);
  }
  return host;
}

function parse(text: string): Parts {
  if (text === '') fail('empty url');
  if (control.test(text)) fail('net/url: invalid control character in URL');
  const withoutFragment = text.split('#', 1)[0]!;
  const scheme = /^([a-zA-Z][a-zA-Z0-9+.-]*):/.exec(text)?.[1] ?? '';
  if (scheme === '' && /^[^/?#]*:/.test(text) && !text.startsWith('/')) {
    fail(text.startsWith(':') ? 'missing protocol scheme' : 'first path segment in URL cannot contain colon');
  }
  let rest = withoutFragment.slice(scheme ? scheme.length + 1 : 0);
  if (!rest.startsWith('/') && (scheme === '' || rest === '')) fail('invalid URI for request');
  const question = rest.indexOf('?');
  const query = question < 0 ? '' : rest.slice(question + 1);
  if (question >= 0) rest = rest.slice(0, question);
  if (!rest.startsWith('/')) return { scheme: scheme.toLowerCase(), host: '', path: '', query };
  const authority = scheme !== '' && rest.startsWith('//') ? /^\/\/([^/]*)/.exec(rest)![1]! : undefined;
  const path = authority === undefined ? rest : rest.slice(2 + authority.length);
  checkEscapes(path);
  return { scheme: scheme.toLowerCase(), host: authority === undefined ? '' : hostOf(authority), path, query };
}

function url(text: string): Outcome {
  try {
    return new CelUrl(text, parse(text));
  } catch (error) {
    if (!(error instanceof UrlProblem)) throw error;
    return new CelError(
      `URL parse error during conversion from string: parse ${JSON.stringify(text)}: ${error.message}`,
    );
  }
}

/** Why a text is no absolute URL or path; undefined: it is one. */
export function urlProblem(text: string): string | undefined {
  const parsed = url(text);
  return parsed instanceof CelError
    ? parsed.message.replace(/^URL parse error during conversion from string: /, '')
    : undefined;
}

const port = (host: string) => /:(\d*)$/.exec(host.replace(/^\[.*\]/, ''))?.[1] ?? '';
const hostname = (host: string) =>
  host.startsWith('[') ? host.slice(1, host.lastIndexOf(']')) : host.replace(/:\d*$/, '');
const escapedPath = (path: string) =>
  path.replace(/[^A-Za-z0-9\-._~!$&'()*+,;=:@/%[\]]/gu, (char) =>
    [...Buffer.from(char)].map((byte) => `%${byte.toString(16).toUpperCase().padStart(2, '0')}`).join(''),
  );

function decoded(text: string): string | undefined {
  try {
    return decodeURIComponent(text.replaceAll('+', ' '));
  } catch {
    return undefined;
  }
}

function query(text: string): EntryMap {
  const values = new Map<string, string[]>();
  for (const pair of text.split('&')) {
    if (pair === '' || pair.includes(';')) continue;
    const equals = pair.indexOf('=');
    const key = decoded(equals < 0 ? pair : pair.slice(0, equals));
    const value = decoded(equals < 0 ? '' : pair.slice(equals + 1));
    if (key === undefined || value === undefined) continue;
    const all = values.get(key) ?? [];
    all.push(value);
    values.set(key, all);
  }
  return EntryMap.of([...values].map(([key, all]) => [key, new ArrayList(all)]));
}

const part = (pick: (parts: Parts) => CelValue) => (value: CelUrl) => pick(value.parts);

export const urls: Library = {
  url: { overloads: { string_to_url: ['(string) -> kubernetes.URL', url] } },
  isURL: { overloads: { is_url_string: ['(string) -> bool', (text: string) => !(url(text) instanceof CelError)] } },
  getScheme: { overloads: { url_get_scheme: ['kubernetes.URL.() -> string', part(({ scheme }) => scheme)] } },
  getHost: { overloads: { url_get_host: ['kubernetes.URL.() -> string', part(({ host }) => host)] } },
  getHostname: { overloads: { url_get_hostname: ['kubernetes.URL.() -> string', part(({ host }) => hostname(host))] } },
  getPort: { overloads: { url_get_port: ['kubernetes.URL.() -> string', part(({ host }) => port(host))] } },
  getEscapedPath: {
    overloads: { url_get_escaped_path: ['kubernetes.URL.() -> string', part(({ path }) => escapedPath(path))] },
  },
  getQuery: {
    overloads: {
      url_get_query: ['kubernetes.URL.() -> map(string, list(string))', part(({ query: text }) => query(text))],
    },
  },
};
