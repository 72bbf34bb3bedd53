/** The tools in front of ffmpeg: they bound it, end it with its parent, take its privileges and confine it. */
import { FFMPEG_NICE } from '../protocol/limits.ts'
import { type Confined, confine, findLevels, findPrivileges, type SandboxLevel, works } from './sandbox.ts'

/** The tools that work on this machine. */
export interface Wrapping {
  readonly dieWithParent: boolean
  /** Options of `setpriv` that take privileges. */
  readonly privileges: readonly string[]
  readonly bounds: boolean
  readonly nice: boolean
  /** Levels that work, strongest first. */
  readonly levels: readonly SandboxLevel[]
}

/**
 * The command line with its wrappers. Each of them calls `exec`, so that the pid stays and the signal of a death is seen, but for bubblewrap,
 * whose exit code says the signal.
 */
export async function wrapped(
  job: Confined & { readonly outputBytesMax?: number },
  tools: Omit<Wrapping, 'levels'>,
  { sandbox, memoryBytes }: { readonly sandbox: SandboxLevel; readonly memoryBytes: number },
): Promise<string[]> {
  const bounds = [
    `--as=${memoryBytes}`,
    '--core=0',
    ...(job.outputBytesMax ? [`--fsize=${Math.ceil(job.outputBytesMax)}`] : []),
  ]
  const setpriv = (options: readonly string[]) => (options.length > 0 ? ['setpriv', ...options, '--'] : [])
  const confined = await confine(job, sandbox)
  // Bubblewrap takes privileges itself, and needs them until then; a new namespace would restore what was taken before it.
  const at = sandbox === 'bubblewrap' ? 0 : confined.length - job.args.length - 1
  return [
    ...setpriv(tools.dieWithParent ? ['--pdeathsig', 'KILL'] : []),
    ...(tools.bounds ? ['prlimit', ...bounds, '--'] : []),
    ...(tools.nice ? ['nice', '-n', String(FFMPEG_NICE)] : []),
    ...confined.slice(0, at),
    ...setpriv(sandbox === 'bubblewrap' ? [] : tools.privileges),
    ...confined.slice(at),
  ]
}

/** Finds the wrapping tools by a trial, not by the path: the `setpriv` of busybox does not know `--pdeathsig`. */
export async function findWrapping(sandbox: 'auto' | 'off'): Promise<Wrapping> {
  const isOff = sandbox === 'off'
  const [dieWithParent, bounds, nice, privileges, levels] = await Promise.all([
    works(['setpriv', '--pdeathsig', 'KILL', '--', 'true']),
    works(['prlimit', '--as=4294967296', '--core=0', '--', 'true']),
    works(['nice', '-n', String(FFMPEG_NICE), 'true']),
    isOff ? [] : findPrivileges(),
    isOff ? (['none'] as const) : findLevels(),
  ])
  return { dieWithParent, bounds, nice, privileges, levels }
}
