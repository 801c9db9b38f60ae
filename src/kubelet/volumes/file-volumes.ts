// Volumes whose files we write: configMap, secret, downwardAPI, projected. They live in memory, behind `..data`.
import { mkdir, symlink } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { Volume } from '../../../generated/core-v1.ts';
import type { Reference } from '../reference-cache.ts';
import { writeAtomically } from './atomic-writer.ts';
import { configMapFiles, downwardFiles, type FileMap, secretFiles } from './object-files.ts';
import type { VolumeContext, VolumeDriver } from './volume-driver.ts';

interface FileVolume {
  readonly field: keyof Volume;
  readonly name: string;
  files(context: VolumeContext): Promise<FileMap>;
  references(volume: Volume, namespace: string): Reference[];
}

const defaultMode = 0o644;

function fileVolume({ field, name, files, references }: FileVolume): VolumeDriver {
  const write = async (context: VolumeContext): Promise<boolean> => {
    const gid = context.pod.spec.securityContext?.fsGroup;
    return writeAtomically(context.memoryDir, await files(context), gid === undefined ? {} : { gid });
  };
  return {
    field,
    name,
    references,
    async setUp(context) {
      await write(context);
      // The well-known path leads to the files; the runtime resolves it when it mounts.
      await mkdir(dirname(context.dir), { recursive: true });
      await symlink(context.memoryDir, context.dir).catch((error) => {
        if (error.code !== 'EEXIST') throw error;
      });
      return { hostPath: context.memoryDir, isReadOnly: true };
    },
    refresh: async (context) => void (await write(context)),
  };
}

export const configMap = fileVolume({
  field: 'configMap',
  name: 'configmap',
  files: (context) =>
    configMapFiles(context, context.volume.configMap!, context.volume.configMap!.defaultMode ?? defaultMode),
  references: ({ configMap: source }, namespace) => [{ kind: 'ConfigMap', namespace, name: source!.name ?? '' }],
});

export const secret = fileVolume({
  field: 'secret',
  name: 'secret',
  files: (context) => secretFiles(context, context.volume.secret!, context.volume.secret!.defaultMode ?? defaultMode),
  references: ({ secret: source }, namespace) => [{ kind: 'Secret', namespace, name: source!.secretName ?? '' }],
});

export const downwardApi = fileVolume({
  field: 'downwardAPI',
  name: 'downward-api',
  files: async (context) => {
    const { items = [], defaultMode: mode = defaultMode } = context.volume.downwardAPI!;
    return downwardFiles(context, items, mode);
  },
  references: () => [],
});

export const projected = fileVolume({
  field: 'projected',
  name: 'projected',
  async files(context) {
    const { sources = [], defaultMode: mode = defaultMode } = context.volume.projected!;
    const all: FileMap = new Map();
    for (const { configMap: config, secret: hidden, downwardAPI, serviceAccountToken: token } of sources) {
      let some: FileMap = new Map();
      if (config) some = await configMapFiles(context, config, mode);
      else if (hidden) some = await secretFiles(context, { ...hidden, secretName: hidden.name ?? '' }, mode);
      else if (downwardAPI) some = downwardFiles(context, downwardAPI.items ?? [], mode);
      else if (token) {
        const wish = {
          expirationSeconds: token.expirationSeconds ?? 3600,
          ...(token.audience ? { audience: token.audience } : {}),
        };
        const text = await context.services.tokens.token(context.pod, wish);
        some.set(token.path, { content: Buffer.from(text), mode });
      }
      for (const [path, file] of some) all.set(path, file);
    }
    return all;
  },
  references: ({ projected: source }, namespace) =>
    (source!.sources ?? []).flatMap(({ configMap: config, secret: hidden }): Reference[] => [
      ...(config ? [{ kind: 'ConfigMap' as const, namespace, name: config.name ?? '' }] : []),
      ...(hidden ? [{ kind: 'Secret' as const, namespace, name: hidden.name ?? '' }] : []),
    ]),
});
