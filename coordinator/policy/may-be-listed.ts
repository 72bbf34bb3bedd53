/** Which encoded chunks players may see. By the ledger alone, so that every node lists the same; what is listed stays so while its output is there. Pure. */
import type { Task } from '../../protocol/task.ts'

/** Peers that hold a chunk before it is listed: the loss of one then takes nothing from those who watch. */
const HOLDERS = 2
/** How long a chunk waits for a second holder, ms: the leader fetches within a second what others encoded; nobody fetches what it encoded itself. */
const WAIT_MS = 3_000

/** Whether the output of a task may be listed. `now`: ledger time, ms. `isAlone`: the mesh has no other member, so that nobody can hold it too. */
export const mayBeListed = (
  { status, output, end_time }: Pick<Task, 'status' | 'output' | 'end_time'>,
  { now, isAlone }: { readonly now: number; readonly isAlone: boolean },
): boolean =>
  status === 'COMPLETED' &&
  output !== null &&
  (isAlone || output.holders.length >= HOLDERS || now - (end_time ?? now) >= WAIT_MS)
