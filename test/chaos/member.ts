/**
 * One node that is kept up as a supervisor would: whatever ends it, it is started again. Only an end that chaos itself
 * made is expected; any other is reported as a crash. A start that is refused in one sentence (no database, no room) is tried again.
 */
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { type ControlClient, connectControl } from '../../node/http/control-client.ts'
import { controlSocketPath } from '../../node/http/control-path.ts'
import type { LabHost, LabNode, NodeFlags } from '../../testing/hosts/lab.ts'
import type { SmallDisk } from '../hosts/small-disk.ts'

export interface MemberOptions {
  readonly host: LabHost
  /** Its data folder's own. */
  readonly disk: SmallDisk
  readonly flags: NodeFlags
  report(violation: string): void
  print(line: string): void
}

const RESTART_MS = 500
const REFUSED_MS = 1_000
/** A graceful stop waits 6 s for a ledger that is away, and a bit for everything else. */
const STOP_MS = 25_000

export class Member {
  readonly host: LabHost
  readonly disk: SmallDisk
  readonly name: string
  readonly #options: MemberOptions
  #node: LabNode | null = null
  #isExpectedToEnd = false
  #mayStartAt = 0
  #isOver = false
  #running: Promise<void> | null = null
  /** Frozen by a fault: it cannot end by itself now. */
  isHeld = false
  peer = ''
  address = ''
  starts = 0
  refusals = 0

  constructor(options: MemberOptions) {
    this.#options = options
    this.host = options.host
    this.disk = options.disk
    this.name = options.host.name
  }

  get dataDir(): string {
    return join(this.host.dir, this.name)
  }

  /** Null while it is down. */
  get node(): LabNode | null {
    return this.#node?.hasEnded ? null : this.#node
  }

  /** Resolves when it is up for the first time. */
  async start(): Promise<void> {
    this.#running ??= this.#keepUp()
    while (!this.peer) await Promise.race([sleep(50), this.#running])
  }

  async #keepUp(): Promise<void> {
    while (!this.#isOver) {
      await sleep(Math.max(0, this.#mayStartAt - performance.now()))
      if (this.#isOver) return
      this.#isExpectedToEnd = false
      const node = await this.host.node(this.#options.flags).catch((error: Error) => this.#refused(error))
      if (!node) continue
      this.#node = node
      this.peer = node.peer
      this.address = node.addresses[0] ?? ''
      this.starts++
      const { code, signal } = await node.ended
      if (!this.#isExpectedToEnd)
        this.#options.report(`${this.name} ended by itself (${signal ?? `code ${code}`}): ${await lastWords(node)}`)
      this.#mayStartAt = Math.max(this.#mayStartAt, performance.now() + RESTART_MS)
    }
  }

  async #refused(error: Error): Promise<null> {
    // A kill in the midst of its start is ours.
    if (!this.#isExpectedToEnd) {
      this.refusals++
      this.#options.print(`${this.name} did not start: ${error.message}`)
      if (!/reelmesh: \S/.test(error.message)) this.#options.report(`${this.name} did not start: ${error.message}`)
    }
    this.#mayStartAt = Math.max(this.#mayStartAt, performance.now() + REFUSED_MS)
    return null
  }

  /** It will end now, and not be started before `ms` have passed. */
  expectEnd(ms: number): void {
    this.#isExpectedToEnd = true
    this.#mayStartAt = performance.now() + ms
  }

  /** SIGTERM; it must end by itself, with code 0. */
  async stop(): Promise<void> {
    const { node } = this
    if (!node) return
    const ending = node.kill('SIGTERM')
    const isLate = await Promise.race([ending.then(() => false), sleep(STOP_MS, true, { ref: false })])
    if (isLate) {
      this.#options.report(`${this.name} did not end within ${STOP_MS / 1000} s of SIGTERM`)
      return node.kill('SIGKILL')
    }
    const { code, signal } = await node.ended
    if (code !== 0) this.#options.report(`${this.name} ended with ${signal ?? `code ${code}`} after SIGTERM`)
  }

  /** No more starts, and whatever ends it now is no crash. */
  abandon(): void {
    this.#isOver = true
    this.expectEnd(0)
  }

  /** Ends what runs, gracefully, for good. */
  async retire(): Promise<void> {
    this.abandon()
    await this.stop()
    await this.#running
  }

  /** Null while nobody answers. */
  async control(): Promise<ControlClient | null> {
    return this.node ? await connectControl(controlSocketPath(this.node.dataDir)).catch(() => null) : null
  }
}

/** What is no line of the log: a crash's own words. */
async function lastWords(node: LabNode): Promise<string> {
  const lines = (await node.log()).trim().split('\n')
  const own = lines.filter((line) => !line.startsWith('{"'))
  return (own.length > 0 ? own.slice(-12) : lines.slice(-1)).join(' | ').slice(0, 1_500)
}
