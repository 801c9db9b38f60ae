// A file that says how simulated pods and nodes live becomes the ConfigMap that they follow.
import { readFileSync } from 'node:fs';
import { configMapKind } from '../../../../generated/kinds.ts';
import { parseProgram, simulationFile, simulationKey } from '../../../api/simulation/program.ts';
import type { Client } from '../../../client/client.ts';
import { exitCodes, UserFailure } from '../../failure.ts';

/** @throws UserFailure for a file that cannot be read or is wrong */
export async function applySimulation(client: Client, file: string): Promise<void> {
  const text = readSimulation(file);
  const data = { [simulationFile]: text };
  const maps = client.resource(configMapKind);
  const current = await maps.find(simulationKey);
  if (current) await maps.update({ ...current, data });
  else await maps.create({ metadata: simulationKey, data });
}

function readSimulation(file: string): string {
  try {
    const text = readFileSync(file, 'utf8');
    parseProgram(text);
    return text;
  } catch (error) {
    const problem = `the simulation ${file} cannot be used: ${(error as Error).message}`;
    throw new UserFailure(
      exitCodes.usage,
      'E_SIMULATION',
      problem,
      'mend the file; docs/simulated-nodes.md shows its form',
    );
  }
}
