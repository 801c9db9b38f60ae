// What mutating and validating webhooks have in common.
import type {
  MutatingWebhook,
  ValidatingWebhook,
  WebhookClientConfig,
} from '../../../generated/admissionregistration-v1.ts';
import { type FieldErrors, type FieldPath, goQuote } from '../meta/field-errors.ts';
import { validateLabelSelector } from '../meta/labels.ts';
import { dns1035LabelProblems, dns1123SubdomainProblems, portNumberProblems } from '../meta/names.ts';
import { checkSupported } from '../meta/supported.ts';
import { validateMatchConditions } from './match-conditions.ts';
import { defaultRules, validateRule } from './match-rules.ts';

export type Webhook = MutatingWebhook | ValidatingWebhook;

const reviewVersions = ['v1', 'v1beta1'];

export function defaultWebhook(webhook: Webhook): void {
  webhook.failurePolicy ??= 'Fail';
  webhook.matchPolicy ??= 'Equivalent';
  webhook.namespaceSelector ??= {};
  webhook.objectSelector ??= {};
  webhook.timeoutSeconds ??= 10;
  defaultRules(webhook.rules);
  if (webhook.clientConfig.service) webhook.clientConfig.service.port ??= 443;
}

function validatePath(path: string, at: FieldPath, errors: FieldErrors): void {
  if (path === '' || path === '/') return;
  if (path === '//') {
    errors.invalid(at, path, 'segment[0] may not be empty');
    return;
  }
  if (!path.startsWith('/')) errors.invalid(at, path, "must start with a '/'");
  const steps = path.slice(1, path.endsWith('/') ? -1 : undefined).split('/');
  steps.forEach((step, index) => {
    if (!step) errors.invalid(at, path, `segment[${index}] may not be empty`);
    else
      for (const problem of dns1123SubdomainProblems(step)) errors.invalid(at, path, `segment[${index}]: ${problem}`);
  });
}

function urlProblem(text: string, scheme: string, host: string, rest: string): string | undefined {
  if ([...text].some((char) => char < ' ' || char === '\x7f')) return 'net/url: invalid control character in URL';
  if (text.startsWith(':')) return 'missing protocol scheme';
  const escaped = /%(?![0-9A-Fa-f]{2}).{0,2}/.exec(rest);
  if (escaped) return `invalid URL escape ${goQuote(escaped[0])}`;
  if (!scheme && !host && /^[^/]*:/.test(rest)) return 'first path segment in URL cannot contain colon';
  if (host.includes(' ')) return 'invalid character " " in host name';
  const port = /:([^:\]]*)$/.exec(host)?.[1];
  return port && !/^\d*$/.test(port) ? `invalid port ${goQuote(`:${port}`)} after host` : undefined;
}

