// Volumes that are devices. The driver leaves a device at the publish path; a bind mount of it is kept in the global map, and
// a link to it in the pod's folder.
import { lstat, mkdir, open, readdir, realpath, rm, stat, symlink, unlink } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { attachmentName } from '../../api/storage/attachable-volumes.ts';
import { podData, readSecret } from './call-data.ts';
import { type CsiContext, told } from './context.ts';
import { csiMessage, isFinal } from './csi-error.ts';
import type { MountRequest } from './filesystem.ts';
import { removeEmpty } from './mount-folder.ts';
import { loadVolumeData, saveVolumeData } from './volume-data.ts';
import { type CsiVolumeSpec, wishOf } from './volume-spec.ts';

/** Readies the device for this node, if its driver has such a step. */
export async function stageDevice(context: CsiContext, request: MountRequest): Promise<void> {
  const { spec, publishContext, capabilities } = request;
  const { layout, client, drivers, nodeName } = context;
  const data = join(layout.device(spec.name), 'data');
  await mkdir(data, { recursive: true, mode: 0o750 });
  await saveVolumeData(data, {
    attachmentID: attachmentName(spec.handle, spec.driver, nodeName),
    driverName: spec.driver,
    nodeName,
    specVolID: spec.name,
    volumeHandle: spec.handle,
  });
  if (!capabilities.has('STAGE_UNSTAGE_VOLUME')) return;
  const secrets = await readSecret(client, csiMessage('failed to get NodeStageSecretRef %s'), spec.stageSecret);
  const staging = layout.deviceStaging(spec.name);
  await mkdir(staging, { recursive: true, mode: 0o750 });
  try {
    await drivers.client(spec.driver).stage(
      {
        volumeId: spec.handle,
        stagingTargetPath: told(context, staging),
        publishContext,
        volumeContext: spec.attributes,
        secrets,
        wish: wishOf(spec),
      },
      capabilities,
    );
  } catch (error) {
    if (isFinal(error)) await removeDeviceFiles(context, spec.name);
    throw error;
  }
}

/** Hands the device to a pod. Gives its path on this machine. */
export async function publishDevice(context: CsiContext, request: MountRequest): Promise<string> {
  const { pod, spec, publishContext, capabilities } = request;
  const { layout, client, drivers } = context;
  const uid = pod.metadata.uid!;
  const problem = csiMessage('blockMapper.publishVolumeForBlock failed to get NodePublishSecretRef %s');
  const secrets = await readSecret(client, problem, spec.publishSecret);
  const ofPod = await podData(pod, spec, withoutTokens(context, spec), context.requestToken);
  const folder = layout.devicePublish(spec.name);
  await mkdir(folder, { recursive: true, mode: 0o750 });
  // Made before the call: it is what is found of this pod when the call never ends.
  await mkdir(layout.podDevices(uid), { recursive: true, mode: 0o750 });
  const link = join(layout.podDevices(uid), basename(layout.device(spec.name)));
  const path = join(folder, uid);
  await symlink(path, link).catch(ignoreExisting);
  await drivers.client(spec.driver).publish(
    {
      volumeId: spec.handle,
      readonly: spec.readOnly,
      stagingTargetPath: told(context, layout.deviceStaging(spec.name)),
      targetPath: told(context, path),
      publishContext,
      volumeContext: { ...spec.attributes, ...ofPod.context },
      secrets,
      wish: wishOf(spec),
    },
    capabilities,
  );
  const device = await requireDevice(path);
  await bindIntoMap(context, spec, uid, device);
  return device;
}

/** Takes the device from a pod, as far as it ever had it. @param volume as the PersistentVolume is called */
export async function unpublishDevice(context: CsiContext, podUid: string, volume: string): Promise<void> {
  const { layout, mounter, drivers } = context;
  const mapped = join(layout.device(volume), 'dev', podUid);
  if ((await mounter.mountsBelow(mapped)).includes(mapped)) await mounter.unmount(mapped);
  await unlink(mapped).catch(ignoreMissing);
  const data = await loadVolumeData(join(layout.device(volume), 'data'));
  const path = join(layout.devicePublish(volume), podUid);
  if (data) await drivers.client(data.driverName).unpublish(data.volumeHandle, told(context, path));
  if (!(await mounter.mountsBelow(path)).includes(path))
    await rm(path, { force: true, recursive: false }).catch(() => removeEmpty(path));
  await unlink(join(layout.podDevices(podUid), basename(layout.device(volume)))).catch(ignoreMissing);
}

/** Undoes staging. */
export async function unstageDevice(context: CsiContext, volume: string): Promise<void> {
  const { layout, drivers } = context;
  const data = await loadVolumeData(join(layout.device(volume), 'data'));
  const staging = layout.deviceStaging(volume);
  if (data && (await lstat(staging).catch(() => undefined))) {
    const client = drivers.client(data.driverName);
    if ((await client.capabilities()).has('STAGE_UNSTAGE_VOLUME'))
      await client.unstage(data.volumeHandle, told(context, staging));
  }
  await removeDeviceFiles(context, volume);
}

/** Nothing uses the device any more: what is left of it goes, and nothing that is mounted. */
async function removeDeviceFiles({ layout, mounter }: CsiContext, volume: string): Promise<void> {
  const folder = layout.device(volume);
  await removeEmpty(layout.devicePublish(volume));
  await removeEmpty(layout.deviceStaging(volume));
  if ((await mounter.mountsBelow(folder)).length === 0) await rm(folder, { recursive: true, force: true });
}

/** Names of PersistentVolumes of which this node has something. */
export async function knownDevices({ layout }: CsiContext): Promise<string[]> {
  const names = await readdir(layout.devices).catch(() => []);
  return names.filter((name) => name !== 'staging' && name !== 'publish');
}

async function bindIntoMap({ layout, mounter }: CsiContext, spec: CsiVolumeSpec, podUid: string, device: string) {
  const map = join(layout.device(spec.name), 'dev');
  const mapped = join(map, podUid);
  await mkdir(map, { recursive: true, mode: 0o750 });
  if ((await mounter.mountsBelow(mapped)).includes(mapped)) return;
  await (await open(mapped, 'a', 0o640)).close();
  await mounter.bind(device, mapped);
}

/** A driver may leave a link to a device; whatever else it leaves does not get into a container. */
async function requireDevice(path: string): Promise<string> {
  const device = await realpath(path).catch(() => undefined);
  if (!device || !(await stat(device)).isBlockDevice())
    throw new Error(`the driver said that it published the volume, but there is no block device at ${path}`);
  return device;
}

/** Devices get no tokens. */
function withoutTokens(context: CsiContext, { driver }: CsiVolumeSpec) {
  const object = context.driverObject(driver);
  return object && { ...object, spec: { ...object.spec, tokenRequests: [] } };
}

function ignoreMissing(error: unknown): void {
  if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
}

function ignoreExisting(error: unknown): void {
  if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
}
