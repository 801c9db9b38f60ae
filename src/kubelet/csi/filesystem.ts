// Volumes with a file system: staged once for the node, published to each pod.
import { lstat, mkdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { Pod } from '../../../generated/core-v1.ts';
import type { CSIDriver } from '../../../generated/storage-v1.ts';
import { attachmentName } from '../../api/storage/attachable-volumes.ts';
import { podData, readSecret } from './call-data.ts';
import { type CsiContext, told } from './context.ts';
import { csiMessage, isFinal } from './csi-error.ts';
import { removeMountFolder } from './mount-folder.ts';
import type { Capabilities } from './node-client.ts';
import { loadVolumeData, saveVolumeData } from './volume-data.ts';
import { type CsiVolumeSpec, wishOf } from './volume-spec.ts';

export interface MountRequest {
  readonly pod: Pod;
  readonly spec: CsiVolumeSpec;
  /** What the driver's controller said. */
  readonly publishContext: Readonly<Record<string, string>>;
  readonly capabilities: Capabilities;
  readonly fsGroup: number | undefined;
}

/** Readies the volume for this node, if its driver has such a step. */
export async function stageFilesystem(context: CsiContext, request: MountRequest): Promise<void> {
  const { spec, publishContext, capabilities, fsGroup } = request;
  const { layout, mounter, client, drivers } = context;
  if (spec.mode === 'Ephemeral' || !capabilities.has('STAGE_UNSTAGE_VOLUME')) return;
  const secrets = await readSecret(client, 'fetching NodeStageSecretRef %s failed', spec.stageSecret);
  const folder = layout.globalMount(spec.driver, spec.handle);
  await mkdir(folder, { recursive: true, mode: 0o750 });
  await saveVolumeData(dirname(folder), { driverName: spec.driver, volumeHandle: spec.handle });
  const group = capabilities.has('VOLUME_MOUNT_GROUP') ? fsGroup : undefined;
  try {
    await drivers.client(spec.driver).stage(
      {
        volumeId: spec.handle,
        stagingTargetPath: told(context, folder),
        publishContext,
        volumeContext: spec.attributes,
        secrets,
        wish: wishOf(spec, group),
      },
      capabilities,
    );
  } catch (error) {
    // Else the driver may still be at it: what is known is kept, to be unstaged later.
    if (isFinal(error)) await removeMountFolder(mounter, folder);
    throw error;
  }
}

/** Hands the volume to a pod; on a remount it has it already. Gives the path on this machine. */
export async function publishFilesystem(
  context: CsiContext,
  request: MountRequest,
  isRemount: boolean,
): Promise<string> {
  const { pod, spec, publishContext, capabilities, fsGroup } = request;
  const { layout, mounter, client, drivers, nodeName } = context;
  requireLifecycleMode(spec, context.driverObject(spec.driver));
  const folder = layout.podVolume(pod.metadata.uid!, spec.name);
  const target = join(folder, 'mount');
  const secrets = await readSecret(client, 'fetching NodePublishSecretRef %s failed', spec.publishSecret);
  const ofPod = await podData(pod, spec, context.driverObject(spec.driver), context.requestToken);
  await mkdir(folder, { recursive: true, mode: 0o750 });
  await saveVolumeData(folder, {
    attachmentID: attachmentName(spec.handle, spec.driver, nodeName),
    driverName: spec.driver,
    nodeName,
    specVolID: spec.name,
    volumeHandle: spec.handle,
    volumeLifecycleMode: spec.mode,
  });
  const isStaged = spec.mode === 'Persistent' && capabilities.has('STAGE_UNSTAGE_VOLUME');
  const group = capabilities.has('VOLUME_MOUNT_GROUP') ? fsGroup : undefined;
  try {
    await drivers.client(spec.driver).publish(
      {
        volumeId: spec.handle,
        readonly: spec.readOnly,
        stagingTargetPath: isStaged ? told(context, layout.globalMount(spec.driver, spec.handle)) : '',
        targetPath: told(context, target),
        publishContext,
        volumeContext: { ...spec.attributes, ...ofPod.context },
        secrets: { ...secrets, ...ofPod.secrets },
        wish: wishOf(spec, group),
      },
      capabilities,
    );
  } catch (error) {
    if (isFinal(error) && !isRemount) await removeMountFolder(mounter, target);
    throw error;
  }
  await requireFolder(target);
  return target;
}

/** Takes it from a pod. Nothing happens where it was never handed over. */
export async function unpublishFilesystem(context: CsiContext, podVolumeFolder: string): Promise<void> {
  const data = await loadVolumeData(podVolumeFolder);
  const target = join(podVolumeFolder, 'mount');
  if (data) {
    const { driverName, volumeHandle } = data;
    await context.drivers.client(driverName).unpublish(volumeHandle, told(context, target));
  }
  await removeMountFolder(context.mounter, target);
}

/** Undoes staging. @param folder that holds `globalmount` and the data */
export async function unstageFilesystem(context: CsiContext, folder: string): Promise<void> {
  const data = await loadVolumeData(folder);
  const target = join(folder, 'globalmount');
  if (data) {
    const client = context.drivers.client(data.driverName);
    if ((await client.capabilities()).has('STAGE_UNSTAGE_VOLUME'))
      await client.unstage(data.volumeHandle, told(context, target));
  }
  await removeMountFolder(context.mounter, target);
}

/** Whether the pod's fsGroup is for this node to apply. */
export function takesGroup(spec: CsiVolumeSpec, driver: CSIDriver | undefined, capabilities: Capabilities): boolean {
  const policy = driver?.spec.fsGroupPolicy ?? 'ReadWriteOnceWithFSType';
  if (spec.readOnly || policy === 'None' || capabilities.has('VOLUME_MOUNT_GROUP')) return false;
  if (policy === 'File') return true;
  if (spec.fsType === '') return false;
  if (spec.mode === 'Ephemeral') return true;
  return spec.accessModes?.some((mode) => mode === 'ReadWriteOnce' || mode === 'ReadWriteOncePod') ?? false;
}

function requireLifecycleMode({ mode, driver }: CsiVolumeSpec, object: CSIDriver | undefined): void {
  const modes = object?.spec.volumeLifecycleModes ?? ['Persistent'];
  if ((!object && mode === 'Persistent') || (object && modes.includes(mode))) return;
  const why = object ? `only supports [${modes.map((each) => JSON.stringify(each)).join(' ')}]` : 'no CSIDriver object';
  const problem = `volume mode "${mode}" not supported by driver ${driver} (${why})`;
  throw new Error(csiMessage('mounter.SetupAt failed to check volume lifecycle mode', new Error(problem)));
}

/** What a driver left there is mounted into containers: a link would lead anywhere. */
async function requireFolder(target: string): Promise<void> {
  const stats = await lstat(target).catch(() => undefined);
  if (!stats) throw new Error(`the driver said that it published the volume, but nothing is at ${target}`);
  if (stats.isSymbolicLink()) throw new Error(`the driver left a symbolic link at ${target}`);
}
