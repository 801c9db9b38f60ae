// Query parameters of the verbs, parsed and checked. Messages as upstream's.
import { FieldErrors, goQuote, path } from '../../api/meta/field-errors.ts';
import { parseFieldSelector, parseLabelSelector, SelectorError } from '../../api/meta/selectors.ts';
import { badRequest, invalid, StatusError } from '../../api/meta/status-error.ts';
import type { ResourceInfo } from '../../api/resource-info.ts';
import { isAsked } from '../http/parse-request.ts';
import { isUncached } from '../registry/expire-events.ts';

export function throwIfInvalid(kind: string, errors: FieldErrors): void {
  if (!errors.isEmpty) throw invalid({ group: 'meta.k8s.io', name: kind }, '', errors.summary(), errors.causes());
}

/** An integer parameter as Go's strconv reads it. @throws StatusError 400 */
export function integerParameter(query: URLSearchParams, name: string): number | undefined {
  const text = query.get(name);
  if (text === null) return undefined;
  if (!/^[-+]?\d+$/.test(text)) throw badRequest(`strconv.ParseInt: parsing ${goQuote(text)}: invalid syntax`);
  const value = Number(text);
  if (BigInt.asIntN(64, BigInt(text.replace('+', ''))) !== BigInt(text.replace('+', '')))
    throw badRequest(`strconv.ParseInt: parsing ${goQuote(text)}: value out of range`);
  return value;
}

const versionProblem = (text: string) =>
  `resourceVersion: Invalid value: ${goQuote(text)}: strconv.ParseUint: parsing ${goQuote(text)}: ${/^\d+$/.test(text) ? 'value out of range' : 'invalid syntax'}`;

const invalidVersion = (text: string) => badRequest(`invalid resource version: ${versionProblem(text)}`);

/** Upstream answers 500 here where a cached GET or a WATCH names a version that is no number, without a reason. */
function unreadableVersion(text: string): StatusError {
  return new StatusError({
    kind: 'Status',
    apiVersion: 'v1',
    metadata: {},
    status: 'Failure',
    message: versionProblem(text),
    code: 500,
  });
}

/** What was once for taking an object elsewhere. @throws StatusError 400 */
export function refuseExport(query: URLSearchParams): void {
  if (isAsked(query.get('export'))) {
    throw badRequest('the export parameter, deprecated since v1.14, is no longer supported');
  }
}

/** Undefined when absent. What upstream keeps no cache of is refused as lists are. */
export function versionOfGet(query: URLSearchParams, resource: ResourceInfo): number | undefined {
  const text = query.get('resourceVersion');
  if (!text) return undefined;
  if (isUnreadable(text)) throw isUncached(resource) ? invalidVersion(text) : unreadableVersion(text);
  return Number(text);
}

export interface ListOptions {
  /** As it was given. */
  readonly version: string;
  readonly resourceVersion: number | undefined;
  readonly match: '' | 'Exact' | 'NotOlderThan';
  readonly limit: number;
  readonly continueToken: string;
  readonly labelSelector: string;
  readonly fieldSelector: string;
}

export interface WatchOptions extends ListOptions {
  readonly allowsBookmarks: boolean;
  readonly sendInitialEvents: boolean | undefined;
  readonly timeoutSeconds: number | undefined;
}

function matchErrors(query: URLSearchParams, isWatch: boolean): FieldErrors {
  const errors = new FieldErrors();
  const version = query.get('resourceVersion') ?? '';
  const at = path('resourceVersionMatch');
  const continueProblem = 'resourceVersionMatch is forbidden when continue is provided';
  const hasInitial = query.has('sendInitialEvents');
  const match = query.get('resourceVersionMatch') ?? '';
  if (isWatch) {
    // From the start without a word about how: as if the client had asked to be shown all that is there.
    const isFromStart = !hasInitial && match === '' && (version === '' || version === '0');
    if (hasInitial && match !== 'NotOlderThan') {
      errors.forbidden(at, 'sendInitialEvents requires setting resourceVersionMatch to NotOlderThan');
    }
    if (match && !hasInitial) {
      errors.forbidden(at, 'resourceVersionMatch is forbidden for watch unless sendInitialEvents is provided');
    }
    if (match && match !== 'NotOlderThan') errors.notSupported(at, match, ['NotOlderThan']);
    if ((match || isFromStart) && query.get('continue')) errors.forbidden(at, continueProblem);
    return errors;
  }
  if (match) {
    if (version === '') errors.forbidden(at, 'resourceVersionMatch is forbidden unless resourceVersion is provided');
    if (query.get('continue')) errors.forbidden(at, continueProblem);
    if (match !== 'Exact' && match !== 'NotOlderThan') errors.notSupported(at, match, ['Exact', 'NotOlderThan', '']);
    if (match === 'Exact' && version === '0') {
      errors.forbidden(at, 'resourceVersionMatch "exact" is forbidden for resourceVersion "0"');
    }
  }
  if (hasInitial) errors.forbidden(path('sendInitialEvents'), 'sendInitialEvents is forbidden for list');
  return errors;
}

