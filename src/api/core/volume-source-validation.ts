// Storage that pods name directly: what each source needs. Most of it is history that old manifests still carry.
import type { Volume } from '../../../generated/core-v1.ts';
import type { FieldErrors, FieldPath } from '../meta/field-errors.ts';
import { dns1123LabelProblems, dns1123SubdomainProblems, rangeMessage } from '../meta/names.ts';
import { validateDescendingPath, validateNoBacksteps } from '../meta/path-validation.ts';
import { checkSupported } from '../meta/supported.ts';
import { required, validateBy } from '../meta/value-validation.ts';

type SourceRule = (source: any, at: FieldPath, errors: FieldErrors) => void;

const needs =
  (...fields: string[]): SourceRule =>
  (source, at, errors) => {
    for (const field of fields) required(source[field], at.child(field), errors);
  };

function validatePartition(partition: number | undefined, at: FieldPath, errors: FieldErrors): void {
  if (partition === undefined || (partition >= 0 && partition <= 255)) return;
  errors.invalid(at.child('partition'), partition, rangeMessage(1, 255));
}

function validateLun(lun: number, at: FieldPath, errors: FieldErrors): void {
  if (lun < 0 || lun > 255) errors.invalid(at.child('lun'), lun, rangeMessage(0, 255));
}

const diskWithPartition =
  (idField: string): SourceRule =>
  (source, at, errors) => {
    required(source[idField], at.child(idField), errors);
    validatePartition(source.partition, at, errors);
  };

const hostPathTypes = [
  '',
  'BlockDevice',
  'CharDevice',
  'Directory',
  'DirectoryOrCreate',
  'File',
  'FileOrCreate',
  'Socket',
];

const validateHostPath: SourceRule = (source, at, errors) => {
  if (!required(source.path, at.child('path'), errors)) return;
  validateNoBacksteps(source.path, at.child('path'), errors);
  checkSupported(errors, at.child('type'), source.type, hostPathTypes);
};

const validateGitRepo: SourceRule = (source, at, errors) => {
  required(source.repository, at.child('repository'), errors);
  validateDescendingPath(source.directory ?? '', at.child('directory'), errors);
};

const validateNfs: SourceRule = (source, at, errors) => {
  required(source.server, at.child('server'), errors);
  required(source.path, at.child('path'), errors);
  if (!source.path.startsWith('/')) errors.invalid(at.child('path'), source.path, 'must be an absolute path');
};

// The first is not anchored, and its dots match anything: as upstream.
const initiatorShapes: readonly (readonly [string, RegExp])[] = [
  ['iqn', /iqn\.\d{4}-\d{2}\.([0-9A-Za-z\-.]+)(:[^,;*&$|\s]+)$/],
  ['eui', /^eui.[0-9A-Za-z]{16}$/],
  ['naa', /^naa.[0-9A-Za-z]{32}$/],
];

function validateInitiator(name: string, at: FieldPath, errors: FieldErrors, otherwise: string): void {
  const shape = initiatorShapes.find(([prefix]) => name.startsWith(prefix));
  if (!shape) errors.invalid(at, name, otherwise);
  else if (!shape[1].test(name)) errors.invalid(at, name, 'must be valid format');
}

/** `otherwise`: what is said of a name that begins in no known way. */
const iscsi =
  (otherwise: string): SourceRule =>
  (source, at, errors) => {
    required(source.targetPortal, at.child('targetPortal'), errors);
    if (required(source.iqn, at.child('iqn'), errors))
      validateInitiator(source.iqn, at.child('iqn'), errors, otherwise);
    validateLun(source.lun, at, errors);
    if ((source.chapAuthDiscovery || source.chapAuthSession) && !source.secretRef) {
      errors.required(at.child('secretRef'));
    }
    if (source.initiatorName === undefined) return;
    validateInitiator(source.initiatorName, at.child('initiatorname'), errors, otherwise);
  };

export const iscsiOfVolume = iscsi('must be valid format');

/** With the name of the volume it may be too long for an initiator of its own. */
export function isTargetTooLong(source: { initiatorName?: string; targetPortal?: string }, name: string): boolean {
  return source.initiatorName !== undefined && `${name}:${source.targetPortal ?? ''}`.length > 64;
}

export const targetTooLong =
  'Total length of <volume name>:<iscsi.targetPortal> must be under 64 characters if iscsi.initiatorName is specified.';

const validateFibreChannel: SourceRule = (source, at, errors) => {
  const { targetWWNs = [], wwids = [], lun } = source;
  if (!targetWWNs.length && !wwids.length) {
    errors.required(at.child('targetWWNs'), 'must specify either targetWWNs or wwids, but not both');
  }
  if (targetWWNs.length && wwids.length) {
    errors.invalid(at.child('targetWWNs'), targetWWNs, 'targetWWNs and wwids can not be specified simultaneously');
  }
  if (!targetWWNs.length) return;
  if (lun === undefined) errors.required(at.child('lun'), 'lun is required if targetWWNs is specified');
  else validateLun(lun, at, errors);
};

const validateFlocker: SourceRule = ({ datasetName, datasetUUID }, at, errors) => {
  if (!datasetName && !datasetUUID) errors.required(at, 'one of datasetName and datasetUUID is required');
  if (datasetName && datasetUUID) {
    errors.invalid(at, 'resource', 'datasetName and datasetUUID can not be specified simultaneously');
  }
  if (datasetName?.includes('/')) errors.invalid(at.child('datasetName'), datasetName, "must not contain '/'");
};

