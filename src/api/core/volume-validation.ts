// Volumes of pods: exactly one source each, with what that source needs. Sources that many kinds of storage share between
// pods and PersistentVolumes stand in volume-source-validation.ts.
import type {
  DownwardAPIVolumeFile,
  EphemeralVolumeSource,
  KeyToPath,
  ProjectedVolumeSource,
  Volume,
} from '../../../generated/core-v1.ts';
import type { FieldErrors, FieldPath } from '../meta/field-errors.ts';
import { dns1123LabelProblems } from '../meta/names.ts';
import { validateUnreservedPath } from '../meta/path-validation.ts';
import { quantityOf } from '../meta/quantity.ts';
import { requireSupported } from '../meta/supported.ts';
import { required, validateBy } from '../meta/value-validation.ts';
import { validateClaimTemplateSpec } from './claim-template-validation.ts';
import { validateFieldRef, validateResourceFieldRef, volumeFields } from './env-validation.ts';
import { storageSourceRules } from './volume-source-validation.ts';

type SourceRule = (source: any, at: FieldPath, errors: FieldErrors) => void;

/** The volumes that are valid, by name: the rest does not count as there when mounts look for it. */
export function validateVolumes(
  volumes: readonly Volume[] | undefined,
  at: FieldPath,
  errors: FieldErrors,
): Map<string, Volume> {
  const byName = new Map<string, Volume>();
  volumes?.forEach((volume, index) => {
    const place = at.index(index);
    const before = errors.list.length;
    validateVolumeSource(volume, place, errors);
    if (required(volume.name, place.child('name'), errors)) {
      validateBy(dns1123LabelProblems, volume.name, place.child('name'), errors);
    }
    if (byName.has(volume.name)) errors.duplicate(place.child('name'), volume.name);
    if (errors.list.length === before) byName.set(volume.name, volume);
  });
  return byName;
}

function validateVolumeSource(volume: Volume, at: FieldPath, errors: FieldErrors): void {
  let isFirst = true;
  for (const [name, rule, shown] of sourceRules) {
    const source = volume[name];
    if (source === undefined) continue;
    const place = at.child(shown ?? name);
    if (isFirst) rule(source, place, errors);
    else errors.forbidden(place, 'may not specify more than 1 volume type');
    isFirst = false;
  }
  if (isFirst) errors.required(at, 'must specify a volume type');
}

const modeMessage = 'must be a number between 0 and 0777 (octal), both inclusive';

function validateMode(mode: number | undefined, at: FieldPath, errors: FieldErrors): void {
  if (mode !== undefined && (mode < 0 || mode > 0o777)) errors.invalid(at, mode, modeMessage);
}

function validateItem({ key, path, mode }: KeyToPath, at: FieldPath, errors: FieldErrors): void {
  required(key, at.child('key'), errors);
  required(path, at.child('path'), errors);
  validateUnreservedPath(path, at.child('path'), errors);
  validateMode(mode, at.child('mode'), errors);
}

/** Files made of the keys of an object: Secrets and ConfigMaps. */
const keyedSource =
  (nameField: 'name' | 'secretName'): SourceRule =>
  (source, at, errors) => {
    required(source[nameField], at.child(nameField), errors);
    validateMode(source.defaultMode, at.child('defaultMode'), errors);
    source.items?.forEach((item: KeyToPath, index: number) => {
      validateItem(item, at.child('items').index(index), errors);
    });
  };

function validateDownwardFile(file: DownwardAPIVolumeFile, at: FieldPath, errors: FieldErrors): void {
  required(file.path, at.child('path'), errors);
  validateUnreservedPath(file.path, at.child('path'), errors);
  if (file.fieldRef) {
    validateFieldRef(file.fieldRef, volumeFields, at.child('fieldRef'), errors);
    if (file.resourceFieldRef) {
      errors.invalid(at, 'resource', 'fieldRef and resourceFieldRef can not be specified simultaneously');
    }
  } else if (file.resourceFieldRef) {
    const place = at.child('resourceFieldRef');
    if (!file.resourceFieldRef.containerName) errors.required(place.child('containerName'));
    else validateResourceFieldRef(file.resourceFieldRef, place, errors);
  } else {
    errors.required(at, 'one of fieldRef and resourceFieldRef is required');
  }
  validateMode(file.mode, at.child('mode'), errors);
}