const isUnreadable = (version: string): boolean =>
  version !== '' && (!/^\d+$/.test(version) || BigInt(version) !== BigInt.asUintN(64, BigInt(version)));

/** Options that do not fit each other; selectors that can not be read are told before those. @throws StatusError */
function checkTogether(query: URLSearchParams, isWatch: boolean): void {
  const errors = matchErrors(query, isWatch);
  if (errors.isEmpty) return;
  const { labelSelector, fieldSelector } = selectors(query);
  try {
    parseLabelSelector(labelSelector);
    parseFieldSelector(fieldSelector);
  } catch (error) {
    if (error instanceof SelectorError) throw badRequest(error.message);
    throw error;
  }
  throwIfInvalid('ListOptions', errors);
}

export function listOptions(query: URLSearchParams): ListOptions {
  integerParameter(query, 'timeoutSeconds');
  const limit = integerParameter(query, 'limit') ?? 0;
  checkTogether(query, false);
  const version = query.get('resourceVersion') ?? '';
  const continueToken = query.get('continue') ?? '';
  return { ...selectors(query), ...common(query, version), limit, continueToken };
}

/** Told last: what is asked for is judged before from when. @throws StatusError */
export function checkVersion({ version }: ListOptions, isWatch = false): void {
  if (isUnreadable(version)) throw isWatch ? unreadableVersion(version) : invalidVersion(version);
}

function selectors(query: URLSearchParams) {
  return { labelSelector: query.get('labelSelector') ?? '', fieldSelector: query.get('fieldSelector') ?? '' };
}

function common(query: URLSearchParams, version: string) {
  return {
    version,
    resourceVersion: version === '' || isUnreadable(version) ? undefined : Number(version),
    match: (query.get('resourceVersionMatch') ?? '') as ListOptions['match'],
  };
}

export function watchOptions(query: URLSearchParams): WatchOptions {
  const timeoutSeconds = integerParameter(query, 'timeoutSeconds');
  integerParameter(query, 'limit');
  checkTogether(query, true);
  const version = query.get('resourceVersion') ?? '';
  const initial = query.get('sendInitialEvents');
  return {
    ...selectors(query),
    ...common(query, version),
    limit: 0,
    continueToken: '',
    allowsBookmarks: isAsked(query.get('allowWatchBookmarks')),
    sendInitialEvents: initial === null ? undefined : isAsked(initial),
    timeoutSeconds,
  };
}

export interface WriteOptions {
  readonly isDryRun: boolean;
  readonly fieldManager: string;
  readonly fieldValidation: 'Strict' | 'Warn' | 'Ignore';
}

/** Options of create, update and patch. `kind` names them in errors. */
export function writeOptions(
  query: URLSearchParams,
  kind: 'CreateOptions' | 'UpdateOptions' | 'PatchOptions',
  isApply = false,
): WriteOptions {
  const errors = new FieldErrors();
  const dryRun = query.getAll('dryRun');
  if (dryRun.some((value) => value !== 'All')) errors.notSupported(path('dryRun'), dryRun, ['All']);
  const manager = query.get('fieldManager') ?? '';
  if (Buffer.byteLength(manager) > 128) errors.tooLong(path('fieldManager'), 128);
  for (const [index, char] of [...manager].entries()) {
    if (/[^\p{L}\p{M}\p{N}\p{P}\p{S} ]/u.test(char)) {
      errors.invalid(
        path('fieldManager'),
        manager,
        `invalid character ${codePoint(char)} (at position ${Buffer.byteLength([...manager].slice(0, index).join(''))})`,
      );
      break;
    }
    if (index > 128) break;
  }
  const validation = query.get('fieldValidation') ?? '';
  if (!['', 'Strict', 'Warn', 'Ignore'].includes(validation)) {
    errors.notSupported(path('fieldValidation'), validation, ['', 'Ignore', 'Strict', 'Warn']);
  }
  if (kind === 'PatchOptions') checkApplyOptions(query, isApply, errors);
  throwIfInvalid(kind, errors);
  return {
    isDryRun: dryRun.length > 0,
    fieldManager: manager,
    fieldValidation: (validation || 'Warn') as WriteOptions['fieldValidation'],
  };
}

/** Only an apply may be forced, and it must say who applies. */
function checkApplyOptions(query: URLSearchParams, isApply: boolean, errors: FieldErrors): void {
  if (isApply) {
    if (!query.get('fieldManager')) errors.required(path('fieldManager'), 'is required for apply patch');
  } else if (query.has('force')) errors.forbidden(path('force'), 'may not be specified for non-apply patch');
}

const codePoint = (char: string) => `U+${char.codePointAt(0)!.toString(16).toUpperCase().padStart(4, '0')}`;
