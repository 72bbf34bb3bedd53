/** What the ledger says about the kill, read after the run: the tasks that died with the worker, and what became of them. */
import { join } from 'node:path'
import { composeLedger } from '../../node/compose.ts'
import { loadConfig } from '../../node/config.ts'
import type { VideoId } from '../../protocol/ids.ts'
import { silentLog } from '../../protocol/log.ts'
import type { Task } from '../../protocol/task.ts'
import type { Check } from './checks.ts'
import { type Kill, secondsText, workText } from './story.ts'

export async function readTasks(dataDir: string, video: string): Promise<Task[]> {
  const flags = { data_dir: dataDir, ledger: `sqlite:${join(dataDir, 'ledger.db')}` }
  const ledger = composeLedger(await loadConfig({ flags, env: {}, cwd: dataDir }), silentLog)
  await ledger.open()
  try {
    return await ledger.tasks({ video: video as VideoId })
  } finally {
    await ledger.close()
  }
}

/** `nameOf`: what people call a peer. */
export function judgeHealing(tasks: readonly Task[], kill: Kill | null, nameOf: (peer: string) => string): Check[] {
  const repeated = tasks.reduce((sum, task) => sum + task.attempt - 1, 0)
  const done = tasks.filter(({ status, completed_attempt }) => status === 'COMPLETED' && completed_attempt !== null)
  const committed = {
    ok: done.length === tasks.length,
    text: `${done.length} of ${tasks.length} tasks committed, each once; ${repeated} attempt${repeated === 1 ? '' : 's'} repeated`,
  }
  if (!kill)
    return [
      { ok: false, text: 'no worker was killed: the video was over before one was in the midst of a chunk' },
      committed,
    ]
  const died = tasks.filter(({ strikes }) =>
    strikes.some(({ code, worker_id }) => code === 'peer_died' && worker_id === kill.peer),
  )
  if (died.length === 0) return [{ ok: false, text: `nothing was reclaimed from ${kill.name}` }, committed]
  const noticed =
    kill.reclaimedAt === null
      ? 'reclaim not seen'
      : `reclaimed ${secondsText((kill.reclaimedAt - kill.at) / 1000)} after the kill`
  return [
    {
      ok: kill.reclaimedAt !== null,
      text: `${kill.name} died on ${workText(died.map(({ _id }) => ({ task: _id })))}: ${noticed}`,
    },
    again(died, kill, nameOf),
    committed,
  ]
}

function again(died: readonly Task[], kill: Kill, nameOf: (peer: string) => string): Check {
  const [first] = [...died].sort((a, b) => (a.start_time ?? 0) - (b.start_time ?? 0))
  const isHealed = died.every(({ status, completed_attempt }) => status === 'COMPLETED' && (completed_attempt ?? 0) > 1)
  if (!first?.start_time || !isHealed) return { ok: false, text: 'its chunk was not encoded again' }
  const who = [...new Set(died.map(({ worker_id }) => (worker_id === null ? '?' : nameOf(worker_id))))].join(', ')
  return {
    ok: true,
    text: `encoded again from ${secondsText((first.start_time - kill.at) / 1000)} after the kill, by ${who}`,
  }
}
