// Volumes of pods: exactly one source each, with what that source needs. Sources that many kinds of storage share between
// pods and PersistentVolumes stand in volume-source-validation.ts.
import type { EphemeralVolumeSource, KeyToPath, Volume } from '../../../generated/core-v1.ts';
import type { FieldErrors, FieldPath } from '../meta/field-errors.ts';
import { dns1123LabelProblems, dns1123SubdomainProblems } from '../meta/names.ts';
import { validateTemplateMetadata } from '../meta/object-meta-validation.ts';
import { quantityOf } from '../meta/quantity.ts';
import { requireSupported } from '../meta/supported.ts';
import { required, validateBy } from '../meta/value-validation.ts';
import { validatePersistentVolumeClaimSpec } from './persistent-volume-claim-validation.ts';
import { validateProjected } from './projected-volume-validation.ts';
import { validateDownwardFile, validateItem, validateMode } from './volume-file-validation.ts';
import { isTargetTooLong, shownSources, storageSourceRules, targetTooLong } from './volume-source-validation.ts';

type SourceRule = (source: any, at: FieldPath, errors: FieldErrors) => void;

/**
 * The volumes that are valid, by name: the rest does not count as there when mounts look for it. The names of claims made
 * for ephemeral volumes begin with the pod's, which templates do not know.
 */
export function validateVolumes(
  volumes: readonly Volume[] | undefined,
  at: FieldPath,
  errors: FieldErrors,
  podName?: string,
): Map<string, Volume> {
  const byName = new Map<string, Volume>();
  const claims = new Set(
    podName ? volumes?.flatMap(({ ephemeral, name }) => (ephemeral ? `${podName}-${name}` : [])) : [],
  );
  volumes?.forEach((volume, index) => {
    const place = at.index(index);
    const before = errors.list.length;
    validateVolumeSource(volume, place, errors, podName);
    if (required(volume.name, place.child('name'), errors)) {
      validateBy(dns1123LabelProblems, volume.name, place.child('name'), errors);
    }
    if (byName.has(volume.name)) errors.duplicate(place.child('name'), volume.name);
    if (errors.list.length === before) byName.set(volume.name, volume);
    const claim = volume.persistentVolumeClaim?.claimName;
    if (claim !== undefined && claims.has(claim)) {
      const problem = 'must not reference a PVC that gets created for an ephemeral volume';
      errors.invalid(place.child('persistentVolumeClaim', 'claimName'), claim, problem);
    }
  });
  return byName;
}

function validateVolumeSource(volume: Volume, at: FieldPath, errors: FieldErrors, podName: string | undefined): void {
  let isFirst = true;
  for (const name of sources) {
    const source = volume[name];
    if (source === undefined) continue;
    const { inside = name, surplus = name } = shownSources[name] ?? {};
    if (isFirst) (ownRules[name] ?? storageSourceRules[name])?.(source, at.child(inside), errors);
    else errors.forbidden(at.child(surplus), 'may not specify more than 1 volume type');
    if (name === 'iscsi' && isTargetTooLong(volume.iscsi!, volume.name)) {
      errors.invalid(at.child('name'), volume.name, targetTooLong);
    }
    if (name === 'ephemeral' && isFirst && podName && volume.name) {
      const claim = `${podName}-${volume.name}`;
      for (const problem of dns1123SubdomainProblems(claim)) {
        errors.invalid(at.child('name'), volume.name, `PVC name "${claim}": ${problem}`);
      }
    }
    isFirst = false;
  }
  if (isFirst) errors.required(at, 'must specify a volume type');
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

function validateEphemeral(source: EphemeralVolumeSource, at: FieldPath, errors: FieldErrors): void {
  const place = at.child('volumeClaimTemplate');
  const template = source.volumeClaimTemplate;
  if (!template) {
    errors.required(place);
    return;
  }
  validateTemplateMetadata(template.metadata, place.child('metadata'), errors);
  validatePersistentVolumeClaimSpec(template.spec ?? {}, place.child('spec'), errors);
}

/** In the order in which upstream looks at them. */
const sources = [
  'emptyDir',
  'hostPath',
  'gitRepo',
  'gcePersistentDisk',
  'awsElasticBlockStore',
  'secret',
  'nfs',
  'iscsi',
  'glusterfs',
  'flocker',
  'persistentVolumeClaim',
  'rbd',
  'cinder',
  'cephfs',
  'quobyte',
  'downwardAPI',
  'fc',
  'flexVolume',
  'configMap',
  'azureFile',
  'vsphereVolume',
  'photonPersistentDisk',
  'portworxVolume',
  'azureDisk',
  'storageos',
  'projected',
  'scaleIO',
  'csi',
  'ephemeral',
  'image',
] as const satisfies readonly (keyof Volume)[];

const ownRules: Readonly<Partial<Record<keyof Volume, SourceRule>>> = {
  emptyDir(source, at, errors) {
    if (quantityOf(source.sizeLimit).sign >= 0) return;
    errors.forbidden(at.child('sizeLimit'), 'SizeLimit field must be a valid resource quantity');
  },
  secret: keyedSource('secretName'),
  configMap: keyedSource('name'),
  downwardAPI(source, at, errors) {
    validateMode(source.defaultMode, at.child('defaultMode'), errors);
    for (const file of source.items ?? []) validateDownwardFile(file, at, errors);
  },
  projected: validateProjected,
  ephemeral: validateEphemeral,
  image(source, at, errors) {
    required(source.reference, at.child('reference'), errors);
    requireSupported(errors, at.child('pullPolicy'), source.pullPolicy, ['Always', 'IfNotPresent', 'Never']);
  },
};
