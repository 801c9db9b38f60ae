// Pod Security Standards by labels of the namespace: `enforce` refuses pods, `warn` warns, also about pod templates.
import type { Namespace, Pod, PodSpec, PodTemplateSpec } from '../../../../generated/core-v1.ts';
import { namespaceKind, podKind } from '../../../../generated/kinds.ts';
import { FieldErrors, path } from '../../../api/meta/field-errors.ts';
import type { KubernetesObject } from '../../../api/meta/object.ts';
import { invalid } from '../../../api/meta/status-error.ts';
import type { AdmissionContext, AdmissionPlugin, AdmissionRequest } from '../plugin.ts';
import { isAbout, refuse } from '../refuse.ts';
import { podViolations, type SecurityPolicy } from './pod-security-checks.ts';

const labelPrefix = 'pod-security.kubernetes.io/';
const levels = ['privileged', 'baseline', 'restricted'] as const;
const latest = 36;
/** Most pods that a namespace's new level is tried on. */
const checkedPods = 3000;

interface NamedPolicy extends SecurityPolicy {
  /** `baseline:latest` */
  readonly text: string;
}

interface Policies {
  readonly enforce: NamedPolicy;
  readonly audit: NamedPolicy;
  readonly warn: NamedPolicy;
  readonly errors: FieldErrors;
}

export const podSecurity: AdmissionPlugin = {
  name: 'PodSecurity',
  validate(request, context) {
    if (request.operation !== 'CREATE' && request.operation !== 'UPDATE') return;
    if (isAbout(request, namespaceKind)) checkNamespace(request, context);
    else if (isAbout(request, podKind) || isAbout(request, podKind, 'ephemeralcontainers')) checkPod(request, context);
    else if (!request.subresource) checkTemplate(request, context);
  },
};

function policiesOf(labels: Readonly<Record<string, string>> = {}): Policies {
  const errors = new FieldErrors();
  const enforce = policyOf(labels, 'enforce', errors);
  const audit = policyOf(labels, 'audit', errors);
  const warn = policyOf(labels, 'warn', errors);
  const isWeaker = levels.indexOf(warn.level) < levels.indexOf(enforce.level);
  const isSilent = labels[`${labelPrefix}warn`] === undefined;
  return { enforce, audit, warn: isSilent && isWeaker ? enforce : warn, errors };
}

function policyOf(labels: Readonly<Record<string, string>>, mode: string, errors: FieldErrors): NamedPolicy {
  const key = `${labelPrefix}${mode}`;
  const version = labels[`${key}-version`] ?? 'latest';
  const match = /^v1\.(0|[1-9][0-9]{0,3})$/.exec(version);
  const at = path('metadata', 'labels');
  let level = levels.find((each) => each === (labels[key] ?? 'privileged'));
  if (!level) {
    errors.invalid(at.key(key), labels[key], 'must be one of privileged, baseline, restricted');
    // What is misspelt must not turn enforcement off.
    level = mode === 'enforce' ? 'restricted' : 'privileged';
  }
  if (!match && version !== 'latest') {
    errors.invalid(at.key(`${key}-version`), version, 'must be "latest" or "v1.x"');
  }
  const isKnown = match !== null && Number(match[1]) < latest;
  return { level, minor: isKnown ? Number(match[1]) : latest, text: `${level}:${match ? version : 'latest'}` };
}

function checkNamespace(request: AdmissionRequest, { objects }: AdmissionContext): void {
  const [next, current] = [request.object as Namespace, request.oldObject as Namespace | undefined];
  const policies = policiesOf(next.metadata.labels);
  const before = current && policiesOf(current.metadata.labels);
  if (!policies.errors.isEmpty && policies.errors.summary() !== before?.errors.summary()) {
    const { errors } = policies;
    throw invalid({ group: '', name: 'Namespace' }, next.metadata.name, errors.summary(), errors.causes());
  }
  if (!before || before.enforce.text === policies.enforce.text || policies.enforce.level === 'privileged') return;
  const isSameVersion = before.enforce.minor === policies.enforce.minor;
  if (isSameVersion && levels.indexOf(policies.enforce.level) < levels.indexOf(before.enforce.level)) return;
  warnOfPods(request, policies.enforce, objects.list(podKind, next.metadata.name));
}

