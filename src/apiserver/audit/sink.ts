// Where lines of the audit log go.
export interface AuditSink {
  /** For metrics: `log`, `webhook`. */
  readonly name: string;
  /** Lines that nobody will see. */
  readonly dropped: number;
  /** Never blocks and never throws. A line is one event in JSON, with its newline. */
  write(line: string): void;
  /** Hands over what waits, for as long as that is sensible. */
  close(): Promise<void>;
}
