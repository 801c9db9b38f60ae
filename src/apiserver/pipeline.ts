// One request, read downward: parse → authenticate → impersonate → flow control → authorize → handler → answer.
import { randomUUID } from 'node:crypto';
import { badRequest, StatusError, timedOut } from '../api/meta/status-error.ts';
import type { ResourceInfo } from '../api/resource-info.ts';
import { linkSignal } from '../base/signals.ts';
import { room } from '../base/turns.ts';
import { parseDuration } from '../schema/time.ts';
import type { Aggregation } from './aggregation/aggregation.ts';
import type { Route } from './aggregation/routes.ts';
import type { Auditor } from './audit/auditor.ts';
import type { Outcome } from './audit/event.ts';
import type { AuditRecord } from './audit/record.ts';
import type { Authenticator, UserInfo } from './authn/authenticator.ts';
import { impersonate } from './authn/impersonation.ts';
import { unionAuthenticator } from './authn/union.ts';
import { anonymousUser, withAuthenticatedGroup } from './authn/users.ts';
import type { Authorizer } from './authz/authorizer.ts';
import { unionAuthorizer } from './authz/union.ts';
import type { Discovery } from './discovery/discovery.ts';
import { attributesOf, authorize } from './filters/authorize.ts';
import type { FlowControl } from './flow-control/flow-control.ts';
import type { Ticket } from './flow-control/ticket.ts';
import { isRouted, negotiate } from './http/accept.ts';
import { type Answer, type AnswerHeaders, textAnswer } from './http/answer.ts';
import { header, type ServerRequest, type ServerResponse } from './http/exchange.ts';
import { isTrue, type ParsedRequest, parseRequest } from './http/parse-request.ts';
import { prettied } from './http/pretty.ts';
import { respond, respondError, statusOf } from './http/respond.ts';
import { loadYaml } from './http/yaml.ts';
import type { RequestMetrics } from './metrics.ts';
import type { RequestInfo } from './request-info.ts';
import type { SubresourceHandler } from './subresources/handler.ts';
import { handlerRequest } from './subresources/handler-request.ts';
import type { Call, ServerParts } from './verbs/call.ts';
import { isScopeRight, noSuchMethod, noSuchResource, verbFor } from './verbs/dispatch.ts';

export interface PipelineOptions {
  readonly parts: ServerParts;
  readonly authenticators: readonly Authenticator[];
  readonly authorizers: readonly Authorizer[];
  readonly handlers: readonly SubresourceHandler[];
  readonly discovery: Discovery;
  /** Absent: nobody is behind this server. */
  readonly aggregation?: Aggregation | undefined;
  readonly flow: FlowControl;
  readonly metrics: RequestMetrics;
  /** Absent: nothing is noted. */
  readonly auditor?: Auditor | undefined;
  readonly requestTimeoutMs: number;
}

interface Context {
  readonly auditId: string;
  /** What the audit log will be told. */
  record?: AuditRecord | undefined;
  user?: UserInfo;
  info?: RequestInfo;
  resource?: ResourceInfo | undefined;
  isPretty: boolean;
  /** Something went wrong that should not have. */
  hasFailed?: boolean;
  readonly startedMs: number;
  headers: AnswerHeaders;
  /** The seat this request takes until it is answered. */
  ticket?: Ticket;
  /** Counts a watch while it lasts. */
  watching?: Disposable;
  readonly warnings: string[];
}

const userAgentIsBrowserLike = /^(?:Mozilla\/5\.0|curl|Wget)/;
const maxWarnings = 100;
const noHeaders: AnswerHeaders = {};
/** Streams that last as long as their clients want take no seats; watches do until they have begun. */
const longRunning = new Set(['attach', 'exec', 'proxy', 'log', 'portforward']);

export class Pipeline {
  readonly #options: PipelineOptions;
  readonly #handlers: ReadonlyMap<string, SubresourceHandler>;
  readonly #authenticator: ReturnType<typeof unionAuthenticator>;
  readonly #authorizer: Authorizer;

