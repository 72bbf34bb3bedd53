/**
 * Which files of this machine a caller may name: all of them for the user of the node, who comes by the control socket; those below the configured
 * folders for all others. A refusal is the same whether there is such a file or not.
 */
import { lstat } from 'node:fs/promises'
import { normalize } from 'node:path'
import { isInside, realPath } from '../../files/real-path.ts'
import { fsPath, shownPath } from '../../protocol/path-text.ts'
import { RequestRefused } from './refusals.ts'

/**
 * The path as it may be used, links resolved, so that a link that is changed later leads nowhere else. `field`: where it stands in the body. Rejects
 * with `path_refused`.
 */
export async function allowedPath(
  path: string,
  field: string,
  folders: readonly string[] | 'any' = [],
): Promise<string> {
  if (folders === 'any') return path
  const named = normalize(path)
  // Nothing else is looked at: how long that takes would say what there is.
  const around = folders.filter((folder) => isInside(named, folder))
  const real = around.length > 0 ? await realPath(named) : null
  for (const folder of around)
    if (real !== null && isInside(real, await realPath(folder)) && !(await isLink(real))) return real
  throw new RequestRefused(
    403,
    'path_refused',
    folders.length > 0
      ? `${field}: ${shownPath(path)} lies in no folder whose files may be named over HTTP: http_folders of this node lists those`
      : `${field}: no file may be named over HTTP on this node: http_folders lists the folders where one may`,
    { field },
  )
}

/** Whether a link is left there: one that leads nowhere now may lead anywhere later. */
const isLink = (path: string): Promise<boolean> =>
  lstat(fsPath(path)).then(
    (facts) => facts.isSymbolicLink(),
    () => false,
  )
