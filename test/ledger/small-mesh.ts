/** A small mesh of real processes on loopback, at a database that the test may stop: nodes, their status, and an audit. */

import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { parseResponse } from 'hono/client'
import { type ControlClient, connectControl } from '../../node/http/control-client.ts'
import { controlSocketPath } from '../../node/http/control-path.ts'
import type { VideoId } from '../../protocol/ids.ts'
import { DEFAULT_ENCODING, ladderOf } from '../../protocol/recipe.ts'
import type { StatusSnapshot } from '../../protocol/status.ts'
import { atEnd, type Ends } from '../../testing/tools/at-end.ts'
import { filesBelow } from '../../testing/tools/folder.ts'
import { programFile } from '../../testing/tools/program.ts'

export interface SmallNode {
  readonly name: string
  readonly process: ChildProcess
  readonly address: string
  status(): Promise<StatusSnapshot>
  /** What it answers through its control socket. */
  ask<T>(question: (client: ControlClient) => Promise<T>): Promise<T>
  submit(path: string, out: string, preset: string): Promise<VideoId>
  /** What it logged, a JSON line each. */
  log(): string
}

export async function startSmallNode(
  t: Ends,
  of: { dir: string; name: string; ledger: string; join?: string; flags?: readonly string[] },
): Promise<SmallNode> {
  const { dir, name, ledger } = of
  const dataDir = join(dir, name)
  const args = [await programFile(), 'node', '--slots', '1', '--name', name, '--ledger', ledger, '--data-dir', dataDir]
  const child = spawn(process.execPath, [...args, ...(of.flags ?? []), ...(of.join ? ['--join', of.join] : [])], {
    cwd: dir,
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let said = ''
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    said += text
  })
  atEnd(t, async () => {
    if (child.exitCode !== null || child.signalCode !== null) return
    child.kill('SIGKILL')
    await once(child, 'exit')
  })
  let printed = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    printed += text
  })
  const address = await until(`${name} is up`, 60, async () => {
    assert.equal(child.exitCode, null, `${name} ended before it was up: ${said}`)
    return /^ {2}(\S+)\n/m.exec(printed)?.[1] ?? null
  })
  const ask: SmallNode['ask'] = async (question) => {
    try {
      const client = await connectControl(controlSocketPath(dataDir))
      assert.ok(client, 'nobody listens')
      return await question(client)
    } catch (cause) {
      throw new Error(`${name} does not answer; it said: ${unlogged(said)}`, { cause })
    }
  }
  return {
    name,
    process: child,
    address,
    ask,
    status: () => ask((client) => parseResponse(client.v1.status.$get())),
    async submit(path, out, preset) {
      const recipe = { renditions: ladderOf([480], { ...DEFAULT_ENCODING, preset }), upscale: true }
      return (await ask((client) => parseResponse(client.v1.videos.$post({ json: { path, recipe, out } })))).id
    },
    log: () => said,
  }
}

/** What is no line of the log: a crash's own words, from their beginning. */
const unlogged = (said: string): string =>
  said
    .split('\n')
    .filter((line) => !line.startsWith('{"'))
    .slice(0, 40)
    .join('\n')

export async function until<T>(what: string, seconds: number, look: () => Promise<T | null | false>): Promise<T> {
  const end = performance.now() + seconds * 1000
  for (;;) {
    const found = await look()
    if (found) return found
    assert.ok(performance.now() < end, `not within ${seconds} s: ${what}`)
    await sleep(100)
  }
}

export const isRunning = ({ process: { exitCode, signalCode } }: SmallNode): boolean =>
  exitCode === null && signalCode === null

/** COMPLETED; one commit a task, and no task was tried twice: who was on it when the ledger went away was when it came back. */
export async function auditDone(node: SmallNode, id: VideoId): Promise<void> {
  const param = { id }
  const video = await node.ask((client) => parseResponse(client.v1.videos[':id'].$get({ param })))
  assert.equal(video.status, 'COMPLETED')
  const tasks = await node.ask((client) => parseResponse(client.v1.videos[':id'].tasks.$get({ param })))
  const counted = tasks.filter(({ kind }) => kind === 'video' || kind === 'audio')
  assert.equal(counted.length, video.plan?.tasks)
  for (const task of tasks) {
    assert.equal(task.status, 'COMPLETED', task.id)
    assert.deepEqual(task.claims, [], task.id)
    assert.deepEqual([task.attempt, task.completed_attempt, task.failures], [1, 1, []], task.id)
  }
}

export async function hashesBelow(dir: string): Promise<Record<string, string>> {
  const named = (await filesBelow(dir)).map(async (file) => {
    const bytes = await readFile(join(dir, file))
    return [file, createHash('sha256').update(bytes).digest('hex')] as const
  })
  return Object.fromEntries(await Promise.all(named))
}
