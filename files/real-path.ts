/** Where a path leads, links resolved. */
import { realpath } from 'node:fs/promises'
import { dirname, join, relative, sep } from 'node:path'
import { fsPath, pathText } from '../protocol/path-text.ts'

/** The absolute path with its links resolved, as far as it exists. Never rejects. */
export async function realPath(path: string): Promise<string> {
  try {
    return pathText(await realpath(fsPath(path), { encoding: 'buffer' }))
  } catch {
    const parent = dirname(path)
    return parent === path ? path : join(await realPath(parent), relative(parent, path))
  }
}

/** Whether an absolute path without `..` is that of a folder or lies below it, as text. */
export const isInside = (path: string, folder: string): boolean => path === folder || path.startsWith(join(folder, sep))
