// The program that is in force: follows the ConfigMap `kube-system/simulation`, and tells its owner what is wrong with it.
import type { ConfigMap } from '../../../generated/core-v1.ts';
import { configMapKind } from '../../../generated/kinds.ts';
import { type SimulationProgram, simulationKey } from '../../api/simulation/program.ts';
import { ProgramReader } from '../../api/simulation/program-reader.ts';
import type { Logger } from '../../base/log.ts';
import type { EventRecorder } from '../../reconcile/controller.ts';
import type { Informer, InformerFactory } from '../../reconcile/informer.ts';

export interface ProgramSourceOptions {
  readonly informers: InformerFactory;
  readonly recorder: EventRecorder;
  readonly log: Logger;
  /** The program has changed. */
  readonly onChange: (program: SimulationProgram) => void;
}

export class ProgramSource {
  readonly #informer: Informer<ConfigMap>;
  readonly #reader = new ProgramReader();
  program: SimulationProgram;

  constructor({ informers, recorder, log, onChange }: ProgramSourceOptions) {
    const { namespace, name } = simulationKey;
    this.#informer = informers.informer(configMapKind, { namespace, fieldSelector: `metadata.name=${name}` });
    this.program = this.#reader.read(undefined);
    const take = (map: ConfigMap | undefined) => {
      const before = this.program;
      this.program = this.#reader.read(map);
      const { problem } = this.#reader;
      if (map && problem) {
        log.warn('the simulation is left as it was', { problem });
        recorder.event({ ...map, apiVersion: 'v1', kind: 'ConfigMap' }, 'Warning', 'InvalidSimulation', problem);
      } else if (this.program !== before) onChange(this.program);
    };
    this.#informer.onChange({ added: take, updated: take, deleted: () => take(undefined) });
  }

  get hasSynced(): boolean {
    return this.#informer.hasSynced;
  }
}
