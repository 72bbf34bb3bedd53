/**
 * What the hosts' ledger says, read by this process, which no cut reaches: waits for what must come, measures how long it
 * took, and audits what was committed.
 */
import assert, { AssertionError } from 'node:assert/strict'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { VideoId } from '../../protocol/ids.ts'
import type { Ledger } from '../../protocol/ledger.ts'
import type { Task } from '../../protocol/task.ts'
import type { Lab, LabNode } from '../../testing/hosts/lab.ts'
import { openLedger } from '../../testing/tools/open-ledger.ts'
import { RECIPE, sumsBelow } from './film.ts'

export interface Watch {
  readonly ledger: Ledger
  /** Gives a file to this node as a person would; answers the video and where its results will be. */
  submit(node: LabNode, file: string): Promise<Submitted>
  /** Running and finished attempts at the pictures of this video: which peer, which tasks. */
  tasks(video: VideoId): Promise<Task[]>
  /** Waits until the video's files are delivered; fails with the last state where they never are. */
  delivered(submitted: Submitted, seconds: number): Promise<void>
  /** What was committed wrongly, as sentences; none is right. */
  audit(video: VideoId): Promise<string[]>
  /** Who leads, by the ledger, while the lease holds. */
  leader(): Promise<{ peer: string; term: number } | null>
  /** The ledger's events since then (ms since 1970), for a failure to show. */
  story(since: number): Promise<string[]>
  close(): Promise<void>
}

export interface Submitted {
  readonly video: VideoId
  readonly out: string
  readonly file: string
}

export async function watchLedger(lab: Lab): Promise<Watch> {
  const ledger = await openLedger(lab.ledger)

  const tasks = (video: VideoId) => ledger.tasks({ video })
  return {
    ledger,
    tasks,
    async submit(node, file) {
      const out = join(node.dataDir, 'out')
      const args = ['submit', file, '--data-dir', node.dataDir, '--out', out, '--json', ...RECIPE]
      const { code, stdout, stderr } = await node.host.cli(args)
      assert.equal(code, 0, stderr)
      return { video: (JSON.parse(stdout) as { video: VideoId }).video, out, file }
    },
    async delivered({ video, file }, seconds) {
      const isDelivered = async () => {
        const found = await ledger.video(video)
        if (found?.status === 'FAILED') assert.fail(`${file} FAILED: ${found.failure}`)
        return found?.status === 'COMPLETED' && found.deliveries.every(({ done_at }) => done_at !== null)
      }
      await until(`${file} is delivered`, isDelivered, seconds).catch(async (error: Error) => {
        const states = (await tasks(video)).map(
          ({ _id, status, attempt, worker_id }) => `${_id} ${status} ${attempt} ${worker_id?.slice(-6)}`,
        )
        const events = (await ledger.events(20)).map(({ what, text }) => `${what}: ${text}`)
        throw new Error([error.message, (await ledger.video(video))?.status, ...states, ...events].join('\n'))
      })
    },
    async audit(id) {
      const video = await ledger.video(id)
      if (!video) return [`there is no video ${id}`]
      return auditTasks(await tasks(id), video.plan?.tasks ?? 0)
    },
    async leader() {
      const { holder, term, remaining_ms } = await ledger.lease()
      return holder !== null && remaining_ms > 0 ? { peer: holder, term } : null
    },
    async story(since) {
      const events = (await ledger.events(200)).filter(({ at }) => at >= since)
      return events.map(
        ({ at, what, peer, text }) => `${((at - since) / 1000).toFixed(1)} s ${what} ${peer?.slice(-4) ?? ''}: ${text}`,
      )
    },
    close: () => ledger.close(),
  }
}

/** One committed attempt for each task, no claim left, chunks that meet without gap or overlap. */
function auditTasks(tasks: readonly Task[], planned: number): string[] {
  const found: string[] = []
  const counted = tasks.filter(({ kind }) => kind === 'video' || kind === 'audio').length
  if (counted !== planned) found.push(`${counted} tasks where the plan has ${planned}`)
  for (const { _id, status, completed_attempt, attempt, claims, output, kind } of tasks) {
    if (status !== 'COMPLETED') found.push(`${_id} is ${status}`)
    if (completed_attempt === null || completed_attempt > attempt) found.push(`${_id} has no attempt that committed`)
    if (claims.length > 0) found.push(`${_id} is still claimed`)
    if ((kind === 'video' || kind === 'audio') && output === null) found.push(`${_id} has no output`)
  }
  for (const resolution of new Set(tasks.filter(({ kind }) => kind === 'video').map((task) => task.resolution))) {
    const chunks = tasks.filter((task) => task.resolution === resolution).sort((a, b) => a.chunk_id - b.chunk_id)
    for (const [at, { _id, start_pts }] of chunks.entries()) {
      const before = chunks[at - 1]
      if (before && before.end_pts !== start_pts) found.push(`${_id} does not begin where the chunk before it ends`)
    }
  }
  return found
}

/** What was made of a file is what one undisturbed host makes of it, and the ledger says so of each task once. */
export async function assertExact(
  watch: Watch,
  done: Submitted,
  expected: Readonly<Record<string, string>>,
): Promise<void> {
  const made = await sumsBelow(done.out)
  const mine = Object.fromEntries(Object.entries(made).filter(([path]) => path in expected))
  assert.deepEqual(mine, expected, 'the bytes are those of an undisturbed run on one host')
  assert.deepEqual(await watch.audit(done.video), [])
}

/** Waits for it; answers how long that took, ms. A question that fails (a node too busy to answer) is asked again. */
export async function until(what: string, holds: () => Promise<unknown>, seconds = 60): Promise<number> {
  const began = performance.now()
  for (;;) {
    const answer = await holds().catch((error: Error) => error)
    if (answer instanceof AssertionError) throw answer
    if (answer && !(answer instanceof Error)) return performance.now() - began
    const why = answer instanceof Error ? `: ${answer.message}` : ''
    if (performance.now() - began > seconds * 1000) throw new Error(`not within ${seconds} s: ${what}${why}`)
    await sleep(50)
  }
}

export const seconds = (ms: number): string => `${(ms / 1000).toFixed(1)} s`