function warnOfPods(request: AdmissionRequest, policy: NamedPolicy, pods: readonly Pod[]): void {
  const byProblem = new Map<string, { first: string; count: number }>();
  for (const { metadata, spec } of pods.slice(0, checkedPods)) {
    const problem = podViolations(policy, spec, metadata.annotations);
    if (!problem) continue;
    const reasons = problem.replace(/ \((?:[^()]|\([^()]*\))*\)/g, '');
    const known = byProblem.get(reasons);
    if (known) known.count++;
    else byProblem.set(reasons, { first: metadata.name, count: 1 });
  }
  if (pods.length > checkedPods) {
    request.warn(
      `new PodSecurity enforce level only checked against the first ${checkedPods} of ${pods.length} existing pods`,
    );
  }
  if (byProblem.size === 0) return;
  request.warn(
    `existing pods in namespace "${request.name}" violate the new PodSecurity enforce level "${policy.text}"`,
  );
  const lines = [...byProblem].map(([problem, { first, count }]) => {
    const others = count === 1 ? '' : ` (and ${count - 1} other pod${count === 2 ? '' : 's'})`;
    return `${first}${others}: ${problem}`;
  });
  for (const line of lines.sort()) request.warn(line);
}

function checkPod(request: AdmissionRequest, { objects }: AdmissionContext): void {
  const { metadata, spec } = request.object as Pod;
  const current = request.oldObject as Pod | undefined;
  const policies = policiesOf(objects.find(namespaceKind, '', request.namespace)?.metadata.labels);
  const { enforce, audit, warn } = policies;
  const isUnlimited = [enforce, audit, warn].every(({ level }) => level === 'privileged');
  if (current && !isUnlimited && !isSignificant(spec, current.spec)) return;
  request.annotate(`${labelPrefix}enforce-policy`, enforce.text);
  if (isUnlimited) return;
  noteViolations(request, audit, spec, metadata.annotations);
  const problem = podViolations(enforce, spec, metadata.annotations);
  if (problem) throw refuse(request, `violates PodSecurity "${enforce.text}": ${problem}`);
  warnOf(request, warn, spec, metadata.annotations);
}

/** For the audit log: what the namespace's `audit` level would not allow. */
function noteViolations(
  request: AdmissionRequest,
  policy: NamedPolicy,
  spec: PodSpec,
  annotations: Readonly<Record<string, string>> | undefined,
): void {
  const problem = podViolations(policy, spec, annotations);
  if (problem)
    request.annotate(`${labelPrefix}audit-violations`, `would violate PodSecurity "${policy.text}": ${problem}`);
}

/** Labels and tolerations may change without another look; images and new containers may not. */
function isSignificant(next: PodSpec, current: PodSpec): boolean {
  const of = ({ containers, initContainers, ephemeralContainers, securityContext }: PodSpec) =>
    JSON.stringify([containers, initContainers, ephemeralContainers, securityContext]);
  return of(next) !== of(current);
}

/** Nothing with a template is refused: its pods will be. Whoever writes it is told now. */
function checkTemplate(request: AdmissionRequest, { objects }: AdmissionContext): void {
  const template = templateOf(request.object);
  if (!template?.spec || !request.namespace) return;
  const { audit, warn } = policiesOf(objects.find(namespaceKind, '', request.namespace)?.metadata.labels);
  noteViolations(request, audit, template.spec, template.metadata?.annotations);
  warnOf(request, warn, template.spec, template.metadata?.annotations);
}

function templateOf(object: KubernetesObject | undefined): PodTemplateSpec | undefined {
  const { kind, spec, template } = (object ?? {}) as Record<string, any>;
  switch (kind) {
    case 'ReplicationController':
    case 'ReplicaSet':
    case 'Deployment':
    case 'StatefulSet':
    case 'DaemonSet':
    case 'Job':
      return spec?.template;
    case 'CronJob':
      return spec?.jobTemplate?.spec?.template;
    case 'PodTemplate':
      return template;
    default:
      return undefined;
  }
}

function warnOf(
  request: AdmissionRequest,
  policy: NamedPolicy,
  spec: PodSpec,
  annotations: Record<string, string> = {},
): void {
  const problem = podViolations(policy, spec, annotations);
  if (problem) request.warn(`would violate PodSecurity "${policy.text}": ${problem}`);
}
