/** Log lines as JSON on standard error, by pino; people's output is the CLI's business. */
import { destination, type Logger, pino } from 'pino'
import type { Log } from '../protocol/log.ts'

export function createPinoLog(options: { level: string; name: string; file?: string }): Log {
  const sink = options.file ? { dest: options.file, mkdir: true, sync: true } : { dest: 2, sync: true }
  return wrap(pino({ level: options.level, base: { peer: options.name } }, destination(sink)))
}

const wrap = (logger: Logger): Log => ({
  debug: (message, fields) => logger.debug(fields ?? {}, message),
  info: (message, fields) => logger.info(fields ?? {}, message),
  warn: (message, fields) => logger.warn(fields ?? {}, message),
  error: (message, fields) => logger.error(fields ?? {}, message),
  child: (fields) => wrap(logger.child(fields)),
})
