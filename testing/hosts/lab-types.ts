/** What the lab gives to a test: hosts, and the nodes on them. */
import type { ChildProcess } from 'node:child_process'
import type { StatusSnapshot } from '../../protocol/status.ts'
import type { HostLink } from './lan.ts'

export interface Finished {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

export interface SpawnOptions {
  readonly env?: NodeJS.ProcessEnv
  readonly cwd?: string
  readonly stdio?: ['ignore', 'pipe' | number, 'pipe' | number]
}

export interface LabHost {
  readonly index: number
  /** Its host name. */
  readonly name: string
  readonly dir: string
  readonly link: HostLink
  /** A program on this host. Ends with this process. */
  spawn(command: readonly string[], options?: SpawnOptions): ChildProcess
  /** Programs that start here from now on see this folder at this path, which is made where it is missing: as a mount of a file server. */
  bind(folder: string, path: string): void
  /** Starts a node and waits until it is up. `name` and `env` beside its configuration; the same name is the same peer again. */
  node(flags?: NodeFlags, env?: NodeJS.ProcessEnv): Promise<LabNode>
  /** A verb of the command line, to its end: `cli(['status', '--data-dir', …])`. */
  cli(args: readonly string[], env?: NodeJS.ProcessEnv): Promise<Finished>
  readonly nodes: readonly LabNode[]

  /** Nothing gets in or out, in silence: as a cable that is pulled behind the next switch. */
  cut(): Promise<void>
  /** Between these two nothing passes. */
  cutFrom(other: LabHost): Promise<void>
  /** This host hears nothing of that one; the other direction works. */
  dropFrom(other: LabHost): Promise<void>
  /** Lifts every cut of this host, in both directions. Loss and rate stay. */
  heal(): Promise<void>
  /** This share of the packets that reach this host is dropped. */
  loss(share: number): Promise<void>
  /** Both directions at most this fast, bits a second; null lifts it. */
  rate(bits: number | null): Promise<void>
  /** Opens a port of its router, where it is behind one. */
  forward(port: number): Promise<void>

  /** SIGSTOP to everything that runs on it, and SIGCONT. */
  freeze(): Promise<void>
  thaw(): Promise<void>
  /** SIGKILL to everything that runs on it. Its disk stays. */
  powerOff(): Promise<void>
}

/** Configuration by its names (`slots: 1`, `join: '…'`); null leaves out what the lab would give. */
export type NodeFlags = Readonly<Record<string, string | number | boolean | null>>

export interface LabNode {
  readonly host: LabHost
  readonly name: string
  readonly dataDir: string
  readonly pid: number
  /** Its peer id. */
  readonly peer: string
  /** What others can dial. */
  readonly addresses: readonly string[]
  /** Resolves when it is gone, however it went. */
  readonly ended: Promise<{ code: number | null; signal: NodeJS.Signals | null }>
  readonly hasEnded: boolean
  /** Sends the signal; SIGSTOP and SIGCONT return at once, others when the process is gone. */
  kill(signal?: NodeJS.Signals): Promise<void>
  /** What it says of the mesh. Throws when it does not answer within 5 s. */
  status(): Promise<StatusSnapshot>
  /** Everything it logged. */
  log(): Promise<string>
}
