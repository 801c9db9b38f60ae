import { readFileSync } from 'node:fs';
import type { KubeletConfiguration } from '../../kubelet/config/types.ts';
import { exitCodes, UserFailure } from '../failure.ts';

/** How long pods may take to end, by the configuration that names their times. @throws UserFailure */
export async function podShutdownMs(file: string | undefined): Promise<number> {
  const { shutdownGracePeriods = [] } = (await checkKubeletConfiguration(file)) ?? {};
  const seconds = shutdownGracePeriods.reduce((sum, each) => sum + each.seconds, 0);
  if (seconds > 0) return seconds * 1000;
  const remedy = 'give a file with shutdownGracePeriod: --kubelet-config FILE (docs/node-agent.md)';
  throw new UserFailure(exitCodes.usage, 'E_KUBELET_CONFIG', 'nothing says how long pods have to end', remedy);
}

/** Refuses a file that the node agents could not use, before anything starts. @throws UserFailure, in upstream's words */
export async function checkKubeletConfiguration(file: string | undefined): Promise<KubeletConfiguration | undefined> {
  if (!file) return undefined;
  const { parseKubeletConfiguration } = await import('../../kubelet/config/configuration.ts');
  try {
    return parseKubeletConfiguration(readFileSync(file, 'utf8'));
  } catch (error) {
    const remedy = `mend ${file}, or name another one with --kubelet-config (docs/node-agent.md)`;
    throw new UserFailure(exitCodes.usage, 'E_KUBELET_CONFIG', (error as Error).message, remedy);
  }
}
