/**
 * Reads a ladder that people wrote, in YAML or JSON. What is wrong with it is one sentence with file, line and what is allowed
 * (`UsageError`): an unknown key, else the first thing that is.
 */
import { constants, open } from 'node:fs/promises'
import type { z } from 'zod'
import { refusalOf } from '../../media/codecs/codecs.ts'
import { audioRenditionSchema } from '../../protocol/audio-rendition.ts'
import { UsageError } from '../../protocol/errors.ts'
import { type Ladder, ladderRenditionFields, ladderSchema } from '../../protocol/ladder.ts'
import { fsPath } from '../../protocol/path-text.ts'
import { type Path, toldIssue, valueAt, wantedText } from '../schema-sentences.ts'
import { lineOf, readYaml, type YamlText } from './yaml-text.ts'

/** Largest ladder file, bytes: 64 renditions take 10 KB. */
const BYTES_MAX = 64 * 1024

/** The ladder in a file. Rejects with `UsageError`. */
export async function readLadderFile(path: string): Promise<Ladder> {
  const text = await readText(path)
  const yaml = readYaml(text, path)
  if (yaml.value == null) throw new UsageError(`${path} is empty: a ladder has a list of renditions`)
  return ladderOf(yaml)
}

async function readText(path: string): Promise<string> {
  // Without waiting for a writer, which a pipe may never have.
  const handle = await open(fsPath(path), constants.O_RDONLY | constants.O_NONBLOCK).catch(
    (cause: NodeJS.ErrnoException) => {
      throw new UsageError(`the ladder ${path} cannot be read: ${cause.code}`, { cause })
    },
  )
  try {
    if (!(await handle.stat()).isFile()) throw new UsageError(`the ladder ${path} cannot be read: it is no file`)
    const { bytesRead, buffer } = await handle.read(Buffer.alloc(BYTES_MAX + 1), 0, BYTES_MAX + 1, 0)
    if (bytesRead > BYTES_MAX) throw new UsageError(`${path} is larger than ${BYTES_MAX / 1024} KiB, and no ladder is`)
    return new TextDecoder('utf-8', { fatal: true }).decode(buffer.subarray(0, bytesRead))
  } catch (cause) {
    if (cause instanceof TypeError) throw new UsageError(`${path} is no ladder: it is not text in UTF-8`, { cause })
    throw cause
  } finally {
    await handle.close()
  }
}

/** The ladder at a place of a text: of a file of its own `[]`. Throws `UsageError`. */
export function ladderOf(yaml: YamlText, at: Path = []): Ladder {
  const given = valueAt(yaml.value, at)
  const refuse = (path: Path, why: string): never => {
    throw new UsageError(`${yaml.file}, line ${lineOf(yaml, [...at, ...path])}: ${why}`)
  }
  const parsed = ladderSchema.safeParse(given)
  if (!parsed.success) {
    const { path, text } = sentenceOf(toldIssue(parsed.error.issues)!, given)
    return refuse(path, text)
  }
  for (const rendition of parsed.data.renditions) {
    const refusal = refusalOf(rendition)
    const n = (given as { renditions: { id: string }[] }).renditions.findIndex(({ id }) => id === rendition.id)
    if (refusal !== null) refuse(['renditions', n, refusal.field], refusal.why)
  }
  return parsed.data
}

/** Where something is wrong, and a sentence: what, and what is allowed. */
function sentenceOf(issue: z.core.$ZodIssue, given: unknown): { path: Path; text: string } {
  const { path } = issue
  if (issue.code === 'unrecognized_keys') {
    const key = issue.keys[0]!
    return {
      path: [...path, key],
      text: `${placeOf(path, given)} has no key "${key}": it has ${keysAt(path).join(', ')}`,
    }
  }
  if (valueAt(given, path) === undefined && path.length > 0)
    return { path, text: `${placeOf(path.slice(0, -1), given)} needs ${String(path.at(-1))}` }
  // Of audio as a whole the schema has whole sentences.
  const isWhole = path[0] === 'audio' && path.length === 2
  return { path, text: `${placeOf(path, given)}${isWhole ? ':' : ''} ${wantedText(issue)}` }
}

const keysAt = ([list]: Path): string[] =>
  Object.keys(
    list === 'renditions'
      ? ladderRenditionFields.shape
      : list === 'audio'
        ? audioRenditionSchema.shape
        : ladderSchema.shape,
  )

/** The place in words: `the ladder`, `box of 720p`, `kbps of audio 1`. */
function placeOf([list, n, ...rest]: Path, given: unknown): string {
  if (list === undefined) return 'the ladder'
  if (typeof n !== 'number') return String(list)
  const id = list === 'renditions' ? (given as { renditions?: { id?: unknown }[] }).renditions?.[n]?.id : undefined
  const name = list === 'audio' ? `audio ${n + 1}` : typeof id === 'string' && id !== '' ? id : `rendition ${n + 1}`
  return rest.length > 0 ? `${rest.map(String).join(' ')} of ${name}` : name
}
