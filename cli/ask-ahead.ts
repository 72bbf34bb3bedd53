/** Asks about files one after another, a few of them at the same time, and answers in their order. */
import { stat } from 'node:fs/promises'

/** The answer about one file, or why it was refused. */
export type Answered<T> = { readonly file: string } & ({ readonly answer: T } | { readonly error: unknown })

/** Files asked about at the same time: while one is hashed the next one is written into the ledger. */
const AT_ONCE = 8
/** Bytes of those files together, unless one alone has more: the first of many long films is not held up by the others. */
const BYTES_AT_ONCE = 64 * 1024 * 1024

/** The answers of `ask`, which may reject. Where the caller leaves, no further file is asked about, and those that are have ended. */
export async function* askAhead<T>(
  files: readonly string[],
  ask: (file: string) => Promise<T>,
): AsyncGenerator<Answered<T>> {
  const asked: { readonly bytes: number; readonly answered: Promise<Answered<T>> }[] = []
  const bytesFrom = (at: number) => asked.slice(at).reduce((sum, { bytes }) => sum + bytes, 0)
  try {
    for (let at = 0; at < files.length; at++) {
      for (const file of files.slice(asked.length, at + AT_ONCE)) {
        const bytes = await sizeOf(file)
        if (asked.length > at && bytesFrom(at) + bytes > BYTES_AT_ONCE) break
        const answered = ask(file).then(
          (answer) => ({ file, answer }),
          (error: unknown) => ({ file, error }),
        )
        asked.push({ bytes, answered })
      }
      yield await asked[at]!.answered
    }
  } finally {
    await Promise.all(asked.map(({ answered }) => answered))
  }
}

/** 0 where there is no such file: it is refused at once. */
const sizeOf = (file: string): Promise<number> =>
  stat(file).then(
    ({ size }) => size,
    () => 0,
  )