  constructor(options: PipelineOptions) {
    this.#options = options;
    this.#authenticator = unionAuthenticator(options.authenticators);
    this.#authorizer = unionAuthorizer(options.authorizers);
    this.#handlers = new Map(options.handlers.map((handler) => [handlerKey(handler), handler]));
  }

  /** Answers; never rejects. */
  async handle(request: ServerRequest, response: ServerResponse): Promise<void> {
    const waiting = room();
    if (waiting) await waiting;
    const { parts, metrics } = this.#options;
    const started = parts.clock.monotonicMs();
    const auditId = auditIdOf(request);
    const context: Context = { auditId, isPretty: false, startedMs: started, headers: noHeaders, warnings: [] };
    let status = 0;
    let problem: StatusError | undefined;
    try {
      const answer = await this.#answer(request, context);
      status = answer.type === 'taken' ? 101 : answer.status;
      if (isLongRunning(context.info!)) context.record?.stage('ResponseStarted', { code: status });
      await respond(request, response, context.record?.answered(answer) ?? answer, this.#extras(context));
    } catch (error) {
      problem = statusOf(error, parts.log);
      context.hasFailed = problem !== error;
      if (status === 0) {
        status = problem.code;
        await this.#fail(request, response, problem, context);
      } else if (!response.isClosed) {
        parts.log.debug('an answer broke off', { path: context.info?.path, problem: problem.message });
        response.destroy();
      }
    }
    context.ticket?.[Symbol.dispose]();
    context.watching?.[Symbol.dispose]();
    const durationMs = parts.clock.monotonicMs() - started;
    metrics.observe(context.info, context.resource, status, durationMs);
    if (context.record) note(context.record, request, context, { code: status, problem });
  }

  async #fail(request: ServerRequest, response: ServerResponse, problem: StatusError, context: Context): Promise<void> {
    try {
      await respondError(request, response, problem, this.#extras(context));
    } catch (error) {
      this.#options.parts.log.error('an error could not be answered', error);
      response.destroy();
    }
  }

  #extras(context: Context) {
    const { warnings, isPretty, headers, auditId } = context;
    return { warnings, isPretty, headers: { ...headers, 'audit-id': auditId } };
  }

