// What the stages of a start share.
import type { Clock } from '../base/clock.ts';
import type { Logger } from '../base/log.ts';
import type { Random } from '../base/random.ts';
import type { Layout } from './settings/layout.ts';
import type { Settings } from './settings/settings.ts';
import type { StateFile } from './settings/state-file.ts';
import type { Report, UpOptions } from './settings/up-options.ts';

export interface StartContext {
  readonly options: UpOptions;
  readonly layout: Layout;
  readonly settings: Settings;
  /** This machine runs containers; otherwise nodes are simulated, or there are none. */
  readonly isReal: boolean;
  readonly state: StateFile;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
  /** For lines that come ready from threads. */
  readonly writeLog: (line: string) => void;
  readonly report: Report;
  /** Tells that a step is done, with the time since the step before. */
  readonly timed: (name: string, text: string) => void;
  /** Undone in reverse, when the cluster stops or a later stage fails. */
  readonly cleanup: AsyncDisposableStack;
  /** A part that cannot go on takes the rest down in order. */
  readonly onFailure: (error: Error) => void;
}
