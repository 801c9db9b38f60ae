import type { ConfigMap } from '../../../generated/core-v1.ts';
import { emptyProgram, parseProgram, type SimulationProgram, simulationFile } from './program.ts';

/** The program of the newest ConfigMap that could be read; one that cannot leaves the former in force. */
export class ProgramReader {
  #version: string | undefined;
  #program = emptyProgram;
  #problem: string | undefined;

  /** What is wrong with the ConfigMap read last. */
  get problem(): string | undefined {
    return this.#problem;
  }

  /** @param map as it is now; undefined: there is none */
  read(map: ConfigMap | undefined): SimulationProgram {
    const version = map?.metadata.resourceVersion;
    if (version === this.#version) return this.#program;
    this.#version = version;
    this.#problem = undefined;
    try {
      const text = map?.data?.[simulationFile];
      this.#program = text === undefined ? emptyProgram : parseProgram(text);
    } catch (error) {
      this.#problem = `${simulationFile}: ${(error as Error).message}`;
    }
    return this.#program;
  }
}
