export interface ProbeOutcome {
  readonly isSuccess: boolean;
  readonly output: string;
  /** A success that somebody should look at; or no look at all, because of us or the runtime. Absent: a plain answer. */
  readonly kind?: 'warning' | 'error';
}
