export interface ProbeOutcome {
  readonly isSuccess: boolean;
  readonly output: string;
}
