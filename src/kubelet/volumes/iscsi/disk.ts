// Which disk of which target a volume is. Everything here came from a user and goes into arguments, names of files and folders,
// so that whatever could mean more than it says is refused.
import { isIPv6 } from 'node:net';
import type { ISCSIPersistentVolumeSource, ISCSIVolumeSource, SecretReference } from '../../../../generated/core-v1.ts';
import { iscsiVolumeName } from '../../../api/storage/attachable-volumes.ts';

/** A volume as a pod asks for it. */
export interface IscsiRequest {
  /** The pod's name of the volume, or that of the PersistentVolume. */
  readonly name: string;
  /** As the pod calls it. */
  readonly podVolume: string;
  readonly source: ISCSIVolumeSource | ISCSIPersistentVolumeSource;
  readonly isReadOnly: boolean;
  readonly isBlock: boolean;
  readonly mountOptions: readonly string[];
}

/** What must be known to log in, and to log out again. */
export interface IscsiDisk {
  readonly name: string;
  /** With their ports; the first gives the disk its name. */
  readonly portals: readonly string[];
  readonly iqn: string;
  readonly lun: number;
  /** The interface of a session; one of its own where `initiatorName` is given. */
  readonly iface: string;
  /** The interface that the one of its own is made from. */
  readonly baseIface: string;
  readonly initiatorName: string;
  readonly isBlock: boolean;
  /** In statuses of nodes; several, where volumes spell its portal differently. */
  readonly uniqueNames: readonly string[];
}

const host = /^[A-Za-z0-9][A-Za-z0-9._-]{0,252}$/;
const iscsiName = /^(iqn|eui|naa)\.[^\s/,;*&$|\p{Cc}]{1,219}$/u;
const interfaceName = /^[A-Za-z0-9_][A-Za-z0-9_.:-]{0,63}$/;
const defaultPort = 3260;
const mostPortals = 64;

/** @throws Error that says which value is refused */
export function diskOf({ name, source, isBlock }: IscsiRequest): IscsiDisk {
  const { targetPortal, portals = [], iqn, lun, iscsiInterface, initiatorName = '' } = source;
  if (portals.length > mostPortals) refuse('portals', portals.length, `must be at most ${mostPortals}`);
  const all = [...new Set([targetPortal, ...portals].map(portalOf))];
  if (!iscsiName.test(iqn)) refuse('iqn', iqn, 'is no name of a target');
  if (initiatorName !== '' && !iscsiName.test(initiatorName))
    refuse('initiatorName', initiatorName, 'is no name of an initiator');
  if (!Number.isInteger(lun) || lun < 0 || lun > 16_383) refuse('lun', lun, 'must be between 0 and 16383');
  const baseIface = iscsiInterface || 'default';
  if (!interfaceName.test(baseIface)) refuse('iscsiInterface', baseIface, 'is no name of an interface');
  const iface = initiatorName === '' ? baseIface : `${all[0]}:${name}`;
  const uniqueNames = [iscsiVolumeName(source)];
  return { name, portals: all, iqn, lun, iface, baseIface, initiatorName, isBlock, uniqueNames };
}

/** @throws Error when it is none that can be mounted as */
export function fileSystemOf(fsType = ''): string {
  if (fsType === '') return 'ext4';
  if (!/^[A-Za-z0-9][A-Za-z0-9_-]{0,31}$/.test(fsType)) refuse('fsType', fsType, 'is no name of a file system');
  return fsType;
}

/** Where the names and passwords for CHAP are; undefined where none are asked for. */
export function secretOf({ source }: IscsiRequest, podNamespace: string): Required<SecretReference> | undefined {
  const { chapAuthDiscovery, chapAuthSession, secretRef } = source;
  if (!secretRef?.name || !(chapAuthDiscovery || chapAuthSession)) return undefined;
  const namespace = ('namespace' in secretRef && secretRef.namespace) || podNamespace;
  return { namespace, name: secretRef.name };
}

/** Address and port, as the tool writes them. */
export function splitPortal(portal: string): { address: string; port: string } {
  const at = portal.lastIndexOf(':');
  return { address: portal.slice(0, at).replace(/^\[|\]$/g, ''), port: portal.slice(at + 1) };
}

/** `HOST:PORT`, with the default port where none is given. */
function portalOf(text: string): string {
  if (isIPv6(text)) return `[${text}]:${defaultPort}`;
  const [, name = '', port = String(defaultPort)] = /^(\[[^[\]]*\]|[^:]*)(?::(\d{1,5}))?$/.exec(text) ?? [];
  const isRight = name.startsWith('[') ? isIPv6(name.slice(1, -1)) && /^[^\s/]+$/.test(name) : host.test(name);
  if (!isRight || Number(port) < 1 || Number(port) > 65_535)
    refuse('targetPortal', text, 'is no address with or without a port');
  return `${name}:${port}`;
}

function refuse(field: string, value: unknown, why: string): never {
  throw new Error(`iscsi: ${field} ${JSON.stringify(value).slice(0, 300)} ${why}`);
}
