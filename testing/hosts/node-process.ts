/** A `reelmesh node` on a host of the lab: started, watched, asked, stopped. What it logs is kept in a file. */

import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import { parseResponse } from 'hono/client'
import { connectControl } from '../../node/http/control-client.ts'
import { controlSocketPath } from '../../node/http/control-path.ts'
import type { StatusSnapshot } from '../../protocol/status.ts'
import type { LabHost, LabNode } from './lab-types.ts'

export interface Launched {
  readonly child: ChildProcess
  readonly logFile: string
}

/** A loaded machine of two cores needs 10 s for trial runs of an ffmpeg that it has not met. */
const UP_MS = 90_000
const ASK_MS = 5_000

/** Resolves when it is up. Where it ends instead, throws what it said last. */
export async function watchNode(of: Launched & { host: LabHost; name: string; dataDir: string }): Promise<LabNode> {
  const { child, host, name, dataDir, logFile } = of
  let said = ''
  child.stdout?.setEncoding('utf8').on('data', (text: string) => {
    said += text
  })
  let end: { code: number | null; signal: NodeJS.Signals | null } | null = null
  const ended = once(child, 'exit').then(([code, signal]) => {
    end = { code: code as number | null, signal: signal as NodeJS.Signals | null }
    return end
  })
  const log = () => readFile(logFile, 'utf8')
  const giveUpAt = performance.now() + UP_MS
  const up = () => /is up: peer (\S+)\n((?: {2}\S+\n)+)/.exec(said)
  while (up() === null) {
    if (end !== null) throw new Error(`${name} ended before it was up: ${lastLine(await log())}`)
    if (performance.now() > giveUpAt)
      throw new Error(`${name} was not up within ${UP_MS / 1000} s: ${lastLine(await log())}`)
    await sleep(20)
  }
  const [, peer = '', addresses = ''] = up() ?? []
  return {
    host,
    name,
    dataDir,
    pid: child.pid ?? 0,
    peer,
    addresses: addresses.trim().split(/\s+/),
    ended,
    get hasEnded() {
      return end !== null
    },
    async kill(signal = 'SIGKILL') {
      if (end !== null) return
      child.kill(signal)
      if (signal !== 'SIGSTOP' && signal !== 'SIGCONT') await ended
    },
    async status() {
      const snapshot = ask(controlSocketPath(dataDir))
      snapshot.catch(() => {})
      const late = sleep(ASK_MS, null, { ref: false })
      const answer = await Promise.race([snapshot, late])
      if (answer === null) throw new Error(`${name} did not say its status within ${ASK_MS / 1000} s`)
      return answer
    },
    log,
  }
}

async function ask(socket: string): Promise<StatusSnapshot> {
  const client = await connectControl(socket)
  if (client === null) throw new Error(`no node answers at ${socket}`)
  return parseResponse(client.v1.status.$get())
}

const lastLine = (text: string): string => text.trim().split('\n').at(-1) ?? ''
