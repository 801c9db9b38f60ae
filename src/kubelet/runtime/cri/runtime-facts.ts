// How a runtime is set up, from what it tells over CRI: what we would otherwise have to be told, or to guess.
import type { RuntimeFacts } from '../runtime.ts';
import type { CriConnection, CriMessage } from './cri-connection.ts';

const askMs = 5_000;

/** @param images serves images; the same connection with most runtimes */
export async function runtimeFacts(cri: CriConnection, images: CriConnection): Promise<RuntimeFacts> {
  const ask = (connection: CriConnection, method: string, request: object): Promise<CriMessage | undefined> =>
    connection.call(method, request, { timeoutMs: askMs }).catch(() => undefined); // it does not have this call
  const [status, config, disk] = await Promise.all([
    ask(cri, 'Status', { verbose: true }),
    ask(cri, 'RuntimeConfig', {}),
    ask(images, 'ImageFsInfo', {}),
  ]);
  const { sandboxImage, cniConfDir } = told(status?.info?.config);
  const driver: string | undefined = config?.linux?.cgroupDriver;
  const imageDir: string | undefined = disk?.imageFilesystems?.[0]?.fsId?.mountpoint;
  return {
    ...(sandboxImage ? { sandboxImage } : {}),
    ...(cniConfDir ? { cniConfDir } : {}),
    ...(driver ? { cgroupDriver: driver === 'SYSTEMD' ? 'systemd' : 'cgroupfs' } : {}),
    ...(imageDir ? { imageDir } : {}),
  };
}

/** containerd's configuration as JSON, of which CRI-O has the sandbox' image alone. */
function told(text: unknown): { sandboxImage?: string | undefined; cniConfDir?: string | undefined } {
  try {
    const { sandboxImage, cni } = JSON.parse(String(text)) as { sandboxImage?: string; cni?: { confDir?: string } };
    return { sandboxImage, cniConfDir: cni?.confDir };
  } catch {
    return {};
  }
}