function validateProjected(projected: ProjectedVolumeSource, at: FieldPath, errors: FieldErrors): void {
  validateMode(projected.defaultMode, at.child('defaultMode'), errors);
  const paths = new Set<string>();
  const claim = (path: string, shown: string): void => {
    if (!path) return;
    if (paths.has(path)) errors.invalid(at, shown, 'conflicting duplicate paths');
    paths.add(path);
  };
  projected.sources?.forEach((source, index) => {
    const place = at.child('sources').index(index);
    const { secret, configMap, downwardAPI, serviceAccountToken, clusterTrustBundle, podCertificate } = source;
    for (const [name, keyed] of [
      ['secret', secret],
      ['configMap', configMap],
    ] as const) {
      if (!keyed) continue;
      required(keyed.name, place.child(name, 'name'), errors);
      keyed.items?.forEach((item, position) => {
        validateItem(item, place.child(name, 'items').index(position), errors);
        claim(item.path, keyed.name ?? '');
      });
    }
    for (const file of downwardAPI?.items ?? []) {
      validateDownwardFile(file, place.child('downwardAPI'), errors);
      claim(file.path, file.path);
    }
    if (serviceAccountToken) {
      validateTokenLife(serviceAccountToken.expirationSeconds, place.child('serviceAccountToken'), errors);
      if (required(serviceAccountToken.path, at.child('path'), errors)) {
        validateUnreservedPath(serviceAccountToken.path, at.child('path'), errors);
      }
    }
    if (clusterTrustBundle) {
      const { name, signerName, path } = clusterTrustBundle;
      const trust = place.child('clusterTrustBundle');
      if (!name && !signerName) errors.required(trust, 'either name or signerName must be specified');
      if (required(path, trust.child('path'), errors)) validateUnreservedPath(path, trust.child('path'), errors);
      claim(path, path);
    }
    const all = [secret, configMap, downwardAPI, serviceAccountToken, clusterTrustBundle, podCertificate];
    if (all.filter(Boolean).length > 1) errors.forbidden(place, 'may not specify more than 1 volume type per source');
  });
}

function validateTokenLife(seconds: number | undefined, at: FieldPath, errors: FieldErrors): void {
  const place = at.child('expirationSeconds');
  if (seconds === undefined) return;
  if (seconds < 600) errors.invalid(place, seconds, 'may not specify a duration less than 10 minutes');
  if (seconds > 2 ** 32) errors.invalid(place, seconds, 'may not specify a duration larger than 2^32 seconds');
}

function validateEphemeral(source: EphemeralVolumeSource, at: FieldPath, errors: FieldErrors): void {
  const place = at.child('volumeClaimTemplate');
  const template = source.volumeClaimTemplate;
  if (!template) {
    errors.required(place);
    return;
  }
  const {
    labels: _labels,
    annotations: _annotations,
    ...others
  } = (template.metadata ?? {}) as Record<string, unknown>;
  for (const name in others) {
    if (others[name] && name !== 'creationTimestamp') errors.forbidden(place.child('metadata', name), 'cannot be set');
  }
  validateClaimTemplateSpec(template.spec, place.child('spec'), errors);
}

/** In the order in which upstream looks at them; the third is how errors name the field where that differs. */
const sourceRules: readonly (readonly [keyof Volume, SourceRule, string?])[] = [
  [
    'emptyDir',
    (source, at, errors) => {
      if (quantityOf(source.sizeLimit).sign >= 0) return;
      errors.forbidden(at.child('sizeLimit'), 'SizeLimit field must be a valid resource quantity');
    },
  ],
  ...storageSourceRules.beforeSecret,
  ['secret', keyedSource('secretName')],
  ...storageSourceRules.afterSecret,
  [
    'downwardAPI',
    (source, at, errors) => {
      validateMode(source.defaultMode, at.child('defaultMode'), errors);
      for (const file of source.items ?? []) validateDownwardFile(file, at, errors);
    },
  ],
  ...storageSourceRules.afterDownward,
  ['configMap', keyedSource('name')],
  ...storageSourceRules.afterConfigMap,
  ['projected', validateProjected],
  ...storageSourceRules.afterProjected,
  ['ephemeral', validateEphemeral],
  [
    'image',
    (source, at, errors) => {
      required(source.reference, at.child('reference'), errors);
      requireSupported(errors, at.child('pullPolicy'), source.pullPolicy, ['Always', 'IfNotPresent', 'Never']);
    },
  ],
];
