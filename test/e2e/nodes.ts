/** Nodes of one mesh on this host, each a process as the command line starts it: a shared SQLite ledger, one that leads. */

import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { parseResponse } from 'hono/client'
import { createSqliteLedger } from '../../ledger/sqlite/sqlite-ledger.ts'
import { systemClock, systemRng } from '../../node/host/system-clock.ts'
import { connectControl } from '../../node/http/control-client.ts'
import { controlSocketPath } from '../../node/http/control-path.ts'
import type { Ledger } from '../../protocol/ledger.ts'
import { silentLog } from '../../protocol/log.ts'
import type { PeerStatus, StatusSnapshot } from '../../protocol/status.ts'
import { atEnd, type Ends } from '../../testing/tools/at-end.ts'
import { programFile } from '../../testing/tools/program.ts'
import { eventsOf, runCli } from '../../testing/tools/run-cli.ts'
import { writeWrapper } from '../../testing/tools/wrapped-ffmpeg.ts'

export interface MeshNode {
  readonly name: string
  readonly dataDir: string
  /** Where others join it. */
  readonly address: string
  readonly peer: string
  readonly pid: number
  /** Where it serves packages, with `--http`; else empty. */
  readonly http: string
  isAlive(): boolean
  /** The end of its log. */
  log(): string
  stop(): Promise<void>
}

/** Runs `node` with these flags; resolves when it is up. Ended with the test. */
export async function startNode(
  t: Ends,
  dir: string,
  { name, dataDir = join(dir, name), flags }: { name: string; dataDir?: string; flags: readonly string[] },
): Promise<MeshNode> {
  const args = [
    await programFile(),
    'node',
    '--name',
    name,
    '--data-dir',
    dataDir,
    '--ledger',
    `sqlite:${ledgerPath(dir)}`,
    ...flags,
  ]
  const child = spawn(process.execPath, args, { cwd: dir, stdio: ['ignore', 'pipe', 'pipe'] })
  let said = ''
  child.stderr!.setEncoding('utf8').on('data', (text: string) => (said = (said + text).slice(-4_000)))
  const isAlive = () => child.exitCode === null && child.signalCode === null
  const stop = async () => {
    if (!isAlive()) return
    child.kill('SIGKILL')
    await once(child, 'exit')
  }
  atEnd(t, stop)
  const { promise: up, resolve } = Promise.withResolvers<string>()
  let printed = ''
  child.stdout!.setEncoding('utf8').on('data', (text: string) => {
    printed += text
    const address = /^ {2}(\/ip4\/\S+)$/m.exec(printed)?.[1]
    if (address && (!flags.includes('--http') || HTTP.test(printed))) resolve(address)
  })
  const address = await Promise.race([up, once(child, 'exit').then(() => null)])
  assert.ok(address, `${name} did not start: ${said}`)
  const peer = /peer (\w+)/.exec(printed)?.[1] ?? ''
  const http = HTTP.exec(printed)?.[1] ?? ''
  return { name, dataDir, address, peer, pid: child.pid!, http, isAlive, log: () => said, stop }
}

const HTTP = /^ {2}(https?:\S+)$/m

/** The ledger that they share. */
export async function ledgerOf(t: Ends, dir: string): Promise<Ledger> {
  const ledger = createSqliteLedger({ path: ledgerPath(dir), clock: systemClock, rng: systemRng, log: silentLog })
  await ledger.open()
  atEnd(t, () => ledger.close())
  return ledger
}

const ledgerPath = (dir: string): string => join(dir, 'ledger.sqlite')

/** As `status --json` prints it, but asked by this process: tests look again and again. */
export async function statusOf(node: MeshNode): Promise<StatusSnapshot> {
  const client = await connectControl(controlSocketPath(node.dataDir))
  assert.ok(client, `${node.name} does not answer`)
  return parseResponse(client.v1.status.$get())
}

export const peerNamed = (status: StatusSnapshot, name: string): PeerStatus | undefined =>
  status.peers.find((peer) => peer.name === name)

/** Submits with these flags; answers the video's id. */
export async function submit(node: MeshNode, dir: string, file: string, flags: readonly string[]): Promise<string> {
  const args = ['submit', file, '--json', '--out', join(dir, 'out'), ...flags]
  const { code, stdout, stderr } = await runCli(args, { cwd: dir, dataDir: node.dataDir })
  assert.equal(code, 0, stderr)
  return String(eventsOf(stdout)[0]?.video)
}

export async function until<T>(
  what: string,
  look: () => Promise<T | null | undefined | false>,
  seconds = 200,
): Promise<T> {
  const end = performance.now() + seconds * 1000
  for (;;) {
    const found = await look()
    if (found) return found
    assert.ok(performance.now() < end, `not within ${seconds} s: ${what}`)
    await sleep(200)
  }
}

/** For `oddFfmpeg`: encodes one chunk to H.264 as it should, and does this at each further one. */
export const afterFirst = (dir: string, does: string): string =>
  `case "$*" in *libx264*) mkdir '${dir}/first' 2>/dev/null || ${does} ;; esac`

/**
 * An ffmpeg whose attempts at tasks behave as the file `mode` beside it says (what else it is asked, such as trial runs,
 * works). `$OUT` is the last output of the command.
 */
export async function oddFfmpeg(
  dir: string,
  modes: Readonly<Record<string, string>>,
  /** What it does at everything, trial runs too, in the mode `broken`. */
  broken = ':',
): Promise<{ path: string; flags: readonly string[]; set(mode: string): Promise<void> }> {
  const path = join(dir, 'odd-ffmpeg')
  const cases = Object.entries(modes).map(([mode, does]) => `    ${mode}) ${does} ;;`)
  const script = `#!/bin/sh
case "$*" in */scratch/*)
  for OUT; do :; done; OUT="\${OUT#file:}"
  case "$(cat '${dir}/mode')" in
${cases.join('\n')}
  esac ;;
esac
case "$(cat '${dir}/mode')" in broken) ${broken} ;; esac
exec ffmpeg "$@"
`
  await writeWrapper(path, script)
  const set = (mode: string) => writeFile(join(dir, 'mode'), mode)
  await set('works')
  // In the sandbox it could not read its mode.
  return { path, flags: ['--ffmpeg', path, '--sandbox', 'off'], set }
}
