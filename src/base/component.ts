/** What the manager starts and stops: store, servers, loops. */
export interface Component {
  readonly name: string;
  /** Settles once the signal has aborted and everything this component opened is closed. */
  run(signal: AbortSignal): Promise<void>;
}
