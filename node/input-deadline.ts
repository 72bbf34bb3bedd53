/** The deadline of what is put into a watched folder: its settings, and when a file is wanted by them. */
import { z } from 'zod'
import { parseDuration, parseTime, readTime } from '../protocol/deadline.ts'
import { sentence } from '../protocol/errors.ts'

/** A text that `parse` takes; what it throws is said. */
const textFor = (parse: (text: string) => number) =>
  z.string().superRefine((text, context) => {
    try {
      parse(text)
    } catch (error) {
      context.addIssue({ code: 'custom', message: sentence(error) })
    }
  })

/** Their schemas, for the configuration. */
export const inputDeadlineSettings = {
  input_within: textFor(parseDuration)
    .optional()
    .describe('what is put into the watched folder is wanted so long after that: 40m, 1h30m or 2d'),
  input_deadline: textFor((text) => readTime(text, 0))
    .optional()
    .describe(
      'when what is put into the watched folder is wanted: 18:00, each day, or a time such as 2026-12-24 18:00',
    ),
}

/**
 * Whether the time at which files are wanted is past: then they get no deadline. Nobody who starts a node again after a year is at fault for it.
 * Throws `UsageError` for a time that can be none. `now`: ms since 1970.
 */
export function isInputDeadlinePast(
  { input_deadline }: { readonly input_deadline?: string | undefined },
  now: number,
): boolean {
  if (input_deadline === undefined) return false
  if (readTime(input_deadline, now) <= now) return true
  parseTime(input_deadline, now)
  return false
}

/** When a file that is taken in `now` is wanted; both are ms since 1970. Null without a setting, and where its time is past. Throws `UsageError` for a text that the schemas refuse. */
export function inputDeadlineAt(
  {
    input_deadline,
    input_within,
  }: { readonly input_deadline?: string | undefined; readonly input_within?: string | undefined },
  now: number,
): number | null {
  if (input_within !== undefined) return now + parseDuration(input_within)
  if (input_deadline === undefined) return null
  try {
    return parseTime(input_deadline, now)
  } catch {
    return null
  }
}
