/** The options `--deadline` and `--within`. */
import type { Command } from 'commander'
import { systemClock } from '../node/host/system-clock.ts'
import { parseDuration, parseTime } from '../protocol/deadline.ts'
import { UsageError } from '../protocol/errors.ts'

/** The parsed options of a deadline. */
export interface DeadlineOptions {
  deadline?: string
  within?: string
}

/** Adds the flags of a deadline to a command. */
export function addDeadlineOptions(command: Command): Command {
  return command
    .option('--deadline <time>', 'when it is wanted: 2026-12-24T18:00+01:00, 2026-12-24 18:00 or 18:00')
    .option('--within <duration>', 'the same from now: 40m, 1h30m or 2d')
}

/** The deadline of parsed options, ms since 1970; null without one. Throws `UsageError`. */
export function deadlineFrom({ deadline, within }: DeadlineOptions): number | null {
  if (deadline !== undefined && within !== undefined)
    throw new UsageError('give --deadline or --within, not both: a video has one deadline')
  const now = systemClock.now()
  if (within !== undefined) return now + parseDuration(within)
  return deadline === undefined ? null : parseTime(deadline, now)
}
