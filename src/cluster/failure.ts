// Failures a person can mend: one line of what is wrong, one command that mends it, an exit code scripts can branch on.

/** Exit codes of our own verbs: the last digit says what kind (2 timeout, 3 not running, 4 usage, 5 not found, 7 permission…). */
export const exitCodes = {
  usage: 14,
  permission: 37,
  conflict: 31,
  missing: 35,
  runtime: 50,
  timeout: 82,
  notRunning: 83,
  internal: 80,
} as const;

export class UserFailure extends Error {
  readonly exitCode: number;
  /** Stable word for scripts: `E_PORT_IN_USE`. */
  readonly code: string;
  /** The command or step that mends it. */
  readonly remedy: string;

  constructor(exitCode: number, code: string, message: string, remedy: string) {
    super(message);
    this.name = 'UserFailure';
    this.exitCode = exitCode;
    this.code = code;
    this.remedy = remedy;
  }
}
