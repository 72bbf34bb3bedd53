/** What is wrong with a value that does not fit its schema, in words: for the bodies of requests, and for ladders. */
import type { z } from 'zod'

/** The way to a value: keys of mappings and positions in lists. */
export type Path = readonly PropertyKey[]

/** What lies there; undefined where nothing does. */
export const valueAt = (value: unknown, path: Path): unknown =>
  path.reduce((inner, key) => (inner as Record<PropertyKey, unknown> | null | undefined)?.[key], value)

/** The issue that people are told: an unknown key, as the right one is missing too where it is misspelt, else the first one. */
export const toldIssue = (issues: readonly z.core.$ZodIssue[]): z.core.$ZodIssue | undefined =>
  issues.find(({ code }) => code === 'unrecognized_keys') ?? issues[0]

/** Where something is wrong with what was given, and what, to be put behind the name of that place: `must be at least 1`. */
export function faultOf(issues: readonly z.core.$ZodIssue[], given: unknown): { path: Path; text: string } {
  const issue = toldIssue(issues)
  if (issue === undefined) return { path: [], text: 'does not fit' }
  const { path } = issue
  if (issue.code === 'unrecognized_keys') return { path: [...path, issue.keys[0]!], text: 'is not known here' }
  if (issue.code === 'invalid_union') {
    // Of two forms the one whose kind of value was given: of the other everything is wrong.
    const forms = issue.errors.filter(
      (form) => !form.some((each) => each.code === 'invalid_type' && each.path.length === 0),
    )
    const fault = faultOf(forms[0] ?? issue.errors[0] ?? [], valueAt(given, path))
    return { path: [...path, ...fault.path], text: fault.text }
  }
  if (path.length > 0 && valueAt(given, path) === undefined) return { path, text: 'is missing' }
  return { path, text: wantedText(issue) }
}

const KINDS: Readonly<Record<string, string>> = {
  string: 'a text', number: 'a number', int: 'a whole number', boolean: 'true or false', array: 'a list',
  object: 'a mapping of names to values',
} // biome-ignore format: a table

/** What is wanted instead, beginning with a verb; of what a schema says in its own words, these. */
export function wantedText(issue: z.core.$ZodIssue): string {
  if (issue.code === 'invalid_type') return `must be ${KINDS[issue.expected] ?? issue.expected}`
  if (issue.code === 'invalid_value')
    return `must be ${issue.values
      .map(String)
      .join(', ')
      .replace(/, (?=[^,]*$)/, ' or ')}`
  const isCounted = 'origin' in issue && ['array', 'string'].includes(String(issue.origin))
  const unit = isCounted ? 'have' : 'be'
  const things = 'origin' in issue && issue.origin === 'string' ? ' characters' : ''
  const [least, most] =
    'inclusive' in issue && issue.inclusive === false ? ['more than', 'less than'] : ['at least', 'at most']
  if (issue.code === 'too_small') return `must ${unit} ${least} ${issue.minimum}${things}`
  if (issue.code === 'too_big') return `must ${unit} ${most} ${issue.maximum}${things}`
  return issue.message
}
