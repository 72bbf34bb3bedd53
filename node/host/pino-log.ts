/** Log lines as JSON on standard error, by pino; people's output is the CLI's business. */
import { destination, type Logger, pino } from 'pino'
import type { Log } from '../../protocol/log.ts'

/** Lines that wait for room on their disk; what is more is dropped. */
const WAITING_BYTES = 256 * 1024

/** Never throws for want of room: a full disk under the log must not end a peer that says so and waits. */
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