function validateUrl(text: string, at: FieldPath, errors: FieldErrors): void {
  const form = 'desired format: https://host[/path]';
  // As lax as Go's parser: a path alone is a URL.
  const parts =
    /^(?:([A-Za-z][A-Za-z0-9+.-]*):)?(?:\/\/(?:([^/?#@]*)@)?([^/?#]*))?([^?#]*)(?:\?([^#]*))?(?:#(.*))?$/.exec(text);
  const [, scheme = '', user, host = '', rest = '', query, fragment] = parts ?? [];
  const problem = urlProblem(text, scheme, host, rest);
  if (problem) {
    errors.required(at, `url must be a valid URL: parse ${goQuote(text)}: ${problem}; ${form}`);
    return;
  }
  const lower = scheme.toLowerCase();
  if (lower !== 'https') errors.invalid(at, lower, `'https' is the only allowed URL scheme; ${form}`);
  if (!host) errors.invalid(at, host, `host must be specified; ${form}`);
  if (user !== undefined) errors.invalid(at, user, 'user information is not permitted in the URL');
  if (fragment) errors.invalid(at, fragment, 'fragments are not permitted in the URL');
  if (query) errors.invalid(at, query, 'query parameters are not permitted in the URL');
}

export function validateClient({ url, service }: WebhookClientConfig, at: FieldPath, errors: FieldErrors): void {
  if ((url === undefined) === (service === undefined)) {
    errors.required(at, 'exactly one of url or service is required');
  } else if (url !== undefined) validateUrl(url, at.child('url'), errors);
  else if (service) {
    const place = at.child('service');
    // Upstream takes one for the other here.
    if (!service.namespace) errors.required(place.child('name'));
    if (!service.name) errors.required(place.child('namespace'));
    const port = service.port ?? 443;
    for (const problem of portNumberProblems(port))
      errors.invalid(place.child('port'), port, `port is not valid: ${problem}`);
    if (service.path !== undefined) validatePath(service.path, place.child('path'), errors);
  }
}

function validateVersions(versions: readonly string[], at: FieldPath, errors: FieldErrors): void {
  if (!versions.length) {
    errors.required(at, `must specify one of ${reviewVersions.join(', ')}`);
    return;
  }
  versions.forEach((version, index) => {
    const place = at.index(index);
    if (versions.indexOf(version) !== index) errors.invalid(place, version, 'duplicate version');
    else for (const problem of dns1035LabelProblems(version)) errors.invalid(place, version, problem);
  });
  if (!versions.some((version) => reviewVersions.includes(version))) {
    errors.invalid(at, versions, `must include at least one of ${reviewVersions.join(', ')}`);
  }
}

function validateName(name: string, at: FieldPath, errors: FieldErrors): void {
  if (!name) {
    errors.required(at);
    return;
  }
  const problems = dns1123SubdomainProblems(name);
  if (problems.length) errors.invalid(at, name, problems.join(','));
  else if (name.split('.').length < 3) {
    errors.invalid(at, name, 'should be a domain with at least three segments separated by dots');
  }
}

export function validateWebhooks(webhooks: readonly Webhook[], at: FieldPath, errors: FieldErrors): void {
  webhooks.forEach((webhook, index) => {
    const place = at.index(index);
    const own = place.child('admissionReviewVersions');
    validateWebhook(webhook, place, errors);
    validateVersions(webhook.admissionReviewVersions ?? [], own, errors);
    const isRepeated = webhooks.findIndex(({ name }) => name === webhook.name) !== index;
    if (webhook.name && isRepeated) errors.duplicate(place.child('name'), webhook.name);
  });
}

function validateWebhook(webhook: Webhook, at: FieldPath, errors: FieldErrors): void {
  validateName(webhook.name, at.child('name'), errors);
  webhook.rules?.forEach((rule, index) => {
    validateRule(rule, at.child('rules').index(index), errors);
  });
  checkSupported(errors, at.child('failurePolicy'), webhook.failurePolicy, ['Fail', 'Ignore']);
  checkSupported(errors, at.child('matchPolicy'), webhook.matchPolicy, ['Equivalent', 'Exact']);
  if ((webhook.sideEffects ?? null) === null)
    errors.required(at.child('sideEffects'), 'must specify one of None, NoneOnDryRun');
  else checkSupported(errors, at.child('sideEffects'), webhook.sideEffects, ['None', 'NoneOnDryRun']);
  const { timeoutSeconds } = webhook;
  if (timeoutSeconds !== undefined && (timeoutSeconds < 1 || timeoutSeconds > 30)) {
    errors.invalid(at.child('timeoutSeconds'), timeoutSeconds, 'the timeout value must be between 1 and 30 seconds');
  }
  validateLabelSelector(webhook.namespaceSelector, at.child('namespaceSelector'), errors);
  validateLabelSelector(webhook.objectSelector, at.child('objectSelector'), errors);
  if ('reinvocationPolicy' in webhook) {
    checkSupported(errors, at.child('reinvocationPolicy'), webhook.reinvocationPolicy, ['IfNeeded', 'Never']);
  }
  validateClient(webhook.clientConfig, at.child('clientConfig'), errors);
  validateMatchConditions(webhook.matchConditions ?? [], at.child('matchConditions'), errors);
}
