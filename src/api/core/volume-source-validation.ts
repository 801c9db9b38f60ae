// Storage that pods name directly: what each source needs. Most of it is history that old manifests still carry.
import type { Volume } from '../../../generated/core-v1.ts';
import type { FieldErrors, FieldPath } from '../meta/field-errors.ts';
import { dns1123SubdomainProblems, rangeMessage } from '../meta/names.ts';
import { validateDescendingPath, validateNoBacksteps } from '../meta/path-validation.ts';
import { checkSupported } from '../meta/supported.ts';
import { required, validateBy } from '../meta/value-validation.ts';

type SourceRule = (source: any, at: FieldPath, errors: FieldErrors) => void;
type NamedRule = readonly [keyof Volume, SourceRule, string?];

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

export const validateHostPath: SourceRule = (source, at, errors) => {
  if (!required(source.path, at.child('path'), errors)) return;
  validateNoBacksteps(source.path, at.child('path'), errors);
  checkSupported(errors, at.child('type'), source.type, hostPathTypes);
};

const validateGitRepo: SourceRule = (source, at, errors) => {
  required(source.repository, at.child('repository'), errors);
  validateDescendingPath(source.directory ?? '', at.child('directory'), errors);
};

export const validateNfs: SourceRule = (source, at, errors) => {
  required(source.server, at.child('server'), errors);
  required(source.path, at.child('path'), errors);
  if (!source.path.startsWith('/')) errors.invalid(at.child('path'), source.path, 'must be an absolute path');
};

const iqnShapes: readonly (readonly [string, RegExp])[] = [
  ['iqn', /^iqn\.\d{4}-\d{2}\.[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*(:\S*)?$/i],
  ['eui', /^eui\.[0-9a-f]{16}$/i],
  ['naa', /^naa\.(?:[0-9a-f]{16}|[0-9a-f]{32})$/i],
];

const validateIscsi: SourceRule = (source, at, errors) => {
  required(source.targetPortal, at.child('targetPortal'), errors);
  if (required(source.iqn, at.child('iqn'), errors)) {
    const shape = iqnShapes.find(([prefix]) => source.iqn.startsWith(prefix));
    if (!shape) errors.invalid(at.child('iqn'), source.iqn, 'must be valid format starting with iqn, eui, or naa');
    else if (!shape[1].test(source.iqn)) errors.invalid(at.child('iqn'), source.iqn, 'must be valid format');
  }
  validateLun(source.lun, at, errors);
  if ((source.chapAuthDiscovery || source.chapAuthSession) && !source.secretRef) {
    errors.required(at.child('secretRef'));
  }
};

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
  else if (!source.registry.split(',').every((pair: string) => /^.+:[0-9]+$/.test(pair))) {
    errors.invalid(at.child('registry'), source.registry, message);
  }
  required(source.volume, at.child('volume'), errors);
};

const validateAzureDisk: SourceRule = (source, at, errors) => {
  required(source.diskName, at.child('diskName'), errors);
  required(source.diskURI, at.child('diskURI'), errors);
  checkSupported(errors, at.child('cachingMode'), source.cachingMode, ['None', 'ReadOnly', 'ReadWrite']);
  checkSupported(errors, at.child('kind'), source.kind, ['Dedicated', 'Managed', 'Shared']);
  if (!source.diskURI) return;
  const isManaged = source.kind === 'Managed';
  if (isManaged ? source.diskURI.startsWith('/subscriptions/') : /^https?:\/\//.test(source.diskURI)) return;
  const supported = isManaged
    ? '/subscriptions/{sub-id}/resourcegroups/{group-name}/providers/microsoft.compute/disks/{disk-id}'
    : 'https://{account-name}.blob.core.windows.net/{container-name}/{disk-name}.vhd';
  errors.notSupported(at.child('diskURI'), source.diskURI, [supported]);
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
  const place = at.child('nodePublishSecretRef', 'name');
  if (required(secret.name, place, errors)) validateBy(dns1123SubdomainProblems, secret.name, place, errors);
};

const cinder: SourceRule = (source, at, errors) => {
  required(source.volumeID, at.child('volumeID'), errors);
  if (source.secretRef) required(source.secretRef.name, at.child('secretRef', 'name'), errors);
};

const scaleIo: SourceRule = needs('gateway', 'system', 'volumeName');

export const storageSourceRules: Readonly<
  Record<'beforeSecret' | 'afterSecret' | 'afterDownward' | 'afterConfigMap' | 'afterProjected', readonly NamedRule[]>
> = {
  beforeSecret: [
    ['hostPath', validateHostPath],
    ['gitRepo', validateGitRepo],
    ['gcePersistentDisk', diskWithPartition('pdName'), 'persistentDisk'],
    ['awsElasticBlockStore', diskWithPartition('volumeID')],
  ],
  afterSecret: [
    ['nfs', validateNfs],
    ['iscsi', validateIscsi],
    ['glusterfs', needs('endpoints', 'path')],
    ['persistentVolumeClaim', needs('claimName')],
    ['rbd', needs('monitors', 'image')],
    ['flexVolume', needs('driver')],
    ['cinder', cinder],
    ['cephfs', needs('monitors')],
    ['flocker', validateFlocker],
  ],
  afterDownward: [
    ['fc', validateFibreChannel],
    ['azureFile', needs('secretName', 'shareName')],
  ],
  afterConfigMap: [
    ['vsphereVolume', needs('volumePath')],
    ['quobyte', validateQuobyte],
    ['azureDisk', validateAzureDisk],
    ['photonPersistentDisk', needs('pdID')],
    ['portworxVolume', needs('volumeID')],
    ['scaleIO', scaleIo],
  ],
  afterProjected: [
    ['storageos', needs('volumeName')],
    ['csi', validateCsi],
  ],
};
