import { readFileSync } from 'node:fs';
import { exitCodes, UserFailure } from './failure.ts';

/** Refuses a file that the node agents could not use, before anything starts. @throws UserFailure, in upstream's words */
export async function checkKubeletConfiguration(file: string | undefined): Promise<void> {
  if (!file) return;
  const { parseKubeletConfiguration } = await import('../kubelet/config/configuration.ts');
  try {
    parseKubeletConfiguration(readFileSync(file, 'utf8'));
  } catch (error) {
    const remedy = `mend ${file}, or name another one with --kubelet-config (docs/node-agent.md)`;
    throw new UserFailure(exitCodes.usage, 'E_KUBELET_CONFIG', (error as Error).message, remedy);
  }
}
