// One line of the audit log, written as text at once: what is known early is put together early, and nothing is kept that
// no line will hold.
import type { StatusError } from '../../api/meta/status-error.ts';
import { rfc3339Micro } from '../../base/clock.ts';
import type { UserInfo } from '../authn/authenticator.ts';
import { header, type ServerRequest } from '../http/exchange.ts';
import type { RequestInfo } from '../request-info.ts';
import type { Level, Stage } from './policy.ts';

const maxUserAgent = 1024;

const text = (value: string) => JSON.stringify(value);

/** How a request ended: a status code, and the problem when there was one. */
export interface Outcome {
  readonly code: number;
  readonly problem?: StatusError | undefined;
  /** A remark on an outcome that has no problem. */
  readonly message?: string;
}

export interface ObjectReference {
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
  readonly resourceVersion: string;
}

export interface EventParts {
  readonly level: Level;
  readonly stage: Stage;
  readonly auditId: string;
  readonly http: ServerRequest;
  readonly info: RequestInfo;
  readonly user: UserInfo | undefined;
  readonly impersonated: UserInfo | undefined;
  /** The right that allowed it, when it is one for some requests only; or ''. */
  readonly constraint: string;
  /** What the body says that the path does not. */
  readonly named: ObjectReference | undefined;
  readonly outcome: Outcome | undefined;
  /** JSON. */
  readonly requestObject: string | undefined;
  readonly responseObject: string | undefined;
  readonly annotations: ReadonlyMap<string, string>;
  readonly receivedAtMs: number;
  readonly atMs: number;
}

function userJson({ username, uid, groups, extra }: UserInfo): string {
  return JSON.stringify({
    username,
    ...(uid ? { uid } : {}),
    ...(groups.length ? { groups } : {}),
    ...(extra ? { extra } : {}),
  });
}

/** Where a request came from, by those who passed it on; all but the last may be made up. */
function sourceAddresses(http: ServerRequest): readonly string[] {
  const own = http.remoteAddress.replace(/^::ffff:/, '') || '127.0.0.1';
  const forwarded = header(http, 'x-forwarded-for');
  const real = header(http, 'x-real-ip');
  if (!forwarded && !real) return [own];
  const before = forwarded
    .split(',', 32)
    .map((each) => each.trim().slice(0, 64))
    .filter(Boolean);
  if (real && !before.includes(real)) before.push(real.slice(0, 64));
  return before.at(-1) === own ? before : [...before, own];
}

function objectJson({ info, named }: EventParts): string {
  const namespace = info.namespace || named?.namespace;
  const name = info.name || named?.name;
  return JSON.stringify({
    resource: info.resource,
    ...(namespace ? { namespace } : {}),
    ...(name ? { name } : {}),
    ...(named?.uid ? { uid: named.uid } : {}),
    ...(info.group ? { apiGroup: info.group } : {}),
    apiVersion: info.version,
    ...(named?.resourceVersion ? { resourceVersion: named.resourceVersion } : {}),
    ...(info.subresource ? { subresource: info.subresource } : {}),
  });
}

function outcomeJson({ code, problem, message }: Outcome): string {
  if (!problem) return message ? JSON.stringify({ metadata: {}, message, code }) : `{"metadata":{},"code":${code}}`;
  const { status, message: said, reason, details } = problem.status;
  return JSON.stringify({ metadata: {}, status, message: said, reason, details, code });
}

/** Many events fall into one millisecond, and printing a date is dear. */
let lastMs = -1;
let lastText = '';

function microTime(atMs: number): string {
  const whole = Math.floor(atMs);
  if (whole !== lastMs) {
    lastMs = whole;
    lastText = rfc3339Micro(whole);
  }
  return lastText;
}

export function eventLine(parts: EventParts): string {
  const { level, stage, auditId, http, info, user, impersonated, constraint, outcome, annotations } = parts;
  const agent = header(http, 'user-agent');
  let line = `{"kind":"Event","apiVersion":"audit.k8s.io/v1","level":"${level}","auditID":${text(auditId)},"stage":"${stage}"`;
  line += `,"requestURI":${text(http.url)},"verb":${text(info.verb)},"user":${user ? userJson(user) : '{}'}`;
  if (impersonated) line += `,"impersonatedUser":${userJson(impersonated)}`;
  if (constraint) line += `,"authenticationMetadata":{"impersonationConstraint":${text(constraint)}}`;
  line += `,"sourceIPs":${JSON.stringify(sourceAddresses(http))}`;
  if (agent)
    line += `,"userAgent":${text(agent.length > maxUserAgent ? `${agent.slice(0, maxUserAgent)}...TRUNCATED` : agent)}`;
  if (info.isResource) line += `,"objectRef":${objectJson(parts)}`;
  if (outcome) line += `,"responseStatus":${outcomeJson(outcome)}`;
  if (parts.requestObject) line += `,"requestObject":${parts.requestObject}`;
  if (parts.responseObject) line += `,"responseObject":${parts.responseObject}`;
  line += `,"requestReceivedTimestamp":"${microTime(parts.receivedAtMs)}","stageTimestamp":"${microTime(parts.atMs)}"`;
  if (annotations.size > 0) line += `,"annotations":${JSON.stringify(Object.fromEntries(annotations))}`;
  return `${line}}\n`;
}
