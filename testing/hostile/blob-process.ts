/** Drives `blob-peer.ts` from tests and benchmarks: one command at a time, answers awaited. */
import { type ChildProcessByStdio, spawn } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import type { Readable, Writable } from 'node:stream'

const FIXTURE = join(import.meta.dirname, 'blob-peer.ts')

type Line = Readonly<Record<string, unknown>>

export interface BlobProcess {
  readonly child: ChildProcessByStdio<Writable, Readable, null>
  readonly self: string
  readonly addresses: string[]
  connected(peer: string): Promise<unknown>
  ask(command: object): Promise<Line>
  /** Largest resident set so far, as the kernel counts it (Linux). */
  peakRssBytes(): Promise<number>
}

export async function startBlobProcess(options: {
  dataDir: string
  join?: string[]
  swarmKey?: string
  lines?: boolean
}): Promise<BlobProcess> {
  const child = spawn(process.execPath, [FIXTURE, JSON.stringify(options)], { stdio: ['pipe', 'pipe', 'inherit'] })
  const lines: Line[] = []
  let wake = Promise.withResolvers<void>()
  createInterface({ input: child.stdout }).on('line', (line) => {
    lines.push(JSON.parse(line))
    wake.resolve()
    wake = Promise.withResolvers()
  })
  child.once('exit', () => {
    lines.push({ error: 'the process ended' })
    wake.resolve()
  })
  const take = async (isIt: (line: Line) => boolean): Promise<Line> => {
    for (;;) {
      const at = lines.findIndex(isIt)
      if (at >= 0) return lines.splice(at, 1)[0] as Line
      await wake.promise
    }
  }
  const up = await take((line) => 'up' in line || 'error' in line)
  if ('error' in up) throw new Error(String(up['error']))
  return {
    child,
    self: String(up['up']),
    addresses: up['addresses'] as string[],
    connected: (peer) => take((line) => line['connected'] === peer || 'error' in line),
    ask: async (command) => {
      child.stdin.write(`${JSON.stringify(command)}\n`)
      const line = await take((each) => 'answer' in each || 'error' in each)
      if ('error' in line) throw new Error(String(line['error']))
      return line['answer'] as Line
    },
    peakRssBytes: async () => {
      const status = await readFile(`/proc/${child.pid}/status`, 'utf8')
      return Number(/VmHWM:\s+(\d+)/.exec(status)?.[1]) * 1024
    },
  }
}
