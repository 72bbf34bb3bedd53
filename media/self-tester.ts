/**
 * The self-test of a build, once, and cached in `cacheDir` under the path, size and mtime of both programs, so that the next start is immediate.
 */
import { createHash } from 'node:crypto'
import { readFile, stat } from 'node:fs/promises'
import { availableParallelism, freemem } from 'node:os'
import { join } from 'node:path'
import { UsageError } from '../protocol/errors.ts'
import type { SelfTestReport } from '../protocol/media.ts'
import { codecs } from './codecs/codecs.ts'
import { keepJson } from './keep-json.ts'
import type { Programs } from './run-ffmpeg.ts'
import { type Cached, ENCODE_BYTES_GUESS, encodeBytes, inFolder, runFirstTrials, runOtherTrials } from './self-test.ts'

/** Rises when the trials change, so that older reports are not used. */
const TRIALS_VERSION = 7

/** What the machine has now: bytes of free memory, and cores. */
export interface Machine {
  freeBytes(): number
  cores(): number
}
const THIS_MACHINE: Machine = { freeBytes: freemem, cores: availableParallelism }

/**
 * The memory of an encode of the default ladder is measured where it could bound the encodes of this machine: it takes a minute of CPU on a slow
 * one. Elsewhere it is the guess, until a start with less free memory measures it.
 */
const mayBindMemory = ({ freeBytes, cores }: Machine): boolean => freeBytes() < 2 * ENCODE_BYTES_GUESS * cores()

/** The self-test of a build, cached where there is a folder. Both methods reject as `selfTest` of the contract; the next call tries again. */
export interface SelfTester {
  /** What the first trials showed, of H.264 alone; the whole report once that is known, or where memory may bind. */
  first(signal: AbortSignal): Promise<SelfTestReport>
  /** Everything. Runs what has not run yet. */
  whole(signal: AbortSignal): Promise<SelfTestReport>
  /** As in the contract. */
  readonly wholeReport: Promise<SelfTestReport>
}

/** Makes the self-test of a build; nothing runs before the first call. `onTrials` is called where trials run, as no earlier start has cached them. */
export function createSelfTester(
  programs: Programs,
  cacheDir: string | null,
  { machine = THIS_MACHINE, onTrials = () => {} }: { machine?: Machine; onTrials?: () => void } = {},
): SelfTester {
  const known = once(async () => {
    const file = cacheDir === null ? null : await reportFile(cacheDir, programs)
    const cached = await readCached(file)
    return { file, cached, measures: mayBindMemory(machine) && cached?.encode_bytes == null }
  })
  const early = once(async (signal) => {
    const { file } = await known(signal)
    const own = file && `${file}.first`
    const cached = await readCached(own)
    if (cached !== null) return cached
    onTrials()
    const made = await inFolder(programs, signal, runFirstTrials)
    await keepJson(own, made, programs.rng)
    return made
  })
  const all = async (signal: AbortSignal): Promise<Cached> => {
    const { file, cached, measures } = await known(signal)
    if (cached !== null && !measures) return cached
    if (cached !== null) onTrials()
    const first = cached ?? (await early(signal))
    const made = await inFolder(programs, signal, async (trials) => ({
      ...(cached ?? (await runOtherTrials(trials, first))),
      encode_bytes: measures ? await encodeBytes(trials) : null,
    }))
    await keepJson(file, made, programs.rng)
    return made
  }
  let report: SelfTestReport | null = null
  const { promise: wholeReport, resolve } = Promise.withResolvers<SelfTestReport>()
  const whole = once(async (signal) => {
    report = withMemory(await all(signal))
    resolve(report)
    return report
  })
  return {
    async first(signal) {
      const { cached, measures } = await known(signal)
      return report ?? (cached !== null || measures ? whole(signal) : withMemory(await early(signal)))
    },
    whole,
    wholeReport,
  }
}

/** Makes something once; after a failure the next call tries again. */
function once<T>(make: (signal: AbortSignal) => Promise<T>): (signal: AbortSignal) => Promise<T> {
  let made: Promise<T> | undefined
  return (signal) =>
    (made ??= make(signal).catch((error: unknown) => {
      made = undefined
      throw error
    }))
}

const withMemory = (cached: Cached): SelfTestReport => ({
  ...cached,
  encode_bytes: cached.encode_bytes ?? ENCODE_BYTES_GUESS,
})

/** The file with the report of this build in the folder of cached ones. Throws `UsageError` where there is no such program. */
export async function reportFile(
  cacheDir: string,
  { ffmpeg, ffprobe }: Pick<Programs, 'ffmpeg' | 'ffprobe'>,
): Promise<string> {
  const facts = await Promise.all(
    [ffmpeg, ffprobe].map(async (path) => {
      const { size, mtimeMs } = await stat(path).catch((cause: unknown) => {
        throw new UsageError(
          `There is no ${path === ffmpeg ? 'ffmpeg' : 'ffprobe'} at ${path}: install ffmpeg 5.1 or newer, with ffprobe.`,
          { cause },
        )
      })
      return [path, size, mtimeMs]
    }),
  )
  const build = JSON.stringify([TRIALS_VERSION, codecs().map(({ name }) => name), facts])
  return join(cacheDir, `ffmpeg-${createHash('sha256').update(build).digest('hex').slice(0, 16)}.json`)
}

/** Null where there is no file, or it is incomplete or not a report. */
async function readCached(file: string | null): Promise<Cached | null> {
  if (file === null) return null
  try {
    const selfTestReport = JSON.parse(await readFile(file, 'utf8')) as Cached
    const { encode_bytes } = selfTestReport
    const lists = [selfTestReport.decoders, selfTestReport.encoders, selfTestReport.filters]
    return lists.every(Array.isArray) &&
      (encode_bytes === null || encode_bytes > 0) &&
      selfTestReport.cores_per_slot > 0
      ? selfTestReport
      : null
  } catch {
    return null
  }
}