const validateQuobyte: SourceRule = (source, at, errors) => {
  const message = 'must be a host:port pair or multiple pairs separated by commas';
  if (!source.registry) errors.required(at.child('registry'), message);
  else if (source.tenant?.length >= 65)
    errors.required(at.child('tenant'), 'must be a UUID and may not exceed a length of 64 characters');
  else {
    for (const pair of source.registry.split(',')) {
      if (!/^(?:[^:[\]]*|\[[^[\]]*\]):[^:[\]]*$/.test(pair))
        errors.invalid(at.child('registry'), source.registry, message);
    }
  }
  required(source.volume, at.child('volume'), errors);
};

const validateAzureDisk: SourceRule = (source, at, errors) => {
  required(source.diskName, at.child('diskName'), errors);
  required(source.diskURI, at.child('diskURI'), errors);
  checkSupported(errors, at.child('cachingMode'), source.cachingMode, ['None', 'ReadOnly', 'ReadWrite']);
  checkSupported(errors, at.child('kind'), source.kind, ['Dedicated', 'Managed', 'Shared']);
  if (source.kind === undefined) return;
  const isManaged = source.kind === 'Managed';
  if ((source.diskURI ?? '').startsWith(isManaged ? '/subscriptions/' : 'https://')) return;
  const supported = isManaged
    ? '/subscriptions/{sub-id}/resourcegroups/{group-name}/providers/microsoft.compute/disks/{disk-id}'
    : 'https://{account-name}.blob.core.windows.net/{container-name}/{disk-name}.vhd';
  errors.notSupported(at.child('diskURI'), source.diskURI ?? '', [supported]);
};

export function validateCsiDriverName(name: string, at: FieldPath, errors: FieldErrors): void {
  if (!required(name, at, errors)) return;
  if (name.length > 63) errors.tooLong(at, 63);
  for (const problem of dns1123SubdomainProblems(name.toLowerCase())) errors.invalid(at, name, problem);
}

const validateCsi: SourceRule = (source, at, errors) => {
  validateCsiDriverName(source.driver, at.child('driver'), errors);
  const secret = source.nodePublishSecretRef;
  if (!secret) return;
  // A bad name is told at a place of its own.
  if (required(secret.name, at.child('nodePublishSecretRef', 'name'), errors)) {
    validateBy(dns1123SubdomainProblems, secret.name, at.child('name'), errors);
  }
};

const cinder: SourceRule = (source, at, errors) => {
  required(source.volumeID, at.child('volumeID'), errors);
  if (source.secretRef) required(source.secretRef.name, at.child('secretRef', 'name'), errors);
};

const validateFlex: SourceRule = (source, at, errors) => {
  required(source.driver, at.child('driver'), errors);
  for (const key of Object.keys(source.options ?? {})) {
    if (!/\.(?:kubernetes|k8s)\.io$/.test(`.${key.split('/')[0]!.toLowerCase()}`)) continue;
    errors.invalid(at.child('options').key(key), key, 'kubernetes.io and k8s.io namespaces are reserved');
  }
};

const validateStorageOs: SourceRule = (source, at, errors) => {
  if (required(source.volumeName, at.child('volumeName'), errors)) {
    validateBy(dns1123LabelProblems, source.volumeName, at.child('volumeName'), errors);
  }
  if (source.volumeNamespace) {
    validateBy(dns1123LabelProblems, source.volumeNamespace, at.child('volumeNamespace'), errors);
  }
  if (source.secretRef) required(source.secretRef.name, at.child('secretRef', 'name'), errors);
};

/** A rule by the field it is for. */
export const storageSourceRules: Readonly<Partial<Record<keyof Volume, SourceRule>>> = {
  hostPath: validateHostPath,
  gitRepo: validateGitRepo,
  gcePersistentDisk: diskWithPartition('pdName'),
  awsElasticBlockStore: diskWithPartition('volumeID'),
  nfs: validateNfs,
  iscsi: iscsi('must be valid format starting with iqn, eui, or naa'),
  glusterfs: needs('endpoints', 'path'),
  flocker: validateFlocker,
  persistentVolumeClaim: needs('claimName'),
  rbd: needs('monitors', 'image'),
  cinder,
  cephfs: needs('monitors'),
  quobyte: validateQuobyte,
  fc: validateFibreChannel,
  flexVolume: validateFlex,
  azureFile: needs('secretName', 'shareName'),
  vsphereVolume: needs('volumePath'),
  photonPersistentDisk: needs('pdID'),
  portworxVolume: needs('volumeID'),
  azureDisk: validateAzureDisk,
  storageos: validateStorageOs,
  scaleIO: needs('gateway', 'system', 'volumeName'),
  csi: validateCsi,
};

/** A few sources are called otherwise: in what is wrong with them, and where they are one too many. */
export const shownSources: Readonly<Record<string, { readonly inside?: string; readonly surplus?: string }>> = {
  gcePersistentDisk: { inside: 'persistentDisk' },
  cephfs: { surplus: 'cephFS' },
  downwardAPI: { surplus: 'downwarAPI' },
};
