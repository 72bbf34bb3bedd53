/**
 * Keeps ffmpeg, which decodes files of strangers, away from the rest of the machine. The strongest way that works here is found by trials, in
 * which a private file must be out of reach and no network be there:
 *
 * | level        | by                  | ffmpeg has                                                                             |
 * |--------------|---------------------|----------------------------------------------------------------------------------------|
 * | `bubblewrap` | `bwrap`             | its inputs, the folder of its output, programs and libraries; no network, no other process |
 * | `no_network` | `unshare`           | the files of this user; no network                                                     |
 * | `none`       |                     | the files of this user and the network                                                 |
 *
 * On every level `setpriv`, where it works, takes what a program could gain or has as root, but for reading files of other users: root's
 * sources are everybody's. Containers usually have `none`: their engine refuses namespaces within.
 */
import { mkdtemp, realpath, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { delimiter, dirname, join } from 'node:path'
import { execa } from 'execa'

/** How far ffmpeg is kept from the machine, strongest first. */
const LEVELS = ['bubblewrap', 'no_network', 'none'] as const
/** One of them. */
export type SandboxLevel = (typeof LEVELS)[number]
/** Whether a text of unknown origin is one. */
export const isLevel = (text: string): text is SandboxLevel => (LEVELS as readonly string[]).includes(text)

/** A program, its arguments, and folders that these do not name. */
export interface Confined {
  /** Absolute path. */
  readonly program: string
  readonly args: readonly string[]
  readonly folders?: readonly string[]
  /** Folders that it writes into, beside those of its outputs. */
  readonly writes?: readonly string[]
}

const FILE = 'file:'
const isRoot = process.getuid?.() === 0

/** Where programs, libraries and their settings lie: nothing there is private. */
const SYSTEM = ['/usr', '/bin', '/sbin', '/lib', '/lib32', '/lib64', '/nix/store', '/gnu/store']
const SETTINGS = ['/etc/ld.so.cache', '/etc/ld.so.conf', '/etc/ld.so.conf.d', '/etc/alternatives', '/etc/fonts']
const CAPABILITIES = isRoot ? ['--cap-drop', 'ALL', '--cap-add', 'CAP_DAC_READ_SEARCH'] : []
const BWRAP = ['bwrap', '--unshare-all', '--die-with-parent', ...CAPABILITIES, '--chdir', '/']
const UNSHARE = isRoot ? ['unshare', '--net', '--'] : ['unshare', '--user', '--map-current-user', '--net', '--']
const TRIAL_MS = 5_000

/** Options of `setpriv` that take privileges. */
export const PRIVILEGES: readonly string[] = [
  '--no-new-privs',
  ...(isRoot ? ['--inh-caps=-all', '--bounding-set=-all,+dac_read_search'] : []),
]

/** The same as far as they work here. */
export const findPrivileges = async (): Promise<readonly string[]> =>
  (await works(['setpriv', ...PRIVILEGES, '--', 'true'])) ? PRIVILEGES : []

/** The levels that work here, strongest first. */
export async function findLevels(): Promise<readonly SandboxLevel[]> {
  const dir = await mkdtemp(join(tmpdir(), 'reelmesh-sandbox-'))
  const [input, secret] = [join(dir, 'input'), join(dir, 'secret')]
  const isAlone = 'test "$(grep -c : /proc/net/dev)" -le 1'
  const script = `${isAlone} && test "$(cat ${input})" = open && ! cat ${secret}`
  try {
    await Promise.all([writeFile(input, 'open'), writeFile(secret, 'secret')])
    const trial = { program: '/bin/sh', args: ['-c', script, '-i', FILE + input] }
    const [bubblewrap, unshare] = await Promise.all([
      works(await inBubblewrap(trial)),
      works([...UNSHARE, 'sh', '-c', isAlone]),
    ])
    return [...(bubblewrap ? (['bubblewrap'] as const) : []), ...(unshare ? (['no_network'] as const) : []), 'none']
  } finally {
    await rm(dir, { recursive: true, force: true })
  }
}

/** Whether ffmpeg or ffprobe starts at this level: one whose libraries lie elsewhere does not in bubblewrap. */
export const startsAt = async (program: string, level: SandboxLevel): Promise<boolean> =>
  works(await confine({ program, args: ['-version'] }, level))

/** The strongest level at which all of these programs start. */
export async function levelOf(programs: readonly string[]): Promise<SandboxLevel> {
  for (const level of await findLevels())
    if ((await Promise.all(programs.map((program) => startsAt(program, level)))).every(Boolean)) return level
  return 'none'
}

/** The command line that runs a program at this level. */
export async function confine(job: Confined, level: SandboxLevel): Promise<string[]> {
  if (level === 'bubblewrap') return inBubblewrap(job)
  return [...(level === 'no_network' ? UNSHARE : []), job.program, ...job.args]
}

async function inBubblewrap({ program, args, folders = [], writes = [] }: Confined): Promise<string[]> {
  const real = await realpath(program).catch(() => program)
  const libraries = [join(dirname(real), '..', 'lib'), ...(process.env.LD_LIBRARY_PATH ?? '').split(delimiter)]
  const readIfThere = [...SYSTEM, ...SETTINGS, program, real, ...libraries.filter((path) => path !== '')]
  const files = args.flatMap((arg, at) =>
    arg.startsWith(FILE) ? [{ path: arg.slice(FILE.length), isInput: args[at - 1] === '-i' }] : [],
  )
  const written = [...files.filter(({ isInput }) => !isInput).map(({ path }) => dirname(path)), ...writes]
  const read = [...files.filter(({ isInput }) => isInput).map(({ path }) => path), ...folders]
  const bind = (how: string, paths: readonly string[]) => [...new Set(paths)].flatMap((path) => [how, path, path])
  return [
    ...BWRAP, '--proc', '/proc', '--dev', '/dev',
    ...bind('--ro-bind-try', readIfThere), ...bind('--bind', written), ...bind('--ro-bind', read), '--remount-ro', '/',
    '--', program, ...args,
  ] // biome-ignore format: groups
}

/** Whether a command ends well, soon. */
export async function works([file = '', ...args]: readonly string[]): Promise<boolean> {
  return (await execa(file, args, { reject: false, stdio: 'ignore', timeout: TRIAL_MS })).exitCode === 0
}
