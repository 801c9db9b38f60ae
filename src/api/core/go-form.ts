// A few errors of upstream quote a whole value as its server holds it: every field, under its Go name, zeros and nulls
// too. Clients show them, so the form is kept.
import { type Field, typeOf } from '../../schema/ir.ts';

/** Initial letters that Go writes large; anything else just starts with a capital. */
const initialisms: readonly (readonly [RegExp, string])[] = [
  [/^Api(?=[A-Z]|$)/, 'API'],
  [/^Dns/, 'DNS'],
  [/^Tty$/, 'TTY'],
  [/^Tcp/, 'TCP'],
  [/^Http(?=[A-Z])/, 'HTTP'],
  [/^Ip(s|Families|FamilyPolicy|Mode)?$/, 'IP$1'],
  [/^Grpc$/, 'GRPC'],
  [/^Uid$/, 'UID'],
  [/^Fs(?=[A-Z])/, 'FS'],
  [/^Os$/, 'OS'],
  [/^Gce/, 'GCE'],
  [/^Aws/, 'AWS'],
  [/^Nfs$/, 'NFS'],
  [/^Iscsi/, 'ISCSI'],
  [/^Rbd/, 'RBD'],
  [/^Csi$/, 'CSI'],
  [/^Cel$/, 'CEL'],
  [/^Fc$/, 'FC'],
  [/^Cephfs$/, 'CephFS'],
  [/^Gmsa/, 'GMSA'],
  [/^SeLinux/, 'SELinux'],
  [/^Pd(?=[A-Z])/, 'PD'],
  [/^Url$/, 'URL'],
  [/^Storageos$/, 'StorageOS'],
  [/^Iqn$/, 'IQN'],
  [/^Wwids$/, 'WWIDs'],
];

/** Types whose order of fields differs from the served version's, and what their fields are called. */
const orders: Record<string, readonly string[]> = {
  'io.k8s.api.core.v1.PodSpec': [
    'volumes',
    'initContainers',
    'containers',
    'ephemeralContainers',
    'restartPolicy',
    'terminationGracePeriodSeconds',
    'activeDeadlineSeconds',
    'dnsPolicy',
    'nodeSelector',
    'serviceAccountName',
    'automountServiceAccountToken',
    'nodeName',
    'securityContext',
    'imagePullSecrets',
    'hostname',
    'subdomain',
    'setHostnameAsFQDN',
    'affinity',
    'schedulerName',
    'tolerations',
    'hostAliases',
    'priorityClassName',
    'priority',
    'preemptionPolicy',
    'dnsConfig',
    'readinessGates',
    'runtimeClassName',
    'overhead',
    'enableServiceLinks',
    'topologySpreadConstraints',
    'os',
    'schedulingGates',
    'resourceClaims',
    'resources',
    'hostnameOverride',
    'schedulingGroup',
  ],
  'io.k8s.api.core.v1.Volume': [
    'name',
    'hostPath',
    'emptyDir',
    'gcePersistentDisk',
    'awsElasticBlockStore',
    'gitRepo',
    'secret',
    'nfs',
    'iscsi',
    'glusterfs',
    'persistentVolumeClaim',
    'rbd',
    'quobyte',
    'flexVolume',
    'cinder',
    'cephfs',
    'flocker',
    'downwardAPI',
    'fc',
    'azureFile',
    'configMap',
    'vsphereVolume',
    'azureDisk',
    'photonPersistentDisk',
    'projected',
    'portworxVolume',
    'scaleIO',
    'storageos',
    'csi',
    'ephemeral',
    'image',
  ],
  'io.k8s.api.core.v1.PodSecurityContext': [
    'seLinuxOptions',
    'windowsOptions',
    'runAsUser',
    'runAsGroup',
    'runAsNonRoot',
    'supplementalGroups',
    'supplementalGroupsPolicy',
    'fsGroup',
    'fsGroupChangePolicy',
    'sysctls',
    'seccompProfile',
    'appArmorProfile',
    'seLinuxChangePolicy',
  ],
};

/** The pod's own flags stand in its security context there. */
const hostFlags = ['hostNetwork', 'hostPID', 'hostIPC', 'shareProcessNamespace', 'hostUsers'];

function goNameOf(name: string): string {
  const capital = name[0]!.toUpperCase() + name.slice(1);
  for (const [pattern, replacement] of initialisms) {
    if (pattern.test(capital)) return capital.replace(pattern, replacement);
  }
  return capital;
}

/** `value` of the type as a plain object in Go's form, ready for JSON. */
export function goForm(typeName: string, value: unknown): unknown {
  if (value === undefined || value === null) return null;
  if (!typeName.startsWith('io.k8s.api.')) return value;
  const source = value as Record<string, unknown>;
  const fields = fieldsOf(typeName);
  const form: Record<string, unknown> = {};
  for (const field of fields) form[goNameOf(field.name)] = formOfField(field, source[field.name]);
  if (typeName === 'io.k8s.api.core.v1.PodSpec') moveHostFlags(source, form);
  return form;
}

function fieldsOf(typeName: string): readonly Field[] {
  const { jsonFields, jsonField, gvk } = typeOf(typeName);
  const order = orders[typeName];
  if (!order) return gvk ? jsonFields.filter(({ name }) => name !== 'apiVersion' && name !== 'kind') : jsonFields;
  return order.flatMap((name) => jsonField.get(name) ?? []);
}

function moveHostFlags(source: Record<string, unknown>, form: Record<string, unknown>): void {
  const context = (form['SecurityContext'] ?? {}) as Record<string, unknown>;
  const flags: Record<string, unknown> = {};
  for (const name of hostFlags) {
    const isPointer = name === 'shareProcessNamespace' || name === 'hostUsers';
    flags[goNameOf(name)] = source[name] ?? (isPointer ? null : false);
  }
  form['SecurityContext'] = { ...flags, ...context };
}

function formOfField(field: Field, value: unknown): unknown {
  if (field.wrap === 'list') {
    return Array.isArray(value) && value.length ? value.map((item) => formOfValue(field, item)) : null;
  }
  if (field.wrap === 'map') {
    const entries = Object.entries((value ?? {}) as object).sort(([one], [other]) => (one < other ? -1 : 1));
    return entries.length ? Object.fromEntries(entries.map(([key, item]) => [key, formOfValue(field, item)])) : null;
  }
  if (value === undefined || value === null) return field.isPointer ? null : zeroOf(field);
  return formOfValue(field, value);
}

function formOfValue(field: Field, value: unknown): unknown {
  return field.kind === 'struct' && field.typeName ? goForm(field.typeName, value) : value;
}

function zeroOf(field: Field): unknown {
  switch (field.kind) {
    case 'string':
      return '';
    case 'bool':
      return false;
    case 'int32':
    case 'int64':
    case 'double':
    case 'intorstring':
      return 0;
    case 'quantity':
      return '0';
    case 'struct':
      return field.typeName?.startsWith('io.k8s.api.') ? goForm(field.typeName, {}) : {};
    default:
      return null;
  }
}
