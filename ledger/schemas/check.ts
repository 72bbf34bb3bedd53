/**
 * What schemas are made of. A check answers null for a value that fits, or what is wrong with it, without anything of its content.
 *
 * Not zod: thousands of tasks are read in one look, 10 µs of CPU each from SQLite. Checked by zod they took 20 µs, by these 12 µs
 * (`bench/ledger.ts`, and 3,000 tasks read ten times).
 */

/** What is wrong with a value: the path to it and a few words, such as `input.end_pts is no integer`; null where it fits. */
export type Check = (value: unknown) => string | null

/** A check for every field of a document: a field that is added to its type and not to its schema does not compile. */
export type Fields<T> = { readonly [Field in keyof T]-?: Check }

const at = (place: string | number, why: string): string => (/^ /.test(why) ? `${place}${why}` : `${place}.${why}`)

/** A value for which this holds. `why`: ` is no integer`. */
export const guard =
  (holds: (value: unknown) => boolean, why: string): Check =>
  (value) =>
    holds(value) ? null : why

/** A text for which this holds. */
export const textWhere = (holds: (text: string) => boolean, why: string): Check =>
  guard((value) => typeof value === 'string' && holds(value), why)

/** A text of this form, which names its longest length. */
export const textLike = (form: RegExp, why: string): Check => textWhere((text) => form.test(text), why)

/** One of these words or numbers. */
export const oneOf = (known: readonly (string | number)[]): Check =>
  guard((value) => known.includes(value as string), ' is none of the known words')

/** The same value, or null. */
export const nullable =
  (check: Check): Check =>
  (value) =>
    value === null ? null : check(value)

/** The same value, or none. */
export const optional =
  (check: Check): Check =>
  (value) =>
    value === undefined ? null : check(value)

/** A value that fits one of the two. */
export const either =
  (one: Check, other: Check): Check =>
  (value) =>
    one(value) === null ? null : other(value)

/** An object with these fields of its own; others are ignored, as a newer peer may write more. */
export function object(fields: Readonly<Record<string, Check>>, also: Check = () => null): Check {
  const all = Object.entries(fields)
  return (value) => {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) return ' is no object'
    const given = value as Readonly<Record<string, unknown>>
    for (const [name, check] of all) {
      const why = check(given[name])
      if (why !== null) return at(name, why)
    }
    return also(value)
  }
}

/** A list of at most this number of values. `max`: number of them. */
export function list(of: Check, max: number): Check {
  return (value) => {
    if (!Array.isArray(value)) return ' is no list'
    if (value.length > max) return ' is too long'
    for (let n = 0; n < value.length; n++) {
      const why = of(value[n])
      if (why !== null) return at(n, why)
    }
    return null
  }
}

/** An object of any keys that fit. `max`: number of them at most. */
export const record = (key: Check, value: Check, max: number): Check => {
  const entries = list((entry) => key((entry as [string, unknown])[0]) ?? value((entry as [string, unknown])[1]), max)
  return (given) =>
    typeof given !== 'object' || given === null || Array.isArray(given)
      ? ' is no object'
      : entries(Object.entries(given))
}
