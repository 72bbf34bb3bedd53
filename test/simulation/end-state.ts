/** What must be true when all is done: each film finished as its scenario says, its files exact, nothing left behind. */

import type { Steps } from '../../ledger/steps.ts'
import { renditionPath } from '../../protocol/artifact.ts'
import { kindFacts } from '../../protocol/kinds.ts'
import { TASK_STATUSES, type Task } from '../../protocol/task.ts'
import type { Video } from '../../protocol/video.ts'
import { storeOf } from '../../testing/simulation/blob-stand-ins.ts'
import { expectedOutput, sha256Of } from '../../testing/simulation/film.ts'
import type { VirtualDisk } from '../../testing/simulation/virtual-disk.ts'
import type { PlayedFilm } from './chaos.ts'
import { SHARED_TREE } from './shared-mount.ts'

/** Ended, and its files are where they are wanted. */
export function isSettled(video: Video | null): boolean {
  if (video?.status === 'FAILED' || video?.status === 'CANCELLED') return true
  return video?.status === 'COMPLETED' && video.deliveries.every((delivery) => delivery.done_at !== null)
}

export async function endViolations(steps: Steps, disk: VirtualDisk, films: readonly PlayedFilm[]): Promise<string[]> {
  const found: string[] = []
  for (const film of films) {
    const video = await steps.video(film.id)
    if (!video) return [`${film.film.name} is not in the ledger`]
    const tasks: Task[] = []
    for (const status of TASK_STATUSES) tasks.push(...(await steps.tasks({ status, video: film.id })))
    found.push(...statusViolations(film, video), ...taskViolations(video, tasks))
    if (video.status === 'COMPLETED') found.push(...fileViolations(film, video, disk))
  }
  return found
}

function statusViolations({ film, wasCancelled, wasChanged }: PlayedFilm, { status, failure }: Video): string[] {
  if (wasChanged && status === 'FAILED') return /was changed/.test(failure ?? '') ? [] : [`it failed of: ${failure}`]
  const wanted = film.poison === null ? 'COMPLETED' : 'FAILED'
  if (status === 'FAILED' && film.poison === null) return [`${film.name} FAILED without a cause: ${failure}`]
  if (status !== wanted && !(status === 'CANCELLED' && wasCancelled))
    return [`${film.name} is ${status}, not ${wanted}`]
  const names = failure?.includes(film.name) && failure.includes('not decodable')
  return status === 'FAILED' && !names ? [`the failure of ${film.name} does not name film and cause: ${failure}`] : []
}

function taskViolations(video: Video, tasks: readonly Task[]): string[] {
  const held = tasks.filter((task) => task.claims.length > 0).map((task) => `${task._id} still has claims`)
  const isDone = (task: Task) =>
    video.status === 'COMPLETED' && kindFacts(task.kind).failsVideo
      ? task.status === 'COMPLETED'
      : !['PENDING', 'PROCESSING'].includes(task.status)
  const open = tasks
    .filter((task) => !isDone(task))
    .map((task) => `${task._id} is ${task.status} although its video is ${video.status}`)
  return [...held, ...open]
}

function fileViolations({ film, recipe, out }: PlayedFilm, video: Video, disk: VirtualDisk): string[] {
  return recipe.renditions.flatMap(({ id }) => {
    const bytes = expectedOutput(film, id)
    const output = video.outputs.find(({ path }) => path === renditionPath(id))
    if (output?.sha256 !== sha256Of(bytes)) return [`${film.name} at ${id} has other bytes than an undisturbed run`]
    const files = video.deliveries.map(({ name }) => `${out}/${id}/${name}.mp4`)
    return files
      .filter((path) => !disk.has(path) || disk.read(path).toString() !== bytes)
      .map((path) => `${path} was recorded as delivered and is ${disk.has(path) ? 'wrong' : 'missing'}`)
  })
}

/** After everybody stopped: nothing partial in output folders, no scratch, no blob of a delivered video. */
export function leftovers(
  disk: VirtualDisk,
  machines: readonly string[],
  films: readonly PlayedFilm[],
  videos: readonly Video[],
): string[] {
  const shared = disk
    .below(SHARED_TREE)
    .filter((path) => path.endsWith('.part'))
    .map((path) => `${path} was left behind`)
  return machines
    .flatMap((machine) => {
      const partial = disk.below(`/simulated/${machine}/out`).filter((path) => path.endsWith('.part'))
      const scratch = disk.below(`/simulated/${machine}/scratch`)
      const delivered = videos.filter(
        (video) => video.status === 'COMPLETED' && films.some((film) => film.id === video._id),
      )
      const blobs = delivered.flatMap((video) => disk.below(`${storeOf(machine)}/${video._id}`))
      return [...partial, ...scratch, ...blobs].map((path) => `${path} was left behind`)
    })
    .concat(shared)
}