  async #answer(request: ServerRequest, context: Context): Promise<Answer> {
    const { parts } = this.#options;
    const parsed = parseRequest(request.method, request.url);
    const { info, query } = parsed;
    context.info = info;
    context.isPretty = wantsPretty(request, query);
    if (info.verb !== 'watch') requestedTimeoutMs(query);
    const route = this.#options.aggregation?.routeFor(info);
    const found =
      info.isResource && !route ? parts.registry.table.find(info.group, info.version, info.resource) : undefined;
    // A custom resource in the wrong scope is no resource, as an unknown one is.
    const resource = found?.custom && !isScopeRight(info, found) ? undefined : found;
    context.resource = resource;
    if (resource && !isScopeRight(info, resource)) throw noSuchResource();
    let user = await this.#whoAsks(request, context);
    if (hasImpersonation(request)) {
      const asked = attributesOf(info, user, query);
      const became = await bare(context, impersonate(asked, request.rawHeaders, this.#authorizer));
      user = became.user;
      context.user = user;
      context.record?.impersonated(user, became.constraint);
    }
    const refusal = await this.#admitToFlow(request, parsed, user, context);
    if (refusal) return refusal;
    await bare(context, authorize(attributesOf(info, user, query), this.#authorizer, context.record?.annotate));
    if (route) return this.#pass(request, route, user, context);
    if (`${header(request, 'accept')}${header(request, 'content-type')}`.includes('yaml')) await loadYaml();
    if (!info.isResource) return this.#options.discovery.answer(request, info, query);
    return this.#resource(request, parsed, user, resource, context);
  }

  /** @throws StatusError 401 */
  async #whoAsks(request: ServerRequest, context: Context): Promise<UserInfo> {
    const { auditor } = this.#options;
    const { auditId, startedMs } = context;
    const info = context.info!;
    try {
      const user = request.trustedUser
        ? withAuthenticatedGroup(request.trustedUser)
        : ((await this.#authenticator.authenticate(request.credentials())) ?? anonymousUser);
      context.user = user;
      context.record = auditor?.begin({ http: request, info, user, auditId, startedMs });
      return user;
    } catch (error) {
      context.record = auditor?.begin({ http: request, info, user: undefined, auditId, startedMs });
      throw error;
    }
  }

  /** What to answer when there is no room; undefined once there is. */
  async #admitToFlow(
    request: ServerRequest,
    { info, query }: ParsedRequest,
    user: UserInfo,
    context: Context,
  ): Promise<Answer | undefined> {
    if (info.isResource && longRunning.has(info.subresource)) return undefined;
    const { flow } = this.#options;
    const { signal } = request;
    const { resource, startedMs: nowMs } = context;
    const { ticket, headers } = flow.enter({ info, query, resource, user, signal, nowMs });
    context.headers = headers;
    const { isAdmitted } = ticket;
    if (isAdmitted === true || (await isAdmitted)) {
      context.ticket = ticket;
      return undefined;
    }
    return textAnswer(429, 'Too many requests, please try again later.\n', {
      'retry-after': String(flow.refusedBy(ticket.level)),
      'x-content-type-options': 'nosniff',
    });
  }

  /** To the server behind us that has what is asked for. */
  async #pass(request: ServerRequest, route: Route, user: UserInfo, context: Context): Promise<Answer> {
    const { auditId, info } = context;
    const proxied = { http: request, user, auditId, isDiscovery: !info!.isResource };
    // How much work a watch is over there is for that server's own flow control.
    if (info!.verb === 'watch') context.ticket?.[Symbol.dispose]();
    return this.#options.aggregation!.proxy(route, proxied);
  }

  async #resource(
    request: ServerRequest,
    { info, query }: ParsedRequest,
    user: UserInfo,
    resource: ResourceInfo | undefined,
    context: Context,
  ): Promise<Answer> {
    const { parts, requestTimeoutMs } = this.#options;
    if (!resource) return unknownResource(parts, info);
    const warn = (text: string) => {
      if (context.warnings.length < maxWarnings) context.warnings.push(text);
    };
    const isUnwatchable = info.verb === 'watch' && !resource.verbs.includes('watch');
    const isList = info.verb === 'list' || info.verb === 'watch';
    const isServed = resource.custom !== undefined || isRouted(header(request, 'accept'), isList);
    const warning = isServed ? resource.deprecationWarning : undefined;
    if (isUnwatchable && warning) warn(warning);
    const handler = this.#handlers.get(handlerKey({ ...info, resource: resource.plural }));
    const serve = handler ? serveBy(handler, request.method) : verbFor(info, resource, request.method);
    if (!isUnwatchable && warning) warn(warning);
    const { record } = context;
    if (record && resource.deprecationWarning) markDeprecated(record, resource.deprecationWarning);
    const { signal } = request;
    const call: Call = {
      ...{ server: parts, http: request, info, resource, query, user, signal, warn },
      ...(record ? { annotate: record.annotate, noted: record } : {}),
    };
    if (handler?.isLongRunning === true) return serve(call);
    if (info.verb === 'watch') {
      const isOfOneNode = info.resource === 'pods' && (query.get('fieldSelector') ?? '').includes('spec.nodeName=');
      context.watching = this.#options.flow.watches.add(info, isOfOneNode);
      return serve({ ...call, hasBegun: () => context.ticket?.[Symbol.dispose]() });
    }
    const timeoutMs = Math.min(requestTimeoutMs, requestedTimeoutMs(query) || requestTimeoutMs);
    using deadline = linkSignal([request.signal], timeoutMs);
    try {
      const answer = await serve({ ...call, signal: deadline.signal });
      return context.isPretty && !handler ? prettied(answer) : answer;
    } catch (error) {
      if (deadline.signal.aborted && !request.signal.aborted && !(error instanceof StatusError)) {
        throw timedOut('the request did not complete within the allotted time');
      }
      throw error;
    }
  }
}

/** A refusal of this step tells browsers not to guess what it is. */
async function bare<T>(context: Context, step: T | Promise<T>): Promise<T> {
  try {
    return await step;
  } catch (error) {
    context.headers = { ...context.headers, 'x-content-type-options': 'nosniff' };
    throw error;
  }
}

/** What `?timeout=` allows; 0 when it says nothing. @throws StatusError 400 */
function requestedTimeoutMs(query: URLSearchParams): number {
  const text = query.get('timeout');
  if (!text) return 0;
  try {
    return Math.max(0, Number(parseDuration(text) / 1_000_000n));
  } catch (error) {
    throw badRequest(`invalid timeout specified in the request URL - ${(error as Error).message}`);
  }
}

const isLongRunning = ({ isResource, verb, subresource }: RequestInfo): boolean =>
  isResource && (verb === 'watch' || longRunning.has(subresource));

/** The end of a request, for the audit log; of a connection that was handed over, when it closes. */
function note(record: AuditRecord, request: ServerRequest, context: Context, outcome: Outcome): void {
  const stage = context.hasFailed ? 'Panic' : context.user ? 'ResponseComplete' : 'ResponseStarted';
  const socket = outcome.code === 101 ? request.upgrade?.socket : undefined;
  if (stage === 'ResponseStarted') record.stage(stage, { code: outcome.code, message: attempted(request) });
  else if (!socket || socket.destroyed) record.stage(stage, outcome);
  else socket.once('close', () => record.stage(stage, outcome));
}

function attempted(request: ServerRequest): string {
  const [method = ''] = header(request, 'authorization').split(' ', 1);
  const known = ['basic', 'bearer'].find((each) => each === method.toLowerCase());
  return known ? `Authentication failed, attempted: ${known}` : 'Authentication failed, no credentials provided';
}

function markDeprecated(record: AuditRecord, warning: string): void {
  record.annotate('k8s.io/deprecated', 'true');
  const removed = /unavailable in v(\d+\.\d+)\+/.exec(warning)?.[1];
  if (removed) record.annotate('k8s.io/removed-release', removed);
}

/** What ties the lines of several servers' logs together: the caller's own, or one made here. */
function auditIdOf(request: ServerRequest): string {
  const theirs = header(request, 'audit-id');
  return theirs && isPlainText(theirs) ? theirs.slice(0, 64) : randomUUID();
}

const isPlainText = (text: string) => /^[\x20-\x7e]+$/.test(text);

/** @throws StatusError 405 */
function serveBy(handler: SubresourceHandler, method: string): (call: Call) => Promise<Answer> {
  if (!handler.methods.includes(method)) throw noSuchMethod();
  return (call) => {
    // What answers with an object of its own says so before it acts; the others answer with bytes.
    if (!handler.isLongRunning) negotiate(header(call.http, 'accept'), { hasProtobuf: true, hasTable: false });
    return handler.handle(handlerRequest(call));
  };
}

const handlerKey = ({ group, resource, subresource }: { group: string; resource: string; subresource: string }) =>
  `${group}/${resource}/${subresource}`;

function unknownResource({ registry }: ServerParts, info: RequestInfo): Answer {
  // Upstream has no handler at all below a group it does not know.
  const isKnownGroup = !info.group || registry.table.isBuiltIn(info.group);
  if (isKnownGroup) throw noSuchResource();
  return textAnswer(404, '404 page not found\n', { 'x-content-type-options': 'nosniff' });
}

function hasImpersonation({ headers }: ServerRequest): boolean {
  if (headers['impersonate-user'] || headers['impersonate-group'] || headers['impersonate-uid']) return true;
  // A user without a name asks for nothing.
  for (const name in headers) if (name.startsWith('impersonate-') && name !== 'impersonate-user') return true;
  return false;
}

function wantsPretty(request: ServerRequest, query: URLSearchParams): boolean {
  const pretty = query.get('pretty');
  if (pretty !== null) return isTrue(pretty);
  if (/;\s*pretty=1\b/.test(header(request, 'accept'))) return true;
  return userAgentIsBrowserLike.test(header(request, 'user-agent'));
}
