/**
 * The product with a fault in it: `node` and `run` as the command line has them, composed with wrappers that kill the process
 * at a named point, once. `FAULT_IN_REELMESH` is `<part>.<method>:<before|after>@<file>`: whoever can remove that file dies.
 *
 *   node faulty.ts run OUT FILE…      the coordinator of a run; its workers are this program too
 */
import { rmSync } from 'node:fs'
import { resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { untilStopped } from '../../cli/signals.ts'
import { startNode, type Wrappers } from '../../node/compose.ts'
import { configSchema, loadConfig } from '../../node/config.ts'
import { systemClock } from '../../node/host/system-clock.ts'
import { createRunMesh } from '../../node/local-run/run-mesh.ts'
import { DEFAULT_ENCODING, DEFAULT_RECIPE, ladderOf } from '../../protocol/recipe.ts'

const [, part = '', method = '', when = '', marker = ''] =
  /^(\w+)\.(\w+):(before|after)@(.+)$/.exec(process.env.FAULT_IN_REELMESH ?? '') ?? []

function dieOnce(): void {
  try {
    rmSync(marker)
  } catch {
    return
  }
  process.kill(process.pid, 'SIGKILL')
}

/** The real part, but for one method. */
function faulty<T extends object>(real: T): T {
  return new Proxy(real, {
    get(target, key) {
      const value: unknown = Reflect.get(target, key)
      if (typeof value !== 'function') return value
      const call = value.bind(target) as (...args: unknown[]) => unknown
      if (key !== method) return call
      return async (...args: unknown[]) => {
        if (when === 'before') dieOnce()
        const answer = await call(...args)
        if (when === 'after') dieOnce()
        return answer
      }
    },
  })
}

const wrap: Wrappers =
  part === 'ledger'
    ? { ledger: faulty }
    : part === 'store'
      ? { store: faulty }
      : part === 'media'
        ? { media: faulty }
        : {}

async function worker(args: readonly string[]): Promise<void> {
  const flags: Record<string, unknown> = {}
  for (let at = 0; at < args.length; at++) {
    const key = (args[at] ?? '').replace(/^--/, '').replaceAll('-', '_')
    const hasValue = args[at + 1]?.startsWith('--') === false
    if (key in configSchema.shape) flags[key] = hasValue ? args[++at] : true
  }
  const config = await loadConfig({ flags, env: process.env, cwd: process.cwd() })
  const node = await startNode(config, { wrap })
  await untilStopped({ parentChannel: config.parent_channel, onInput: node.runAllTrials, stop: node.stop })
}

async function run([out = '', ...files]: readonly string[]): Promise<void> {
  const config = await loadConfig({ flags: { name: 'this process' }, env: process.env, cwd: process.cwd() })
  const mesh = await createRunMesh({ config, workers: 2, films: 1, entry: fileURLToPath(import.meta.url), wrap })
  const signal = AbortSignal.timeout(100_000)
  // As many as the default ladder has, and small: what is tried is who dies when.
  const renditions = ladderOf([180, 270, 360], { ...DEFAULT_ENCODING, preset: 'ultrafast' })
  const recipe = { ...DEFAULT_RECIPE, renditions, upscale: true }
  for (const file of files)
    await mesh.face.submit({ path: resolve(file), recipe, out: resolve(out), priority: 0, deadline: null, signal })
  for (;;) {
    const videos = await mesh.face.ledger.videos()
    if (videos.every((video) => video.deliveries.every((delivery) => delivery.done_at !== null))) break
    const failed = videos.find((video) => video.status === 'FAILED')
    if (failed) throw new Error(failed.failure ?? 'failed')
    await systemClock.sleep(200, signal)
  }
  await mesh.stop()
}

const [verb, ...args] = process.argv.slice(2)
await (verb === 'node' ? worker(args) : run(args))
process.exit()
