/** The output of the command line: one line per error on stderr, without control characters of file names and messages. */
import { LedgerUnavailable, ReelmeshError, SourceRefused, sentence, UsageError } from '../protocol/errors.ts'
import { shownPath } from '../protocol/path-text.ts'

// biome-ignore lint/suspicious/noControlCharactersInRegex: these are what must not reach a terminal
const CONTROL = /[\u0000-\u001f\u007f-\u009f\u200e\u200f\u202a-\u202e\u2066-\u2069]/g

/** Text for a terminal: control characters as `?`, bytes that are not UTF-8 as `\\xe9`, whitespace runs as one space. */
export const printable = (text: string): string => shownPath(text).replace(/\s+/g, ' ').replace(CONTROL, '?')

/** Writes an error to stderr in one line; an unexpected one with its stack, as a bug. */
export function printError(error: unknown): void {
  process.stderr.write(`reelmesh: ${printable(sentence(error))}\n`)
  const expected = error instanceof ReelmeshError || typeof (error as { code?: unknown } | null)?.code === 'string'
  if (!expected && error instanceof Error && error.stack)
    process.stderr.write(`This is a bug; please report it:\n${error.stack}\n`)
}

/** Codes of errors that a person can correct. */
const INPUT_CODES = [
  ...['usage', 'bad_request', 'source_refused', 'recipe_refused'],
  ...['unknown_video', 'unknown_webhook', 'unknown_peer', 'ambiguous_peer'],
]

/** The exit code of an error: 2 where the user can correct it, 3 where no node or ledger answers, 1 for others (README.md, "Exit codes"). */
export function exitCodeOf(error: unknown): number {
  if (error instanceof LedgerUnavailable) return 3
  if (error instanceof UsageError || error instanceof SourceRefused) return 2
  const code = error instanceof ReelmeshError ? error.code : ''
  if (['no_node', 'ledger_away', 'peer_unreachable'].includes(code)) return 3
  return INPUT_CODES.includes(code) ? 2 : 1
}

/** Whether each further file of the same command would fail with the same error. */
export const isOfEveryFile = (error: unknown): boolean =>
  error instanceof ReelmeshError && error.code === 'recipe_refused'

/** Writes one line to stdout. */
export const say = (line = ''): void => void process.stdout.write(`${line}\n`)
/** Writes one value as a line of JSON to stdout. */
export const sayJson = (value: unknown): void => say(JSON.stringify(value))

const UNITS = ['B', 'kB', 'MB', 'GB', 'TB'] as const
/** A size for people, in powers of 1,000: `1.5 MB`. */
export function bytesText(bytes: number): string {
  const step = Math.min(UNITS.length - 1, Math.floor(Math.log10(Math.max(1, bytes)) / 3))
  const value = bytes / 1000 ** step
  return `${value.toFixed(step === 0 || value >= 100 ? 0 : 1)} ${UNITS[step]}`
}

/** A duration for people, `2:05` or `1:02:05`. */
export function durationText(seconds: number): string {
  const whole = Math.max(0, Math.round(seconds))
  const [h, m, s] = [Math.floor(whole / 3600), Math.floor((whole % 3600) / 60), whole % 60]
  const two = (n: number) => String(n).padStart(2, '0')
  return h > 0 ? `${h}:${two(m)}:${two(s)}` : `${m}:${two(s)}`
}
