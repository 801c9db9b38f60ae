// Environment variables and where their values come from.
import type {
  Container,
  EnvFromSource,
  EnvVar,
  EnvVarSource,
  FileKeySelector,
  ObjectFieldSelector,
  PodSpec,
  ResourceFieldSelector,
  Volume,
} from '../../../generated/core-v1.ts';
import type { FieldErrors, FieldPath } from '../meta/field-errors.ts';
import {
  configMapKeyProblems,
  dns1123LabelProblems,
  dns1123SubdomainProblems,
  envVarNameProblems,
  qualifiedNameProblems,
  subdomainNameRule,
} from '../meta/names.ts';
import { validateNoBacksteps } from '../meta/path-validation.ts';
import { quantityOf } from '../meta/quantity.ts';
import { required, validateBy } from '../meta/value-validation.ts';

export type VolumesByName = ReadonlyMap<string, Volume>;

export function validateEnv(container: Container, at: FieldPath, errors: FieldErrors): void {
  container.env?.forEach((variable, index) => {
    const place = at.index(index);
    if (required(variable.name, place.child('name'), errors)) {
      validateBy(envVarNameProblems, variable.name, place.child('name'), errors);
    }
    if (variable.valueFrom) validateValueFrom(variable, variable.valueFrom, place.child('valueFrom'), errors);
  });
}

function validateValueFrom(variable: EnvVar, source: EnvVarSource, at: FieldPath, errors: FieldErrors): void {
  const { fieldRef, resourceFieldRef, configMapKeyRef, secretKeyRef, fileKeyRef } = source;
  if (fieldRef) validateFieldRef(fieldRef, envFields, at.child('fieldRef'), errors);
  if (resourceFieldRef) validateResourceFieldRef(resourceFieldRef, at.child('resourceFieldRef'), errors);
  if (configMapKeyRef) validateKeyRef(configMapKeyRef, at.child('configMapKeyRef'), errors);
  if (secretKeyRef) validateKeyRef(secretKeyRef, at.child('secretKeyRef'), errors);
  if (fileKeyRef) validateFileKeyRef(fileKeyRef, at.child('fileKeyRef'), errors);
  const count = [fieldRef, resourceFieldRef, configMapKeyRef, secretKeyRef, fileKeyRef].filter(Boolean).length;
  if (count === 0) {
    errors.invalid(
      at,
      '',
      'must specify one of: `fieldRef`, `resourceFieldRef`, `configMapKeyRef`, `secretKeyRef` or `fileKeyRef`',
    );
  } else if (variable.value) {
    errors.invalid(at, '', 'may not be specified when `value` is not empty');
  } else if (count > 1) {
    errors.invalid(at, '', 'may not have more than one field specified at a time');
  }
}

function validateKeyRef({ name, key }: { name?: string; key: string }, at: FieldPath, errors: FieldErrors): void {
  validateBy(dns1123SubdomainProblems, name ?? '', at.child('name'), errors);
  if (required(key, at.child('key'), errors)) validateBy(configMapKeyProblems, key, at.child('key'), errors);
}

function validateFileKeyRef({ volumeName, path, key }: FileKeySelector, at: FieldPath, errors: FieldErrors): void {
  if (required(key, at.child('key'), errors)) validateBy(envVarNameProblems, key, at.child('key'), errors);
  if (required(volumeName, at.child('volumeName'), errors)) {
    validateBy(dns1123LabelProblems, volumeName, at.child('volumeName'), errors);
  }
  if (required(path, at.child('path'), errors)) validateNoBacksteps(path, at.child('path'), errors);
}

/** Files with variables stand in volumes of the pod that containers write: in one list of them after the other. */
export function validateEnvFiles(spec: PodSpec, at: FieldPath, errors: FieldErrors): void {
  const volumes = new Map((spec.volumes ?? []).map((volume) => [volume.name, volume]));
  for (const list of ['initContainers', 'containers', 'ephemeralContainers'] as const) {
    spec[list]?.forEach(({ env }, index) => {
      env?.forEach(({ valueFrom }, position) => {
        if (!valueFrom?.fileKeyRef) return;
        const { volumeName = '' } = valueFrom.fileKeyRef;
        const variable = at.child(list).index(index).child('env').index(position);
        const place = variable.child('valueFrom', 'fileKeyRef', 'volumeName');
        const volume = volumes.get(volumeName);
        if (!volume) errors.notFound(place, volumeName);
        else if (!volume.emptyDir) errors.invalid(place, volumeName, 'referenced volume must be of type emptyDir');
      });
    });
  }
}

