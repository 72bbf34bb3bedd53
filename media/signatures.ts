/**
 * The parameter sets of renditions by the arguments that they follow from: an encoder writes the same for each film that is encoded with equal
 * ones, so that one trial frame serves all of them. Kept by build where there is a folder.
 */
import { createHash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { isSha256, type Sha256 } from '../protocol/ids.ts'
import { keepJson } from './keep-json.ts'
import { pathFacts } from './path-facts.ts'
import type { Programs } from './run-ffmpeg.ts'

/** The signatures that are known of one build. */
export interface Signatures {
  /** Those of an encode with these arguments, in the order of its outputs; null where no trial was made. */
  find(args: readonly string[]): Promise<readonly Sha256[] | null>
  /** Keeps those of a trial; a folder that cannot be written costs only trials. */
  keep(args: readonly string[], signatures: readonly Sha256[]): Promise<void>
}

/** Rises when parameter sets change that do not follow from the arguments alone, so that older ones are not used. */
const VERSION = 2
/** Number of encodes that are kept; beyond it the oldest are dropped. */
const KEPT_MAX = 500
/** Folders in which loaders look for libraries: an encoder in one of them may be replaced while ffmpeg stays the same. */
const LIBRARIES = [
  '/lib', '/lib64', '/usr/lib', '/usr/lib64', '/usr/local/lib', '/usr/lib/x86_64-linux-gnu', '/usr/lib/aarch64-linux-gnu', '/opt/homebrew/opt', '/usr/local/opt',
] // biome-ignore format: a list

/** Makes the signatures of this build; they are read when they are first asked for. `cacheDir`: null where they are not kept. */
export function createSignatures({ ffmpeg, rng }: Programs, cacheDir: string | null): Signatures {
  const read = async () => {
    const file = cacheDir === null ? null : join(cacheDir, `signatures-${await buildKey(ffmpeg)}.json`)
    return { file, known: new Map(file === null ? [] : await readKept(file)) }
  }
  let reading: ReturnType<typeof read> | undefined
  const kept = () => (reading ??= read())
  return {
    async find(args) {
      const { known } = await kept()
      return known.get(keyOf(args)) ?? null
    },
    async keep(args, signatures) {
      const { file, known } = await kept()
      known.set(keyOf(args), signatures)
      const [oldest] = known.keys()
      if (oldest !== undefined && known.size > KEPT_MAX) known.delete(oldest)
      await keepJson(file, [...known], rng)
    },
  }
}

const keyOf = (args: readonly string[]): string => createHash('sha256').update(JSON.stringify(args)).digest('hex')

/** Program and libraries by their times. */
async function buildKey(ffmpeg: string): Promise<string> {
  const looked = [
    ffmpeg,
    dirname(ffmpeg),
    ...LIBRARIES,
    ...(process.env['LD_LIBRARY_PATH'] ?? '').split(':').filter(Boolean),
  ]
  const facts = await pathFacts(looked, ({ size, mtimeMs }) => [size, mtimeMs])
  return createHash('sha256')
    .update(JSON.stringify([VERSION, facts]))
    .digest('hex')
    .slice(0, 16)
}

/** Empty where the file is missing or is not what `keep` writes. */
async function readKept(file: string): Promise<[string, readonly Sha256[]][]> {
  try {
    const kept = JSON.parse(await readFile(file, 'utf8')) as [string, readonly Sha256[]][]
    const isKept = ([key, signatures]: [string, readonly Sha256[]]) =>
      typeof key === 'string' && signatures.length > 0 && signatures.every(isSha256)
    return kept.every(isKept) ? kept : []
  } catch {
    return []
  }
}
