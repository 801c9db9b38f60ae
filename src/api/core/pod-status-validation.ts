// What the status of a pod may say.
import type { ContainerStatus, Pod, PodStatus } from '../../../generated/core-v1.ts';
import { isEqual } from '../meta/equality.ts';
import { type FieldErrors, path } from '../meta/field-errors.ts';
import { goForm } from '../meta/go-form.ts';
import { parseIp, validateIp } from '../meta/ip-address.ts';
import { dns1123SubdomainProblems, qualifiedNameProblems } from '../meta/names.ts';
import { validateBy } from '../meta/value-validation.ts';
import { validateAllocatedResources, validateClaimStatuses } from './pod-claim-status-validation.ts';

const at = path('status');

/** `podIP` and `hostIP` are the first of their lists; writers may send either. */
export function settleStatusAddresses(status: PodStatus): void {
  if (status.podIP && status.podIPs?.[0]?.ip !== status.podIP) status.podIPs = [{ ip: status.podIP }];
  else if (!status.podIP && status.podIPs?.[0]?.ip) status.podIP = status.podIPs[0].ip;
}

export function validatePodStatusUpdate(next: Pod, current: Pod, errors: FieldErrors): void {
  const status = next.status ?? {};
  const before = current.status ?? {};
  validateConditionTypes(status, errors);
  if (next.spec?.nodeName !== current.spec?.nodeName) {
    errors.forbidden(at.child('nodeName'), 'may not be changed directly');
  }
  const isMoved = status.nominatedNodeName && status.nominatedNodeName !== before.nominatedNodeName;
  if (status.nominatedNodeName && isMoved) {
    validateBy(dns1123SubdomainProblems, status.nominatedNodeName, at.child('nominatedNodeName'), errors);
  }
  if (isMoved && current.spec?.nodeName) {
    errors.forbidden(at.child('nominatedNodeName'), 'may not be set on pods that are already bound to a node');
  }
  const { observedGeneration = 0 } = status;
  if (observedGeneration < 0) {
    errors.invalid(at.child('observedGeneration'), observedGeneration, 'must be a non-negative integer');
  }
  if (before.qosClass && status.qosClass !== before.qosClass) {
    errors.invalid(at.child('qosClass'), status.qosClass ?? '', 'field is immutable');
  }
  validateRestarts(next, status, before, errors);
  validateClaimStatuses(next, errors);
  validateAddresses(status, before, errors);
  validateAllocatedResources(next, errors);
}

function validateAddresses(
  { podIPs = [], hostIPs = [], hostIP = '' }: PodStatus,
  before: PodStatus,
  errors: FieldErrors,
): void {
  for (const [field, list, typeName] of [
    ['podIPs', podIPs, 'io.k8s.api.core.v1.PodIP'],
    ['hostIPs', hostIPs, 'io.k8s.api.core.v1.HostIP'],
  ] as const) {
    const place = at.child(field);
    const texts = list.map(({ ip = '' }) => ip);
    if (field === 'hostIPs' && texts.length && hostIP !== texts[0]) {
      errors.invalid(place.index(0).child('ip'), texts[0], 'must be equal to `hostIP`');
    }
    const kept = (before[field] ?? []).map(({ ip = '' }) => ip);
    texts.forEach((ip, index) => {
      validateIp(ip, place.index(index), errors, kept);
    });
    if (texts.length < 2) continue;
    const bad = texts.findIndex((ip) => !parseIp(ip));
    if (bad >= 0) errors.internal(place, `failed to check for dual stack with error:invalid IP[${bad}]: ${texts[bad]}`);
    const families = new Set(texts.map((ip) => parseIp(ip)?.family));
    if (bad < 0 && families.size === 2 && texts.length === 2) continue;
    const shown = list.map((each) => goForm(typeName, each));
    errors.invalid(place, shown, 'may specify no more than one IP for each IP family');
  }
}

function validateConditionTypes({ conditions }: PodStatus, errors: FieldErrors): void {
  conditions?.forEach(({ type, observedGeneration = 0 }, index) => {
    const place = at.child('conditions').index(index);
    if (observedGeneration < 0) {
      errors.invalid(place.child('observedGeneration'), observedGeneration, 'must be a non-negative integer');
    }
    const builtIn = /^[A-Z][A-Za-z]*$/.test(type);
    if (!builtIn) validateBy(qualifiedNameProblems, type, place.child('Type'), errors);
  });
}

/** A container that has ended for good stays ended. */
function validateRestarts(pod: Pod, status: PodStatus, before: PodStatus, errors: FieldErrors): void {
  const policy = pod.spec?.restartPolicy;
  if (policy === 'Always') return;
  // One container's end may have all of them start anew.
  const all = [...(pod.spec?.initContainers ?? []), ...(pod.spec?.containers ?? [])];
  if (all.some(({ restartPolicyRules: rules }) => rules?.some(({ action }) => action === 'RestartAllContainers')))
    return;
  check(status.containerStatuses, before.containerStatuses, 'containerStatuses');

  function check(next: ContainerStatus[] | undefined, old: ContainerStatus[] | undefined, field: string): void {
    for (const past of old ?? []) {
      const ended = past.state?.terminated;
      if (!ended || (policy === 'OnFailure' && ended.exitCode !== 0)) continue;
      const container = pod.spec?.containers?.find(({ name }) => name === past.name);
      if (container?.restartPolicy || container?.restartPolicyRules?.length) continue;
      const index = next?.findIndex(({ name }) => name === past.name) ?? -1;
      if (index < 0 || next![index]!.state?.terminated || isEqual(next![index]!.state, past.state)) continue;
      const place = at.child(field).index(index).child('state');
      errors.forbidden(place, 'may not be transitioned to non-terminated state');
    }
  }
}
