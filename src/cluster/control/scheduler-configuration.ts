import { readFileSync } from 'node:fs';
import type { Configuration } from '../../scheduler/config/types.ts';
import { exitCodes, UserFailure } from '../failure.ts';
import type { Settings } from '../settings/settings.ts';

/** Undefined: no file was named. @throws UserFailure for one that cannot be used, in upstream's words. */
export async function schedulerConfiguration({
  schedulerConfigFile: file,
}: Settings): Promise<Configuration | undefined> {
  if (!file) return undefined;
  const { parseConfiguration } = await import('../../scheduler/config/configuration.ts');
  const { activePlugins } = await import('../../scheduler/config/profile-plugins.ts');
  try {
    const configuration = parseConfiguration(readFileSync(file, 'utf8'));
    for (const profile of configuration.profiles) activePlugins(profile);
    return configuration;
  } catch (error) {
    const remedy = `mend ${file}, or name another one with --scheduler-config (docs/scheduler-configuration.md)`;
    throw new UserFailure(exitCodes.usage, 'E_SCHEDULER_CONFIG', (error as Error).message, remedy);
  }
}
