/**
 * The marker of a shared folder: a small file at its top with the folder's id. The first peer that may write there makes it, complete at once
 * and without replacing another; all others read it.
 */
import { lstat, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { z } from 'zod'
import { placeFile } from '../../files/place-file.ts'
import { fsPath } from '../../protocol/path-text.ts'
import { isFolderId, MARKER_FILE } from '../../protocol/shared-folder.ts'

/** Larger ones are no markers. */
const BYTES_MAX = 1_000
const schema = z.object({ v: z.literal(1), id: z.string().refine(isFolderId) })

/** The id in the marker of a folder; null where there is none. Rejects where one cannot be read, or is no marker. */
export async function readMarker(folder: string): Promise<string | null> {
  const path = fsPath(join(folder, MARKER_FILE))
  const facts = await lstat(path).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return null
    throw error
  })
  if (facts === null) return null
  if (!facts.isFile() || facts.size > BYTES_MAX) throw new Error(`its ${MARKER_FILE} is no marker file`)
  const parsed = schema.safeParse(parseJson(await readFile(path, 'utf8')))
  if (!parsed.success) throw new Error(`its ${MARKER_FILE} is no marker file`)
  return parsed.data.id
}

/** Makes the marker with this id, unless another peer was first; answers the id that is there. Rejects with the error of the file system. */
export async function makeMarker(folder: string, id: string): Promise<string> {
  const part = join(folder, `${MARKER_FILE}-${id}.part`)
  try {
    await writeFile(fsPath(part), `${JSON.stringify({ v: 1, id })}\n`, { flag: 'wx', mode: 0o644, flush: true })
    await placeFile(part, join(folder, MARKER_FILE))
  } finally {
    await rm(fsPath(part), { force: true })
  }
  return (await readMarker(folder)) ?? id
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return null
  }
}
