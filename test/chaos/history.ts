/**
 * What really happened to every task, out of the database's own log of operations: each change in order, whoever made it and
 * whatever was answered. Each task is committed once, unless its output was lost in between; attempts and terms only rise.
 */
import { MongoClient } from 'mongodb'
import { TASK_TRANSITIONS } from '../../protocol/task.ts'

interface Operation {
  readonly op: string
  readonly ns: string
  readonly o: Record<string, unknown>
  readonly o2?: { readonly _id: string }
}

interface State {
  status: string
  attempt: number
  term: number
  commits: number
  losses: number
}

export interface History {
  /** Sentences; none is right. */
  readonly violations: readonly string[]
  readonly tasks: number
  readonly attempts: number
  readonly commits: number
  readonly lostOutputs: number
}

/** `ledger`: the mesh's database. Throws where the log no longer reaches back to the first task. */
export async function readHistory(uri: string, database: string): Promise<History> {
  const client = new MongoClient(uri)
  try {
    const log = client.db('local').collection<Operation>('oplog.rs')
    const tasks = new Map<string, State>()
    const violations: string[] = []
    const query = { ns: { $in: [`${database}.chunks`, 'admin.$cmd'] }, op: { $in: ['i', 'u', 'c', 'd'] } }
    for await (const entry of log.find(query).sort({ $natural: 1 })) {
      for (const each of operationsIn(entry as unknown as Operation))
        if (each.ns === `${database}.chunks`) apply(each, tasks, violations)
    }
    const all = [...tasks.values()]
    const sum = (pick: (state: State) => number) => all.reduce((total, state) => total + pick(state), 0)
    const attempts = sum(({ attempt }) => attempt)
    return {
      violations,
      tasks: all.length,
      attempts,
      commits: sum(({ commits }) => commits),
      lostOutputs: sum(({ losses }) => losses),
    }
  } finally {
    await client.close()
  }
}

/** Inserts of a batch are one entry that holds them all. */
const operationsIn = (entry: Operation): readonly Operation[] =>
  entry.op === 'c' ? ((entry.o.applyOps as Operation[] | undefined) ?? []) : [entry]

function apply({ op, o, o2 }: Operation, tasks: Map<string, State>, violations: string[]): void {
  const id = String(op === 'u' ? o2?._id : o._id)
  const before = tasks.get(id)
  if (op === 'd') return void violations.push(`${id} was deleted`)
  if (op === 'i') {
    if (before) violations.push(`${id} was inserted twice`)
    tasks.set(id, { status: String(o.status), attempt: 0, term: number(o.coordinator_term, 0), commits: 0, losses: 0 })
    return
  }
  if (!before) return void violations.push(`${id} was changed before it was there: the log begins too late`)
  const changed = changedFields(o)
  const after = {
    status: String(changed.status ?? before.status),
    attempt: number(changed.attempt, before.attempt),
    term: number(changed.coordinator_term, before.term),
  }
  if (after.attempt < before.attempt) violations.push(`the attempt of ${id} fell to ${after.attempt}`)
  if (after.term < before.term) violations.push(`the term of ${id} fell from ${before.term} to ${after.term}`)
  if (after.status !== before.status && !isAllowed(before.status, after.status))
    violations.push(`${id} went from ${before.status} to ${after.status}`)
  if (before.status === 'COMPLETED' && after.status === 'PENDING') before.losses++
  if (before.status !== 'COMPLETED' && after.status === 'COMPLETED') before.commits++
  if (before.commits > before.losses + 1) violations.push(`${id} was committed ${before.commits} times`)
  Object.assign(before, after)
}

/** Of an update: a difference (version 2), or a whole document. */
function changedFields(o: Record<string, unknown>): Record<string, unknown> {
  const diff = o.diff as { u?: object; i?: object } | undefined
  return diff ? { ...diff.u, ...diff.i } : o
}

const number = (value: unknown, otherwise: number): number => (value === undefined ? otherwise : Number(value))

const isAllowed = (from: string, to: string): boolean =>
  TASK_TRANSITIONS.some(
    (row) =>
      ([row.from].flat() as readonly string[]).includes(from) && ([row.to].flat() as readonly string[]).includes(to),
  )
