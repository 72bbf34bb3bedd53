/**
 * What a docblock must say, as pure rules over the declarations that `declarations.ts` finds: what the thing is, the unit of a number, and
 * that a function fails. Whether it is clear and right only its readers can see. Each rule returns one line for each violation.
 */
import { dirname, join } from 'node:path/posix'
import { importsOf } from './arrows.ts'
import type { Declared, Fallible } from './declarations.ts'
import { LAYERS } from './sources.ts'
import { parse } from './syntax.ts'

/** What the rules are checked on. */
export interface Documentation {
  /** Those of `protocol/`, and of files that another folder imports. */
  readonly declarations: readonly Declared[]
  /** Functions of all files, also of those whose declarations are not checked: a failure may come from any. */
  readonly fallibles: readonly Fallible[]
  /** `file: name` of an imported function → `file: name` of its export. */
  readonly imports: ReadonlyMap<string, string>
}

/** @param files path → TypeScript */
export function documentationOf(files: ReadonlyMap<string, string>): Documentation {
  const entries = new Set<string>()
  const imports = new Map<string, string>()
  for (const [path, source] of files) {
    for (const target of importsOf(source).map((name) => join(dirname(path), name)))
      if (roomOf(target) !== roomOf(path)) entries.add(target)
    for (const { name, from, own } of namedImports(source))
      imports.set(keyOf(path, own), keyOf(join(dirname(path), from), name))
  }
  const { declarations, fallibles } = parse(files)
  const isChecked = (path: string): boolean => path.startsWith('protocol/') || entries.has(path)
  return { declarations: declarations.filter(({ path }) => isChecked(path)), fallibles, imports }
}

/** `import { name as own } from 'from'`, of our own files. */
function namedImports(source: string): { name: string; from: string; own: string }[] {
  return [...source.matchAll(/^import\s*\{([^}]*)\}\s*from\s*'(\.[^']+)'/gm)].flatMap(([, names = '', from = '']) =>
    names.split(',').flatMap((each) => {
      const [name = '', own = name] = each.trim().split(/\s+as\s+/)
      return name === '' ? [] : [{ name, from, own }]
    }),
  )
}

/** The folder of a file of the product; of a tool the outermost one. */
const roomOf = (path: string): string => {
  const [outermost = ''] = path.split('/')
  return (LAYERS as readonly string[]).includes(outermost) ? dirname(path) : outermost
}
const keyOf = (path: string, name: string): string => `${path}: ${name}`
const isExport = ({ what }: Declared): boolean => !['method', 'field', 'parameter'].includes(what)

/** Exports without a docblock of their own. */
export function bareExports({ declarations }: Documentation): string[] {
  return declarations
    .filter((each) => isExport(each) && each.comment === null)
    .map((each) => keyOf(each.path, each.name))
}

/** Words that begin a sentence whose subject is missing, or stands only in another sentence. */
const NO_SUBJECT =
  /^(?:Also|And|As|At|Because|Before|But|By|For|From|In|It|Its|Not|Of|On|Only|Or|She|He|Since|That|Then|These|They|This|Those|To|Until|While|With|Within|Without)\b/
/** A docblock of fewer words repeats the name. */
const WORDS_MIN = 3

/** A member's docblock may continue its interface ("Its …", "This …", "As in …"), but not begin inside a sentence. */
const FRAGMENT = /^(?:Also|And|Because|But|By|For|From|Not|Of|On|Only|Or|Then|Until|With|Without)\b/

/** Docblocks whose first sentence has no subject, and those of exports that have fewer than three words. */
export function withoutSubject({ declarations }: Documentation): string[] {
  return declarations
    .filter((each) => {
      const { what, comment } = each
      if (comment === null || what === 'parameter') return false
      return isExport(each)
        ? NO_SUBJECT.test(comment) || comment.split(/\s+/).length < WORDS_MIN
        : FRAGMENT.test(comment)
    })
    .map(({ path, name, comment }) => `${keyOf(path, name)}: ${comment}`)
}

/** Units as the last part of a name, before `Max` or `Min`; `At`, `Until` and `Time` are points in time, ms since 1970 unless noted. */
const UNIT_IN_NAME =
  /(?:[a-z0-9](?:Ms|S|Bytes|Mb|Kbps|Hz|Fps|At|Until|Time)|_(?:MS|S|BYTES|MB|KBPS|HZ|FPS)|_(?:ms|s|bytes|mb|kbps|hz|fps|at|until|time|before)|^(?:ms|seconds|bytes|kbps|fps))(?:_?(?:MAX|Max|max|MIN|Min|min))?$/
