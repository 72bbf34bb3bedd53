/**
 * A shared folder of the simulation: one tree, mounted at a path of each machine that sees it. It may be taken from a machine, and given back, or
 * other films lie there under the same names.
 */
import { MARKER_FILE } from '../../protocol/shared-folder.ts'
import { type Film, filmBytes } from '../../testing/simulation/film.ts'
import { ROOT } from '../../testing/simulation/virtual-disk.ts'
import type { World } from './world.ts'

/** The shared folder itself, on a machine that is no peer. */
export const SHARED_TREE = `${ROOT}nas/share`
const FILMS = 'films'
const LYING_FILMS = { bytes: `${ROOT}liar/bytes`, size: `${ROOT}liar/size` } as const
const MARKER = JSON.stringify({ v: 1, id: 'f'.repeat(32) })

export type Lie = keyof typeof LYING_FILMS

/** The path of a film in the shared folder, relative. */
export const sharedPath = (film: Film): string => `${FILMS}/${film.name}.mp4`

/** Makes the folder with these films, and those that lie. */
export function makeSharedFolder({ disk }: World, films: readonly Film[]): void {
  disk.write(`${SHARED_TREE}/${MARKER_FILE}`, MARKER)
  for (const film of films) {
    const [name, bytes] = [`${film.name}.mp4`, filmBytes(film)]
    for (const folder of [`${SHARED_TREE}/${FILMS}`, LYING_FILMS.bytes]) disk.write(`${folder}/${name}`, bytes)
    disk.corrupt(`${LYING_FILMS.bytes}/${name}`)
    disk.write(`${LYING_FILMS.size}/${name}`, filmBytes({ ...film, name: `another ${film.name}` }))
  }
}

/** What one machine sees at its path of the shared folder. */
export interface Mount {
  readonly path: string
  /** Virtual ms since what it sees was changed. */
  changedMs(): number
  show(what: 'the folder' | 'nothing' | Lie): void
}

/** The folder, mounted on this machine. */
export function createMount({ disk, scheduler }: World, machine: string): Mount {
  const path = `${ROOT}${machine}/share`
  let changedAt = 0
  const show: Mount['show'] = (what) => {
    changedAt = scheduler.now()
    disk.mount(path, what === 'nothing' ? null : SHARED_TREE)
    disk.mount(`${path}/${FILMS}`, what === 'nothing' || what === 'the folder' ? null : LYING_FILMS[what])
  }
  show('the folder')
  return { path, changedMs: () => scheduler.now() - changedAt, show }
}
