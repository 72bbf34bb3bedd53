/** Brings what test files need before any of them runs: a download must not count against the time of a test. */
import { ensureBubblewrap } from '../testing/tools/bubblewrap.ts'
import { ensureFfmpeg } from '../testing/tools/ffmpeg.ts'
import { type Mongod, startMongod } from '../testing/tools/mongod.ts'
import { ensureMongod } from '../testing/tools/mongod-binary.ts'
import { programFile } from '../testing/tools/program.ts'
import { ensurePrometheus } from '../testing/tools/prometheus.ts'
import { ensureTmux } from '../testing/tools/tmux.ts'
import type { Tool } from './test-needs.ts'

/**
 * `needs`: the tools of each file. Several files that need a MongoDB share a server, several that start the program one build of
 * it. What cannot be brought is printed; the tests that need it look for it themselves and fail. The answer ends what was started.
 */
export async function bringTools(needs: readonly (readonly Tool[])[]): Promise<() => Promise<void>> {
  const having = (tool: Tool): number => needs.filter((tools) => tools.includes(tool)).length
  let mongod: Mongod | null = null
  const brought = await Promise.allSettled([
    having('ffmpeg') > 0 && ffmpegAnd(having),
    having('mongod') > 0 && ensureMongod().then((path) => `MongoDB from ${path}`),
    having('program') > 0 && programFile(),
  ])
  const [, , program] = brought

  for (const tool of brought) if (tool.status === 'rejected') console.log(`✖ ${tool.reason?.message ?? tool.reason}`)
  if (having('mongod') > 1 && brought[1].status === 'fulfilled') {
    mongod = await startMongod()
    process.env.REELMESH_TEST_MONGODB_URI = mongod.uri
  }
  if (program.status === 'fulfilled' && program.value) process.env.REELMESH_TEST_PROGRAM = program.value
  const said = brought.slice(0, 2).flatMap((tool) => (tool.status === 'fulfilled' && tool.value) || [])
  console.log([`Node ${process.versions.node}`, ...said].join(', '))
  return async () => mongod?.stop()
}

/** One after the other: a package manager works for one caller at a time. */
async function ffmpegAnd(having: (tool: Tool) => number): Promise<string> {
  const { version } = await ensureFfmpeg()
  if (having('bubblewrap') > 0) await ensureBubblewrap()
  if (having('tmux') > 0) await ensureTmux()
  if (having('prometheus') > 0) await ensurePrometheus()
  return `ffmpeg ${version}`
}
