/** A terminal of a real emulator, tmux, whose picture a test reads and whose size it changes while a program runs in it. */
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { execa } from 'execa'
import { atEnd, type Ends } from './at-end.ts'
import { folder } from './folder.ts'
import { installPackage, onPath } from './system-packages.ts'

const NAME = 'tmux'
/** The terminal reads what was written, and the program hears of a new size, before the picture is read. */
const SETTLE_MS = 150

/** One terminal and what runs in it. */
export interface Terminal {
  /** The lines that are to be seen, and with `history` those that were scrolled away; a wrapped line is one. */
  lines(options?: { history: boolean }): Promise<string[]>
  /** Columns and rows. Resolves when the program may have heard of it. */
  resize(columns: number, rows: number): Promise<void>
  /** The exit code of the program; null while it runs. */
  ended(): Promise<number | null>
  /** Presses keys, as tmux names them: `C-c`. */
  press(keys: string): Promise<void>
}

/** The absolute path of `tmux`; installs it where this user may. Throws one sentence that says what to install. */
export async function ensureTmux(): Promise<string> {
  const found = await onPath(NAME)
  if (found) return found
  console.error(`reelmesh: there is no ${NAME} on the path; installing it`)
  const installed = await installPackage({ apt: NAME, dnf: NAME, apk: NAME, pacman: NAME, brew: NAME })
  const path = await onPath(NAME)
  if (path) return path
  throw new Error(`${NAME} is missing${installed.done ? '' : `: ${installed.why}`}; install ${NAME}`)
}

/** Runs `command` (a program and its arguments) in a terminal of this size. Ended with the test. */
export async function startTerminal(
  t: Ends,
  command: readonly string[],
  { cwd, env, columns, rows }: { cwd: string; env: Readonly<Record<string, string>>; columns: number; rows: number },
): Promise<Terminal> {
  const tmux = await ensureTmux()
  const dir = await folder(t)
  const [socket, settings] = [join(dir, 'tmux'), join(dir, 'tmux.conf')]
  await writeFile(settings, 'set -g remain-on-exit on\n')
  const ask = async (...args: string[]) =>
    (await execa(tmux, ['-S', socket, '-f', settings, ...args], { stdin: 'ignore', env: { LC_ALL: 'C.UTF-8' } })).stdout
  const size = ['-x', String(columns), '-y', String(rows)]
  const set = Object.entries(env).flatMap(([name, value]) => ['-e', `${name}=${value}`])
  await ask('-u', 'new-session', '-d', ...size, '-c', cwd, ...set, '--', ...command)
  atEnd(t, () => ask('kill-server').catch(() => {}))
  return {
    async lines({ history } = { history: false }) {
      const text = await ask('capture-pane', '-p', '-J', ...(history ? ['-S', '-'] : []))
      return text.split('\n').map((line) => line.trimEnd())
    },
    async resize(width, height) {
      await ask('resize-window', '-x', String(width), '-y', String(height))
      await sleep(SETTLE_MS)
    },
    async ended() {
      const [dead, code] = (await ask('display', '-p', '#{pane_dead} #{pane_dead_status}')).split(' ')
      return dead === '1' ? Number(code) : null
    },
    async press(keys) {
      await ask('send-keys', keys)
    },
  }
}