export function validateEnvFrom(sources: EnvFromSource[] | undefined, at: FieldPath, errors: FieldErrors): void {
  sources?.forEach(({ prefix, configMapRef, secretRef }, index) => {
    const place = at.index(index);
    if (prefix) validateBy(envVarNameProblems, prefix, place.child('prefix'), errors);
    for (const [name, reference] of [
      ['configMapRef', configMapRef],
      ['secretRef', secretRef],
    ] as const) {
      if (!reference || !required(reference.name, place.child(name, 'name'), errors)) continue;
      // As the beginning of a name: it may end in a dash.
      for (const problem of subdomainNameRule(reference.name!, true)) {
        errors.invalid(place.child(name, 'name'), reference.name, problem);
      }
    }
    if (!configMapRef && !secretRef) errors.invalid(at, '', 'must specify one of: `configMapRef` or `secretRef`');
    else if (configMapRef && secretRef) {
      errors.invalid(at, '', 'may not have more than one field specified at a time');
    }
  });
}

export const envFields = [
  'metadata.name',
  'metadata.namespace',
  'metadata.uid',
  'spec.nodeName',
  'spec.serviceAccountName',
  'status.hostIP',
  'status.hostIPs',
  'status.podIP',
  'status.podIPs',
];
export const volumeFields = [
  'metadata.annotations',
  'metadata.labels',
  'metadata.name',
  'metadata.namespace',
  'metadata.uid',
];
/** Fields that pods have; which of them may stand where is another question. */
const knownFields = new Set([
  ...envFields,
  ...volumeFields,
  'spec.restartPolicy',
  'spec.schedulerName',
  'status.phase',
  'spec.host',
]);

export function validateFieldRef(
  { apiVersion, fieldPath }: ObjectFieldSelector,
  allowed: readonly string[],
  at: FieldPath,
  errors: FieldErrors,
): void {
  if (!required(apiVersion, at.child('apiVersion'), errors)) return;
  const place = at.child('fieldPath');
  if (!required(fieldPath, place, errors)) return;
  const conversion = (problem: string): void =>
    errors.invalid(place, fieldPath, `error converting fieldPath: ${problem}`);
  if (apiVersion !== 'v1') {
    conversion(`unsupported pod version: ${apiVersion}`);
    return;
  }
  const subscripted = /^([\s\S]+?)\['([\s\S]*)'\]$/.exec(fieldPath);
  if (subscripted) {
    const [, map, key] = subscripted as unknown as [string, string, string];
    if (map === 'metadata.annotations') {
      validateBy(qualifiedNameProblems, key.toLowerCase(), at, errors);
      return;
    }
    if (map === 'metadata.labels') {
      validateBy(qualifiedNameProblems, key, at, errors);
      return;
    }
    conversion(`field label does not support subscript: ${fieldPath}`);
    return;
  }
  if (!knownFields.has(fieldPath)) {
    conversion(`field label not supported: ${fieldPath}`);
    return;
  }
  const path = fieldPath === 'spec.host' ? 'spec.nodeName' : fieldPath;
  if (!allowed.includes(path)) errors.notSupported(place, path, allowed);
}

const resourceFields = [
  'limits.cpu',
  'limits.ephemeral-storage',
  'limits.memory',
  'requests.cpu',
  'requests.ephemeral-storage',
  'requests.memory',
];
const byteDivisors = ['1', '1k', '1M', '1G', '1T', '1P', '1E', '1Ki', '1Mi', '1Gi', '1Ti', '1Pi', '1Ei'];

export function validateResourceFieldRef(
  { resource, divisor }: ResourceFieldSelector,
  at: FieldPath,
  errors: FieldErrors,
): void {
  const isHugePages = /^(limits|requests)\.hugepages-/.test(resource);
  if (!resource) errors.required(at.child('resource'));
  else if (!resourceFields.includes(resource) && !isHugePages) {
    errors.notSupported(at.child('resource'), resource, resourceFields);
  }
  const quantity = quantityOf(divisor);
  if (quantity.isZero) return;
  const check = (allowed: readonly string[], what: string): void => {
    if (allowed.includes(quantity.toString())) return;
    const listed = allowed.length > 2 ? allowed.join(', ') : '1m and 1';
    errors.invalid(
      at.child('divisor'),
      resource,
      `only divisor's values ${listed} are supported with the ${what} resource`,
    );
  };
  if (resource.endsWith('.cpu')) check(['1m', '1'], 'cpu');
  else if (resource.endsWith('.memory')) check(byteDivisors, 'memory');
  else if (resource.endsWith('.ephemeral-storage')) check(byteDivisors, 'local ephemeral storage');
  else if (isHugePages) check(byteDivisors, 'hugepages');
}
