// Projected volumes: several sources, whose files may not meet.
import type {
  ProjectedVolumeSource,
  ServiceAccountTokenProjection,
  VolumeProjection,
} from '../../../generated/core-v1.ts';
import type { FieldErrors, FieldPath } from '../meta/field-errors.ts';
import { validateUnreservedPath } from '../meta/path-validation.ts';
import { required } from '../meta/value-validation.ts';
import { validateDownwardFile, validateItem, validateMode } from './volume-file-validation.ts';

/** Notes a path; one that is taken is an error, which shows something else for Secrets and ConfigMaps. */
type Claim = (path: string, shown?: string) => void;

export function validateProjected(projected: ProjectedVolumeSource, at: FieldPath, errors: FieldErrors): void {
  validateMode(projected.defaultMode, at.child('defaultMode'), errors);
  const paths = new Set<string>();
  const claim: Claim = (path, shown = path) => {
    if (paths.has(path)) errors.invalid(at, shown, 'conflicting duplicate paths');
    paths.add(path);
  };
  projected.sources?.forEach((source, index) => {
    validateSource(source, at.child('sources').index(index), at, claim, errors);
  });
}

function validateSource(source: VolumeProjection, place: FieldPath, at: FieldPath, claim: Claim, errors: FieldErrors) {
  const { secret, configMap, downwardAPI, serviceAccountToken } = source;
  for (const [name, keyed] of [
    ['secret', secret],
    ['configMap', configMap],
  ] as const) {
    if (!keyed) continue;
    required(keyed.name, place.child(name, 'name'), errors);
    keyed.items?.forEach((item, position) => {
      validateItem(item, place.child(name, 'items').index(position), errors);
      if (item.path) claim(item.path, keyed.name ?? '');
    });
  }
  for (const file of downwardAPI?.items ?? []) {
    validateDownwardFile(file, place.child('downwardAPI'), errors);
    if (file.path) claim(file.path);
  }
  if (serviceAccountToken) validateToken(serviceAccountToken, place.child('serviceAccountToken'), at, errors);
  // Other sources are behind gates that are off, and gone by now.
  const all = [secret, configMap, downwardAPI, serviceAccountToken];
  if (all.filter(Boolean).length > 1) errors.forbidden(place, 'may not specify more than 1 volume type per source');
}

function validateToken(
  token: ServiceAccountTokenProjection,
  place: FieldPath,
  at: FieldPath,
  errors: FieldErrors,
): void {
  const { expirationSeconds: seconds = 0, path } = token;
  const life = place.child('expirationSeconds');
  if (seconds < 600) errors.invalid(life, seconds, 'may not specify a duration less than 10 minutes');
  if (seconds > 2 ** 32) errors.invalid(life, seconds, 'may not specify a duration larger than 2^32 seconds');
  // The path is named as if it were the volume's.
  if (required(path, at.child('path'), errors)) validateUnreservedPath(path, at.child('path'), errors);
}
