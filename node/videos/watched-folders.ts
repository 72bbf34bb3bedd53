/**
 * The folders that a configuration watches and delivers to, and the check that this node writes nothing into the watched one: its results
 * would be submitted as sources without end, and its data rejected as no videos.
 */
import { dirname, join } from 'node:path'
import { isInside, realPath } from '../../files/real-path.ts'
import { renditionPath } from '../../protocol/artifact.ts'
import { UsageError } from '../../protocol/errors.ts'
import type { Config } from '../config.ts'

/** The watched folder and the folder of its results. */
export interface WatchedFolders {
  /** Absolute paths. */
  readonly input: string
  readonly output: string
}

type Folders = Pick<Config, 'input' | 'output' | 'data_dir' | 'input_renditions' | 'input_ladder' | 'input_package'>

/** The folders of a configuration; null where none is watched. The default output is `outputs` beside the watched one. */
export function watchedFolders({ input, output }: Folders): WatchedFolders | null {
  if (input === undefined) return null
  return { input, output: output ?? join(input, '..', 'outputs') }
}

/** Rejects with `UsageError` where the output or the data folder is, or lies in, the watched one, links resolved. */
export async function checkWatchedFolders(config: Folders): Promise<void> {
  const folders = watchedFolders(config)
  if (folders === null) return
  const input = await realPath(folders.input)
  const lies = async (path: string) => isInside(await realPath(path), input)
  if (config.input_package && isInside(input, await realPath(folders.output)))
    throw new UsageError(
      `packages go to folders named as their films in ${folders.output}, and the watched folder ${folders.input} lies there: one could be taken in as sources; give --output a folder beside it`,
    )
  const ids = config.input_ladder?.renditions.map(({ id }) => id) ?? config.input_renditions
  const delivered = [folders.output, ...ids.map((id) => join(folders.output, dirname(renditionPath(id))))]
  for (const path of delivered)
    if (await lies(path))
      throw new UsageError(
        `results go to ${path}, inside the watched folder ${folders.input}: they would be taken in as sources; give --output a folder outside it`,
      )
  if (await lies(config.data_dir))
    throw new UsageError(
      `the data folder ${config.data_dir} lies inside the watched folder ${folders.input}: its files would be taken in as sources; give --data-dir a folder outside it`,
    )
}