/** A unit or a standard, or the word for a count, a position or a share. */
const UNIT_IN_TEXT =
  /(?<!['’])\b(?:ms|s|seconds?|minutes?|hours?|days?|bytes?|bits?|[KMGT]iB|[KMGT]B|kbit\/s|pixels?|lines?|frames?|Hz|fps|ticks?|cores?|counts?|counted|numbers?|numbered|how many|share|ratio|factor|times|position|index|counter|characters|digits|pid|niceness|integers?|exit codes?)\b|[÷%]|0[–-]1\b/i
/** "Heartbeats that …", "Waiting tasks …": a docblock that begins with what is counted. */
const COUNTED = /^(?:[A-Z][\w-]+ )?(?!Is\b|This\b|Its\b|As\b)[A-Za-z][\w-]*[^s\W]s\b/
/** Names with one unit in all of the code: counters of the glossary, numbers of things, pixels of pictures, ticks of a time base, ms (`now`). */
const KNOWN =
  /^(?:attempt|completed_attempt|term|coordinator_term|epoch|width|height|(?:start|end)_pts|chunk_id|frames|pixels|chunks|slots|limit|pid|port|now)$/

/** Numbers of which neither the name nor the docblock gives a unit or says what they count. */
export function withoutUnit({ declarations }: Documentation): string[] {
  return declarations
    .filter((each) => each.isNumber && !hasUnit(each))
    .map((each) => `${keyOf(each.path, each.name)}: ${each.comment ?? ''}`)
}

function hasUnit({ name, what, comment }: Declared): boolean {
  const last = name.replace(')', '').split(/[.(]/).at(-1) ?? name
  if (KNOWN.test(last) || UNIT_IN_NAME.test(last)) return true
  if (comment === null) return false
  return UNIT_IN_TEXT.test(comment) || (what !== 'parameter' && what !== 'function' && COUNTED.test(comment))
}

const NAMES_ERROR =
  /\b(?:[Tt]hrows?|thrown|[Rr]ejects?|rejected)\b|\b[A-Z][A-Za-z]+(?:Error|Failed|Missing|Refused|Unavailable|Unreachable|Mismatch)\b/

/**
 * Functions and methods that can fail, and whose docblock (of a method: or that of its interface) does not name the error. `neverFail`:
 * those, as `file: name`, that call one that can fail in a way in which it cannot.
 */
export function silentFailures(all: Documentation, neverFail: readonly string[]): string[] {
  const failing = failingFunctions(all, neverFail)
  const isNamed = (comment: string | null | undefined): boolean => NAMES_ERROR.test(comment ?? '')
  const exported = new Map(all.declarations.map((each) => [keyOf(each.path, each.name), each]))
  const contracts = new Map(
    all.declarations.filter(({ what }) => what === 'interface').map((each) => [each.name, each] as const),
  )
  const found = new Set<string>()
  for (const { path, name, implements: contract } of failing) {
    const own = exported.get(keyOf(path, name))
    if (own?.what === 'function' && !isNamed(own.comment)) found.add(keyOf(path, name))
    const type = contract === null ? undefined : contracts.get(contract)
    const member = type && exported.get(keyOf(type.path, `${type.name}.${name}`))
    if (type && member?.what === 'method' && !isNamed(member.comment) && !isNamed(type.comment)) {
      found.add(`${keyOf(type.path, member.name)} (fails in ${path})`)
    }
  }
  return [...found].sort()
}

/** Those that throw themselves, and those that call one of these without catching its error: to the end of the chain. */
function failingFunctions({ fallibles: all, imports }: Documentation, neverFail: readonly string[]): Fallible[] {
  const fallibles = all.filter(({ path, name }) => !neverFail.includes(keyOf(path, name)))
  const failing = new Set(fallibles.filter(({ throws }) => throws))
  const names = new Set([...failing].map(({ path, name }) => keyOf(path, name)))
  for (let before = -1; before !== failing.size; ) {
    before = failing.size
    for (const each of fallibles) {
      const called = each.calls.map((name) => imports.get(keyOf(each.path, name)) ?? keyOf(each.path, name))
      if (failing.has(each) || !called.some((key) => names.has(key))) continue
      failing.add(each)
      names.add(keyOf(each.path, each.name))
    }
  }
  return [...failing]
}
