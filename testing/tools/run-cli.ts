/** Runs the command line as a person would: a process of its own, its output and exit code. */
import { spawn } from 'node:child_process'
import { dirname } from 'node:path'
import { fileURLToPath } from 'node:url'
import { programFile } from './program.ts'

export const ROOT = dirname(dirname(dirname(fileURLToPath(import.meta.url))))

export interface CliResult {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
  readonly seconds: number
}

export interface CliOptions {
  readonly cwd: string
  readonly dataDir: string
  readonly env?: NodeJS.ProcessEnv
  readonly timeoutMs?: number
  /** Called for every line of standard output as it comes. */
  onLine?(line: string, kill: (signal: NodeJS.Signals) => void): void
  /** Called with all of standard error so far, as it comes. */
  onError?(text: string): void
  /** Another program to run instead of the command line itself. */
  readonly main?: string
  /** Put in front of the command, such as `setpriv …`. */
  readonly prefix?: readonly string[]
}

export async function runCli(args: readonly string[], options: CliOptions): Promise<CliResult> {
  const env = { ...process.env, REELMESH_DATA_DIR: options.dataDir, NO_COLOR: '1', ...options.env }
  const [command = '', ...rest] = [
    ...(options.prefix ?? []),
    process.execPath,
    options.main ?? (await programFile()),
    ...args,
  ]
  const startedAt = performance.now()
  return await new Promise((resolve, reject) => {
    const child = spawn(command, rest, { cwd: options.cwd, env, stdio: ['ignore', 'pipe', 'pipe'] })
    const timer = setTimeout(() => child.kill('SIGKILL'), options.timeoutMs ?? 120_000)
    let [stdout, stderr, line] = ['', '', '']
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      stdout += text
      line += text
      const lines = line.split('\n')
      line = lines.pop() ?? ''
      for (const each of lines) options.onLine?.(each, (signal) => child.kill(signal))
    })
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      stderr += text
      options.onError?.(stderr)
    })
    child.once('error', reject)
    child.once('close', (code) => {
      clearTimeout(timer)
      resolve({ code, stdout, stderr, seconds: (performance.now() - startedAt) / 1000 })
    })
  })
}

/** The JSON lines of `--json`. */
export const eventsOf = (stdout: string): Record<string, unknown>[] =>
  stdout
    .split('\n')
    .filter((line) => line.startsWith('{'))
    .map((line) => JSON.parse(line) as Record<string, unknown>)
