/**
 * For tests: eight processes at one ledger claim, fail, let expire and complete hundreds of tasks, and two of them are killed with
 * SIGKILL on the way. Whatever they do: each task is committed exactly once, by the attempt that got `done`.
 */
import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { asPeerId, asSha256, taskId, type VideoId } from '../protocol/ids.ts'
import type { NewTask, Task } from '../protocol/task.ts'
import { type CrowdJob, type CrowdLine, createLedger } from './crowd-worker.fixture.ts'

const PROCESSES = 8
/** More of the same where long tests are wanted. */
export const CROWD_TASKS = process.env.REELMESH_ALL === '1' ? 2_000 : 500
const CLAIM_MS = 1_500
/** A process with this many answers is in the middle of its work. Far fewer than its eighth of all: on a busy machine the shares are unequal. */
const MIDST = Math.floor(CROWD_TASKS / 128)
const VIDEO = 'c0ffee0000000001' as VideoId
const CLASS = 'h264>x264/480p'

interface Member {
  process: ChildProcess
  lines: CrowdLine[]
  over: Promise<unknown>
  killed: boolean
}

export interface CrowdOptions {
  /** Begins when the crowd is in the midst of its work; the crowd waits for its end. */
  faults?(): Promise<void>
  /** Longer than the longest outage of the ledger, where attempts should outlive it. */
  claimMs?: number
  /** What each attempt takes, so that few tasks last as long as the faults do. */
  workMs?: number
}

export async function crowd(
  ledger: Pick<CrowdJob, 'kind' | 'at'>,
  seed: number,
  { faults, claimMs = CLAIM_MS, workMs = 0 }: CrowdOptions = {},
): Promise<string> {
  const job = { ...ledger, claimMs, workMs }
  const own = createLedger(job)
  await own.open()
  try {
    assert.deepEqual(await own.insertTasks(Array.from({ length: CROWD_TASKS }, (_, n) => task(n))), {
      inserted: CROWD_TASKS,
    })
    const members = Array.from({ length: PROCESSES }, (_, n) =>
      start({ ...job, seed: seed + n, worker: `12D3KooWw${n}` }),
    )
    await Promise.all(members.map((member) => hasHad(member, MIDST)))
    const faulting = faults?.()
    // Two are killed in the midst of it, and two others come in their place.
    const replaced = await Promise.all(
      members
        .slice(0, 2)
        .map((member, n) => killAndReplace(member, { ...job, seed: seed + 100 + n, worker: `12D3KooWx${n}` })),
    )
    await faulting
    const all = [...members, ...replaced]
    await Promise.all(all.map(({ over }) => over))
    for (const { process, killed } of all)
      assert.equal(killed || process.exitCode === 0, true, `a process ended with ${process.exitCode}`)
    return checkCrowd(await own.tasks({ video: VIDEO }), all)
  } finally {
    await own.close()
  }
}

function task(n: number): NewTask {
  const input = {
    sha256: asSha256('ab'.repeat(32)),
    bytes: 1,
    holders: [asPeerId('12D3KooWsource')],
    start_pts: 0,
    end_pts: 1,
    time_base: '1/25',
  }
  const chunk = {
    chunk_id: n,
    start_pts: n,
    end_pts: n + 1,
    time_base: '1/25',
    frames: 1,
    input,
    priority: 0,
    due: n,
    rank: n,
  }
  return { _id: taskId(VIDEO, '480p', n), kind: 'video', class: CLASS, video_id: VIDEO, resolution: '480p', ...chunk }
}

function start(job: Omit<CrowdJob, 'video' | 'class'>): Member {
  const whole: CrowdJob = { ...job, video: VIDEO, class: CLASS }
  const script = fileURLToPath(new URL('./crowd-worker.fixture.ts', import.meta.url))
  const child = spawn(process.execPath, [script, JSON.stringify(whole)], { stdio: ['ignore', 'pipe', 'inherit'] })
  const lines: CrowdLine[] = []
  const reader = createInterface({ input: child.stdout })
  reader.on('line', (line) => lines.push(JSON.parse(line) as CrowdLine))
  return { process: child, lines, over: Promise.all([once(child, 'exit'), once(reader, 'close')]), killed: false }
}

async function hasHad(member: Member, answers: number): Promise<void> {
  const { stdout } = member.process
  while (member.lines.length < answers && member.process.exitCode === null)
    await Promise.race([once(stdout!, 'data'), member.over])
}

async function killAndReplace(member: Member, job: Omit<CrowdJob, 'video' | 'class'>): Promise<Member> {
  await hasHad(member, MIDST + 1)
  member.killed = member.process.kill('SIGKILL')
  await member.over
  return start(job)
}

/** Every task is COMPLETED; one attempt only got `done` for it, the one in the document. */
function checkCrowd(tasks: readonly Task[], members: readonly Member[]): string {
  const acknowledged = new Map<string, Set<number>>()
  const count = { done: 0, superseded: 0, late: 0 }
  for (const { say, task, attempt } of members.flatMap(({ lines }) => lines)) {
    if (say === 'ready' || say === 'over') continue
    count[say]++
    if (say === 'done') acknowledged.set(task, (acknowledged.get(task) ?? new Set()).add(attempt))
  }
  assert.equal(tasks.length, CROWD_TASKS)
  let unacknowledged = 0
  for (const task of tasks) {
    assert.equal(task.status, 'COMPLETED')
    assert.deepEqual(task.claims, [])
    const attempts = acknowledged.get(task._id)
    // A killed process may have committed and never heard of it: at most the one it was on.
    if (attempts) assert.deepEqual([...attempts], [task.completed_attempt], task._id)
    else unacknowledged++
  }
  const killed = members.filter((member) => member.killed).length
  assert.ok(killed === 2 && unacknowledged <= killed, `${unacknowledged} unacknowledged commits, ${killed} killed`)
  assert.ok(count.late > 0, 'nobody came late: the test tests nothing')
  const attempts = tasks.reduce((sum, { attempt }) => sum + attempt, 0)
  return `${CROWD_TASKS} tasks, ${attempts} attempts, ${count.superseded + count.late} superseded (${count.late} late), ${killed} processes killed, ${unacknowledged} unacknowledged commits`
}
