/** Makes the grid of a video from its tasks, and finds what has changed in it. Pure. */
import type { TaskRow } from '../../../protocol/status.ts'
import { type Change, type Grid, MARK, type Step } from './messages.ts'

const STATUS_STATES: Readonly<Record<TaskRow['status'], number>> = {
  PENDING: 0,
  PROCESSING: 1,
  COMPLETED: 2,
  FAILED: 3,
  CANCELLED: 4,
}

/** The grid. `order`: ids of the renditions, smallest first; those that it lacks come behind. `before`: the grid before, of the same video. */
export function gridOf(video: string, tasks: readonly TaskRow[], order: readonly string[], before: Grid | null): Grid {
  const encodes = tasks.filter(({ kind }) => kind === 'video')
  const rows = [...new Set([...order, ...encodes.map(({ resolution }) => resolution as string)])].filter((id) =>
    encodes.some(({ resolution }) => resolution === id),
  )
  const rowOf = new Map(rows.map((id, row) => [id, row]))
  const chunks = encodes.reduce((most, { chunk }) => Math.max(most, chunk + 1), 0)
  const states = new Uint8Array(rows.length * chunks)
  const marks = new Uint8Array(rows.length * chunks)
  for (const task of encodes) {
    const cell = rowOf.get(task.resolution)! * chunks + task.chunk
    states[cell] = STATUS_STATES[task.status]
    marks[cell] = marksOf(task)
  }
  const steps = stepsOf(tasks.filter(({ kind }) => kind !== 'video'))
  const isSame = before?.video === video && before.rows.join() === rows.join() && before.chunks === chunks
  const changed = isSame ? changesBetween(before, { states, marks }) : []
  return { video, rows, chunks, states, marks, steps, changed }
}

function stepsOf(tasks: readonly TaskRow[]): Step[] {
  return [...Map.groupBy(tasks, ({ kind }) => kind as string)].map(([name, all]) => {
    const done = all.filter(({ status }) => status === 'COMPLETED').length
    const shown = all.find(({ status }) => status !== 'COMPLETED') ?? all.at(-1)!
    return { name, count: all.length, done, id: shown.id, state: STATUS_STATES[shown.status] }
  })
}

function marksOf({ status, failures, attempt, completed_attempt, backup, reclaims }: TaskRow): number {
  // Those before the present one; a backup attempt is none that follows another.
  const ended = status === 'PENDING' ? attempt : (completed_attempt ?? attempt) - (isBeside(backup) ? 2 : 1)
  return (
    (backup === null ? 0 : MARK.backup) |
    (failures.length > 0 ? MARK.failure : 0) |
    (ended > 0 ? MARK.again : 0) |
    (reclaims > 0 ? MARK.reclaimed : 0)
  )
}

/** Whether the number of the present attempt counts one beside it. */
const isBeside = (backup: TaskRow['backup']): boolean => backup === 'running' || backup === 'won'

function changesBetween(before: Grid, now: Pick<Grid, 'states' | 'marks'>): { cell: number; change: Change }[] {
  const changed: { cell: number; change: Change }[] = []
  now.states.forEach((state, cell) => {
    const change = changeOf(before.states[cell]!, state, now.marks[cell]! & ~before.marks[cell]!)
    if (change) changed.push({ cell, change })
  })
  return changed
}

/** `newMarks`: marks that the cell did not have before. */
function changeOf(before: number, now: number, newMarks: number): Change | null {
  if (newMarks & MARK.failure || (now === 3 && before !== 3)) return 'failed'
  if (before === 1 && now === 0) return 'reclaimed'
  // It went from one worker to the next between two looks.
  if (before === 1 && now === 1 && newMarks & MARK.again) return 'reclaimed'
  if (before === 2 && now < 2) return 'made again'
  if (before !== 2 && now === 2) return 'done'
  return before === 0 && now === 1 ? 'claimed' : null
}

/** The cell of a task; null where it is none of this grid. */
export function cellOf({ video, rows, chunks }: Grid, task: string | null): number | null {
  const [of, name, chunk] = task?.split('/') ?? []
  const row = rows.indexOf(name ?? '')
  return of === video && row >= 0 ? row * chunks + Number(chunk) : null
}

/** The task of a cell. */
export const taskAt = ({ video, rows, chunks }: Grid, cell: number): string =>
  `${video}/${rows[Math.floor(cell / chunks)]}/${String(cell % chunks).padStart(5, '0')}`

/** The first task with this mark behind the given one, in the order of chunks, around the end; null where none has it. */
export function nextMarked(grid: Grid, task: string | null, mark: number): string | null {
  const { rows, chunks, marks } = grid
  const placeOf = (cell: number) => (cell % chunks) * rows.length + Math.floor(cell / chunks)
  const cell = cellOf(grid, task)
  const from = cell === null ? -1 : placeOf(cell)
  const places = [...marks.keys()]
    .filter((each) => marks[each]! & mark)
    .map(placeOf)
    .sort((a, b) => a - b)
  const place = places.find((each) => each > from) ?? places[0]
  if (place === undefined) return null
  return taskAt(grid, (place % rows.length) * chunks + Math.floor(place / rows.length))
}
