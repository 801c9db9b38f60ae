// Files out of ConfigMaps, Secrets and the downward API: shared by the single volumes and the projected one.
import type {
  ConfigMapVolumeSource,
  DownwardAPIVolumeFile,
  KeyToPath,
  SecretVolumeSource,
} from '../../../generated/core-v1.ts';
import { fieldValue, resourceValue } from '../pods/field-ref.ts';
import type { VolumeFile } from './atomic-writer.ts';
import type { VolumeContext } from './volume-driver.ts';

export type FileMap = Map<string, VolumeFile>;

interface KeyedSource {
  readonly items?: readonly KeyToPath[];
  readonly optional?: boolean;
}

/** All keys, or the chosen ones at their paths. @throws for a chosen key that is missing and not optional. */
function pickKeys(
  data: ReadonlyMap<string, Uint8Array>,
  { items, optional }: KeyedSource,
  mode: number,
  what: string,
): FileMap {
  const files: FileMap = new Map();
  if (!items?.length) for (const [key, content] of data) files.set(key, { content, mode });
  for (const item of items ?? []) {
    const content = data.get(item.key);
    if (content) files.set(item.path, { content, mode: item.mode ?? mode });
    else if (!optional) throw new Error(`${what} references non-existent ${what.split(' ')[0]} key: ${item.key}`);
  }
  return files;
}

export async function configMapFiles(
  context: VolumeContext,
  source: ConfigMapVolumeSource,
  mode: number,
): Promise<FileMap> {
  const namespace = context.pod.metadata.namespace!;
  const found = await context.services.objects.configMap(namespace, source.name ?? '');
  if (!found && !source.optional) throw new Error(`configmap "${source.name}" not found`);
  const data = new Map<string, Uint8Array>();
  for (const [key, text] of Object.entries(found?.data ?? {})) data.set(key, Buffer.from(text));
  for (const [key, base64] of Object.entries(found?.binaryData ?? {})) data.set(key, Buffer.from(base64, 'base64'));
  return pickKeys(data, source, mode, 'config map');
}

export async function secretFiles(context: VolumeContext, source: SecretVolumeSource, mode: number): Promise<FileMap> {
  const namespace = context.pod.metadata.namespace!;
  const found = await context.services.objects.secret(namespace, source.secretName ?? '');
  if (!found && !source.optional) throw new Error(`secret "${source.secretName}" not found`);
  const data = new Map<string, Uint8Array>();
  for (const [key, base64] of Object.entries(found?.data ?? {})) data.set(key, Buffer.from(base64, 'base64'));
  return pickKeys(data, source, mode, 'secret');
}

export function downwardFiles(
  { pod, facts }: VolumeContext,
  items: readonly DownwardAPIVolumeFile[],
  mode: number,
): FileMap {
  const files: FileMap = new Map();
  for (const { path, fieldRef, resourceFieldRef, mode: own } of items) {
    const text = fieldRef
      ? fieldValue(pod, fieldRef, facts)
      : resourceFieldRef
        ? resourceValue(pod, resourceFieldRef, undefined, facts)
        : '';
    files.set(path, { content: Buffer.from(text), mode: own ?? mode });
  }
  return files;
}
