// Takes the encryption configuration again when its file changes; one that is broken is refused, and the last one stays.
import type { Clock } from '../../base/clock.ts';
import type { Logger } from '../../base/log.ts';
import { followPath } from '../../base/path-changes.ts';
import { Counter, type Family, render } from '../../kubelet/server/metrics/exposition.ts';
import { hashOf } from './encryption-file.ts';

export interface EncryptionReloadOptions {
  readonly path: string;
  /** Which server this is, among several. */
  readonly serverId: string;
  readonly clock: Clock;
  readonly log: Logger;
  /** Hash of the text that is in use. */
  readonly loaded: () => string;
  /** Reads the file and takes it, when it is not what is in use. @throws what is wrong with it */
  readonly load: (signal: AbortSignal) => Promise<void>;
}

const periodMs = 60_000;
const family = 'apiserver_encryption_config_controller';

export class EncryptionReload {
  readonly #options: EncryptionReloadOptions;
  readonly #serverHash: string;
  readonly #reloads = new Counter(
    `${family}_automatic_reloads_total`,
    '[ALPHA] Total number of reload successes and failures of encryption configuration split by apiserver identity.',
  );
  /** By outcome, in seconds since the epoch. */
  readonly #lastSeconds = new Map<string, number>();
  #problem: string | undefined;

  constructor(options: EncryptionReloadOptions) {
    this.#options = options;
    this.#serverHash = hashOf(options.serverId);
  }

  async run(signal: AbortSignal): Promise<void> {
    const { path, clock } = this.#options;
    await followPath({ path, clock, periodMs }, () => this.#look(signal), signal);
  }

  async #look(signal: AbortSignal): Promise<void> {
    const { path, log, loaded, load } = this.#options;
    const before = loaded();
    try {
      await load(signal);
      this.#problem = undefined;
      if (loaded() === before) return;
      this.#count('success');
      log.info('the encryption configuration was loaded again', { file: path, hash: loaded() });
    } catch (error) {
      if (signal.aborted) return;
      this.#count('failure');
      const problem = (error as Error).message;
      if (problem !== this.#problem)
        log.error('the encryption configuration was not loaded again', error, { file: path });
      this.#problem = problem;
    }
  }

  #count(status: 'success' | 'failure'): void {
    this.#reloads.add({ status, apiserver_id_hash: this.#serverHash });
    this.#lastSeconds.set(status, this.#options.clock.now() / 1000);
  }

  /** Lines for `/metrics`, named as upstream's. */
  print(): string {
    const apiserver_id_hash = this.#serverHash;
    const families: Family[] = [
      this.#reloads,
      {
        name: `${family}_automatic_reload_last_timestamp_seconds`,
        help: '[ALPHA] Timestamp of the last successful or failed automatic reload of encryption configuration split by apiserver identity.',
        type: 'gauge',
        samples: [...this.#lastSeconds].map(([status, value]) => ({ labels: { status, apiserver_id_hash }, value })),
      },
      {
        name: `${family}_last_config_info`,
        help: '[ALPHA] Information about the last applied encryption configuration with hash as label, split by apiserver identity.',
        type: 'gauge',
        samples: [{ labels: { apiserver_id_hash, hash: this.#options.loaded() }, value: 1 }],
      },
    ];
    return render(families);
  }
}
