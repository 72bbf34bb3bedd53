/**
 * What answers at a `mongodb://` address: several servers speak MongoDB's protocol and compute otherwise, some of them without an error. Sentences
 * for people about them, by what they say of themselves. Pure.
 */
import type { Document } from 'mongodb'

/** An answer was not MongoDB's. `message`: which one, for people. */
export class AnswersOtherwise extends Error {}

/** The names of products by the words that they use in their answers. */
const BRANDS: readonly (readonly [RegExp, string])[] = [
  [/ferretdb/i, 'FerretDB'],
  [/secantus/i, 'SecantusDB'],
  [/nx_?27017/i, 'NX-27017'],
]
/** Versions in `buildInfo` that are of no product. */
const OWN_VERSIONS = /^(?:git|psmdb)version$/i
/** The first release for each wire version that the driver refuses to speak. */
const OLD_RELEASES: Readonly<Record<string, string>> = { 0: '2.4', 2: '2.6', 3: '3.0', 4: '3.2', 5: '3.4', 6: '3.6', 7: '4.0', 8: '4.2' } // biome-ignore format: a table

const NEEDED = 'Reelmesh needs MongoDB itself, 6.0 or newer'

/** Whether `buildInfo` is that of a mongod: others leave out what only its builds have. */
export const isMongod = (build: Document): boolean =>
  Array.isArray(build.modules) && Array.isArray(build.storageEngines) && otherName(build) === null

/** The name and version of another product, as far as `buildInfo` says it; null where it says nothing. */
function otherName(build: Document): string | null {
  const branded = (word: string) => BRANDS.find(([pattern]) => pattern.test(word))?.[1] ?? null
  for (const [key, value] of Object.entries(build)) {
    const word = /^(\w+?)_?version$/i.exec(key)?.[1]
    if (word && !OWN_VERSIONS.test(key) && typeof value === 'string') return `${branded(word) ?? word} ${value}`
  }
  const { process } = build
  const other = typeof process === 'string' && !/^mongo[ds]$/.test(process) ? (branded(process) ?? process) : null
  return (
    other ??
    Object.keys(build)
      .map(branded)
      .find((brand) => brand !== null) ??
    null
  )
}

/** A server that is no MongoDB. `differs`: which of its answers is another; null where it was not asked so far. */
export function lookAlike(where: string, build: Document, differs: string | null): string {
  const name = otherName(build)
  const says = typeof build.version === 'string' ? `says it is MongoDB ${build.version}` : 'does not say its version'
  const is = name === null ? says : `is ${name}, though it ${says}`
  const why = differs === null ? ' and is not' : `, and answers otherwise (${differs})`
  return `the server at ${where} ${is}${name === null || differs !== null ? why : ''}: ${NEEDED}`
}

/** A server whose release is too old. `version`: as `buildInfo` says. */
export const tooOld = (where: string, version: string): string =>
  `the MongoDB at ${where} is older than 6.0 (it says ${version}): upgrade it, one major version at a time, as Reelmesh needs 6.0 or newer`

/** The release that a driver's error is about, where that says that the server's wire version is too low; else null. */
export function oldRelease(message: string): string | null {
  const wire = /maximum wire version (\d+), but this version of the Node\.js Driver requires at least/.exec(
    message,
  )?.[1]
  return wire === undefined ? null : (OLD_RELEASES[wire] ?? `a release with wire version ${wire}`)
}
