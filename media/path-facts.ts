/** What the file system says of paths, for the keys of what is kept between starts. */
import type { Stats } from 'node:fs'
import { stat } from 'node:fs/promises'

/** Of each path the path itself, and these numbers of it where it is there. Never rejects. */
export const pathFacts = (
  paths: readonly string[],
  numbers: (stats: Stats) => readonly number[],
): Promise<(string | number)[][]> =>
  Promise.all(
    paths.map((path) =>
      stat(path).then(
        (stats) => [path, ...numbers(stats)],
        () => [path],
      ),
    ),
  )
