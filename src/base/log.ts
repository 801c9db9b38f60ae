// Structured lines: JSON, one an event, on the stream given. Loggers take typed fields only, so that no object that
// could hold a secret is printed by accident.

export type LogFields = Readonly<Record<string, string | number | boolean | undefined>>;
export type LogLevel = 'debug' | 'info' | 'warn' | 'error';

export interface Logger {
  debug(message: string, fields?: LogFields): void;
  info(message: string, fields?: LogFields): void;
  warn(message: string, fields?: LogFields): void;
  /** `error` is logged by its message and stack; pass what was caught. */
  error(message: string, error: unknown, fields?: LogFields): void;
  /** A logger whose every line carries `fields` as well. */
  with(fields: LogFields): Logger;
}

const rank: Record<LogLevel, number> = { debug: 0, info: 1, warn: 2, error: 3 };

/** Logs lines at `level` and above to `write`, which gets one line with its newline at a time. */
export function createLogger(write: (line: string) => void, level: LogLevel = 'info', base: LogFields = {}): Logger {
  const emit = (at: LogLevel, message: string, fields?: LogFields) => {
    if (rank[at] < rank[level]) return;
    write(`${JSON.stringify({ time: new Date().toISOString(), level: at, ...base, message, ...fields })}\n`);
  };
  return {
    debug: (message, fields) => emit('debug', message, fields),
    info: (message, fields) => emit('info', message, fields),
    warn: (message, fields) => emit('warn', message, fields),
    error: (message, error, fields) =>
      emit('error', message, {
        ...fields,
        error: error instanceof Error ? (error.stack ?? error.message) : String(error),
      }),
    with: (fields) => createLogger(write, level, { ...base, ...fields }),
  };
}

export const silentLogger: Logger = createLogger(() => {});
