import type { HTTPIngressPath, IngressBackend, IngressRule, IngressSpec } from '../../../generated/networking-v1.ts';
import type { FieldErrors, FieldPath } from '../meta/field-errors.ts';
import { parseIp } from '../meta/ip-address.ts';
import {
  dns1123LabelProblems,
  dns1123SubdomainProblems,
  pathSegmentProblems,
  portNameProblems,
  portNumberProblems,
  wildcardSubdomainProblems,
} from '../meta/names.ts';
import { checkSupported } from '../meta/supported.ts';
import { required, validateBy } from '../meta/value-validation.ts';

const forbiddenSequences = ['//', '/./', '/../', '%2f', '%2F'];
const forbiddenSuffixes = ['/..', '/.'];
const pathTypes = ['Exact', 'ImplementationSpecific', 'Prefix'];

function validateHost(host: string, at: FieldPath, errors: FieldErrors): void {
  validateBy(host.includes('*') ? wildcardSubdomainProblems : dns1123SubdomainProblems, host, at, errors);
}

function validateReference(
  { apiGroup, kind, name }: { apiGroup?: string | null; kind: string; name: string },
  at: FieldPath,
  errors: FieldErrors,
): void {
  if ((apiGroup ?? null) !== null) validateBy(dns1123SubdomainProblems, apiGroup!, at.child('apiGroup'), errors);
  if (required(kind, at.child('kind'), errors)) validateBy(pathSegmentProblems, kind, at.child('kind'), errors);
  if (required(name, at.child('name'), errors)) validateBy(pathSegmentProblems, name, at.child('name'), errors);
}

function validateService(service: NonNullable<IngressBackend['service']>, at: FieldPath, errors: FieldErrors): void {
  const place = at.child('service');
  if (required(service.name, place.child('name'), errors)) {
    validateBy(dns1123LabelProblems, service.name, place.child('name'), errors);
  }
  const { name, number } = service.port ?? {};
  if (name && number) errors.invalid(at, '', 'cannot set both port name & port number');
  else if (name) validateBy(portNameProblems, name, place.child('port', 'name'), errors);
  else if (number) {
    for (const problem of portNumberProblems(number)) errors.invalid(place.child('port', 'number'), number, problem);
  } else errors.required(at, 'port name or number is required');
}

function validateBackend({ service, resource }: IngressBackend, at: FieldPath, errors: FieldErrors): void {
  if (service && resource) errors.invalid(at, '', 'cannot set both resource and service backends');
  else if (resource) validateReference(resource, at.child('resource'), errors);
  else if (service) validateService(service, at, errors);
  else errors.invalid(at, '', 'resource or service backend is required');
}

function validatePath(
  { path: text = '', pathType, backend }: HTTPIngressPath,
  at: FieldPath,
  errors: FieldErrors,
): void {
  if (pathType === undefined || pathType === null) {
    errors.required(at.child('pathType'), 'pathType must be specified');
    return;
  }
  const place = at.child('path');
  const isExact = pathType === 'Exact' || pathType === 'Prefix';
  if (pathTypes.includes(pathType) && (isExact || text) && !text.startsWith('/')) {
    errors.invalid(place, text, 'must be an absolute path');
  }
  for (const sequence of isExact ? forbiddenSequences : []) {
    if (text.includes(sequence)) errors.invalid(place, text, `must not contain '${sequence}'`);
  }
  for (const suffix of isExact ? forbiddenSuffixes : []) {
    if (text.endsWith(suffix)) errors.invalid(place, text, `cannot end with '${suffix}'`);
  }
  checkSupported(errors, at.child('pathType'), pathType, pathTypes);
  validateBackend(backend, at.child('backend'), errors);
}

function validateRule({ host, http }: IngressRule, at: FieldPath, errors: FieldErrors): void {
  if (host) {
    if (parseIp(host)) errors.invalid(at.child('host'), host, 'must be a DNS name, not an IP address');
    validateHost(host, at.child('host'), errors);
  }
  if (!http) return;
  required(http.paths, at.child('http', 'paths'), errors);
  http.paths?.forEach((each, index) => {
    validatePath(each, at.child('http', 'paths').index(index), errors);
  });
}

export function validateIngressSpec(spec: IngressSpec, at: FieldPath, errors: FieldErrors): void {
  const { rules = [], defaultBackend, tls = [], ingressClassName } = spec;
  if (!rules.length && !defaultBackend) {
    errors.invalid(at, spec.rules ?? null, 'either `defaultBackend` or `rules` must be specified');
  }
  if (defaultBackend) validateBackend(defaultBackend, at.child('defaultBackend'), errors);
  rules.forEach((rule, index) => {
    validateRule(rule, at.child('rules').index(index), errors);
  });
  tls.forEach(({ hosts = [], secretName }, index) => {
    const place = at.child('tls').index(index);
    hosts.forEach((host, i) => {
      validateHost(host, place.child('hosts').index(i), errors);
    });
    if (secretName) validateBy(dns1123SubdomainProblems, secretName, place.child('secretName'), errors);
  });
  if (ingressClassName !== undefined) {
    validateBy(dns1123SubdomainProblems, ingressClassName, at.child('ingressClassName'), errors);
  }
}
