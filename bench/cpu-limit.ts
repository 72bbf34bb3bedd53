/**
 * A bound on the CPU of a process and all that it starts, by the kernel's control groups (v1 or v2). Needs root on Linux.
 *
 * Its weight is the largest there is: the quota bounds it, not what else this machine does.
 */
import { mkdir, readFile, rmdir, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'

export interface CpuLimit extends AsyncDisposable {
  /** This process, and what it starts from now on. */
  hold(pid: number): Promise<void>
  setCores(cores: number): Promise<void>
  /** CPU that was used so far, s. */
  usedSeconds(): Promise<number>
  /** As at disposal: its processes have ended by then. */
  remove(): Promise<void>
}

const ROOT = '/sys/fs/cgroup'
/** The kernel's default period, µs. */
const PERIOD_US = 100_000
const isThere = (path: string) => stat(path).then(Boolean, () => false)

/** Null cores: no bound, only the weight. */
export async function limitCpu(name: string, cores: number | null): Promise<CpuLimit> {
  const quota = cores === null ? null : Math.round(cores * PERIOD_US)
  if (await isThere(join(ROOT, 'cgroup.controllers'))) {
    await writeFile(join(ROOT, 'cgroup.subtree_control'), '+cpu')
    const dir = await group(ROOT, name)
    await writeFile(join(dir, 'cpu.max'), `${quota ?? 'max'} ${PERIOD_US}`)
    await writeFile(join(dir, 'cpu.weight'), '10000')
    const used = async () => Number(/usage_usec (\d+)/.exec(await readFile(join(dir, 'cpu.stat'), 'utf8'))?.[1]) / 1e6
    return limitOf([dir], used, (us) => writeFile(join(dir, 'cpu.max'), `${us} ${PERIOD_US}`))
  }
  const [cpu, account] = [await group(join(ROOT, 'cpu'), name), await group(join(ROOT, 'cpuacct'), name)]
  await writeFile(join(cpu, 'cpu.cfs_period_us'), String(PERIOD_US))
  await writeFile(join(cpu, 'cpu.cfs_quota_us'), String(quota ?? -1))
  await writeFile(join(cpu, 'cpu.shares'), '262144')
  // Where both controllers are one mount, the two are one folder.
  const used = async () => Number(await readFile(join(account, 'cpuacct.usage'), 'utf8')) / 1e9
  return limitOf([cpu, account], used, (us) => writeFile(join(cpu, 'cpu.cfs_quota_us'), String(us)))
}

/** What the processes in a control group use, with no bound. `null` where this user may make none. */
export interface CpuAccount {
  /** To be written to by a process that is to count, with all that it starts. */
  readonly processes: string
  usedSeconds(): Promise<number>
  remove(): Promise<void>
}

/** A group to count in, which also sees processes that nobody waited for: bubblewrap leaves its own. */
export async function accountCpu(name: string): Promise<CpuAccount | null> {
  const isUnified = await isThere(join(ROOT, 'cgroup.controllers'))
  const dir = await group(isUnified ? ROOT : join(ROOT, 'cpuacct'), name).catch(() => null)
  if (dir === null) return null
  const used = async () =>
    isUnified
      ? Number(/usage_usec (\d+)/.exec(await readFile(join(dir, 'cpu.stat'), 'utf8'))?.[1]) / 1e6
      : Number(await readFile(join(dir, 'cpuacct.usage'), 'utf8')) / 1e9
  return { processes: join(dir, 'cgroup.procs'), usedSeconds: used, remove: () => removeAll([dir]) }
}

async function group(root: string, name: string): Promise<string> {
  const dir = join(root, name)
  await mkdir(dir, { recursive: true }).catch((error: unknown) => {
    throw new Error(`the CPU of a process cannot be bounded here (${(error as Error).message}); run this as root`)
  })
  return dir
}

const limitOf = (
  dirs: readonly string[],
  usedSeconds: () => Promise<number>,
  setQuota: (us: number) => Promise<void>,
): CpuLimit => ({
  usedSeconds,
  setCores: (cores) => setQuota(Math.round(cores * PERIOD_US)),
  async hold(pid) {
    for (const dir of dirs) await writeFile(join(dir, 'cgroup.procs'), String(pid))
  },
  remove: () => removeAll(dirs),
  [Symbol.asyncDispose]: () => removeAll(dirs),
})

async function removeAll(dirs: readonly string[]): Promise<void> {
  for (const dir of dirs) await rmdir(dir).catch(() => {})
}
