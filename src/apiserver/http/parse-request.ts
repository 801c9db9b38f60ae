// Reads a URL once into a typed request. A path that is not in canonical form is refused, so that nothing later can
// read it differently from here.
import { badRequest } from '../../api/meta/status-error.ts';
import type { RequestInfo } from '../request-info.ts';
import { hasControl } from './control-characters.ts';

export interface ParsedRequest {
  readonly info: RequestInfo;
  readonly query: URLSearchParams;
  /** The path began with the old `/watch/` prefix. */
  readonly isWatchPath: boolean;
}

const maxUrlBytes = 16 * 1024;
const maxQueryParameters = 256;

const verbs: Record<string, string> = {
  GET: 'get',
  HEAD: 'get',
  POST: 'create',
  PUT: 'update',
  PATCH: 'patch',
  DELETE: 'delete',
};

/** Subresources of a namespace itself; anything else after its name is a resource in it. */
const namespaceSubresources = new Set(['status', 'finalize']);

function decodeSegment(segment: string): string {
  let text = segment;
  if (segment.includes('%')) {
    try {
      text = decodeURIComponent(segment);
    } catch {
      throw badRequest('the request path is not valid percent-encoded UTF-8');
    }
  }
  if (text === '.' || text === '..' || /[/\\%]/.test(text) || hasControl(text)) {
    throw badRequest('the request path is not in canonical form');
  }
  return text;
}

/** Segments of a path; a trailing slash leaves an empty last one. */
function split(path: string): string[] {
  if (!path.startsWith('/')) throw badRequest('the request path must start with a slash');
  return path.slice(1).split('/');
}

const nothing: Omit<RequestInfo, 'path' | 'verb'> = {
  isResource: false,
  group: '',
  version: '',
  namespace: '',
  resource: '',
  subresource: '',
  name: '',
  trailingPath: '',
};

/** @throws StatusError 400 for a URL that is too long or not canonical */
export function parseRequest(method: string, url: string): ParsedRequest {
  if (url.length > maxUrlBytes) throw badRequest(`the request URL must be at most ${maxUrlBytes} bytes`);
  const mark = url.indexOf('?');
  const path = mark < 0 ? url : url.slice(0, mark);
  const query = new URLSearchParams(mark < 0 ? '' : url.slice(mark + 1));
  if (query.size > maxQueryParameters) throw badRequest(`at most ${maxQueryParameters} query parameters are allowed`);
  if (path.includes('#')) throw badRequest('the request path is not in canonical form');
  const segments = split(path);
  const isCore = segments[0] === 'api';
  const resourceAt = isCore ? 2 : segments[0] === 'apis' ? 3 : 0;
  const isDiscovery = segments.length === resourceAt + 1 && segments[resourceAt] === '';
  if (resourceAt === 0 || segments.length <= resourceAt || isDiscovery) {
    checkPlain(segments);
    return { info: { ...nothing, path, verb: method.toLowerCase() }, query, isWatchPath: false };
  }
  return parseResource(method, path, segments, isCore, query);
}

/** Paths that are no resources. */
function checkPlain(segments: readonly string[]): void {
  for (const segment of segments) decodeSegment(segment);
}

function parseResource(
  method: string,
  path: string,
  segments: readonly string[],
  isCore: boolean,
  query: URLSearchParams,
): ParsedRequest {
  const group = isCore ? '' : decodeSegment(segments[1]!);
  const version = decodeSegment(segments[isCore ? 1 : 2]!);
  let rest = segments.slice(isCore ? 2 : 3);
  const isWatchPath = rest[0] === 'watch' && rest.length > 1;
  if (isWatchPath) rest = rest.slice(1);
  let namespace = '';
  if (rest[0] === 'namespaces' && rest.length > 2 && rest[2] !== '' && !namespaceSubresources.has(rest[2]!)) {
    namespace = decodeSegment(rest[1]!);
    if (namespace === '') throw badRequest('the request path is not in canonical form');
    rest = rest.slice(2);
  } else if (rest[0] === 'namespaces' && rest.length > 1) {
    namespace = decodeSegment(rest[1]!);
  }
  // A slash at the end says nothing, but to a backend.
  if (rest.length > 1 && rest.length <= 4 && rest.at(-1) === '' && rest[2] !== 'proxy') rest = rest.slice(0, -1);
  const proxyAt = rest[2] === 'proxy' ? 3 : rest.length;
  for (const segment of rest.slice(0, proxyAt)) {
    if (segment === '') throw badRequest('the request path is not in canonical form');
  }
  const [resource, name, subresource, ...extra] = rest;
  const isProxy = subresource === 'proxy';
  const info = {
    isResource: true,
    path,
    group,
    version,
    namespace,
    resource: decodeSegment(resource!),
    name: name === undefined ? '' : decodeSegment(name),
    subresource: subresource === undefined ? '' : decodeSegment(subresource),
    trailingPath: extra.length > 0 ? `/${extra.join('/')}` : '',
  };
  // What a client sends on through a proxy is for the backend to read, but must not climb out of it.
  if (isProxy) for (const segment of extra) checkProxied(segment);
  else if (extra.length > 0)
    return { info: { ...info, verb: verbs[method] ?? method.toLowerCase() }, query, isWatchPath };
  return { info: { ...info, verb: verbOf(method, info.name, query, isWatchPath) }, query, isWatchPath };
}

function checkProxied(segment: string): void {
  let text = segment;
  try {
    text = decodeURIComponent(segment);
  } catch {
    throw badRequest('the request path is not valid percent-encoded UTF-8');
  }
  if (text === '.' || text === '..' || hasControl(text)) {
    throw badRequest('the request path is not in canonical form');
  }
}

/** What Go's strconv takes for true. */
export function isTrue(value: string | null): boolean {
  return value !== null && /^(?:1|t|true)$/i.test(value);
}

function verbOf(method: string, name: string, query: URLSearchParams, isWatchPath: boolean): string {
  const verb = verbs[method] ?? method.toLowerCase();
  if (verb === 'get' && isWatchPath) return 'watch';
  if (name !== '') return verb;
  if (verb === 'get') return isAsked(query.get('watch')) ? 'watch' : 'list';
  return verb === 'delete' ? 'deletecollection' : verb;
}

/** Any value but a clear no, also an empty one: as upstream reads a boolean option that is there. */
export function isAsked(value: string | null): boolean {
  return value !== null && !/^(?:0|false)$/i.test(value);
}
