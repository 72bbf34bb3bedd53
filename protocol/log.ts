/** Structured log lines: a fixed message plus fields. The adapter (pino) is named in `node/compose.ts`. */

/** Fields of a log line; units are in their names. */
export type LogFields = Readonly<Record<string, unknown>>

/** Writes log lines. Never throws, never waits. */
export interface Log {
  debug(message: string, fields?: LogFields): void
  info(message: string, fields?: LogFields): void
  warn(message: string, fields?: LogFields): void
  error(message: string, fields?: LogFields): void
  /** A log whose lines all carry these fields. */
  child(fields: LogFields): Log
}

/** A log that writes nothing. */
export const silentLog: Log = {
  debug: () => {},
  info: () => {},
  warn: () => {},
  error: () => {},
  child: () => silentLog,
}
