/** Log lines as JSON on stderr, by pino. The command line prints for people. */
import { destination, type Logger, pino } from 'pino'
import type { Log } from '../../protocol/log.ts'

/** Bytes of lines that may wait for a slow disk; further lines are dropped. */
const WAITING_BYTES = 256 * 1024

/** Makes the log. A full disk under it drops lines and throws no error: the peer reports the full disk and waits. */
export function createPinoLog(options: { level: string; name: string; file?: string }): Log {
  const to = options.file ? { dest: options.file, mkdir: true } : { dest: 2 }
  const sink = destination({ ...to, sync: true, maxLength: WAITING_BYTES })
  // Its lines are written again with the next one.
  sink.on('error', () => {})
  return wrap(pino({ level: options.level, base: { peer: options.name } }, sink))
}

const wrap = (logger: Logger): Log => ({
  debug: (message, fields) => logger.debug(fields ?? {}, message),
  info: (message, fields) => logger.info(fields ?? {}, message),
  warn: (message, fields) => logger.warn(fields ?? {}, message),
  error: (message, fields) => logger.error(fields ?? {}, message),
  child: (fields) => wrap(logger.child(fields)),
})
