/** The tests of real sources, a file at a time, with every build: what a person's file becomes may not depend on which peer takes it. */
import { glob } from 'node:fs/promises'
import { basename } from 'node:path'
import type { FfmpegBuild } from '../../testing/tools/ffmpegs.ts'
import { programFile } from '../../testing/tools/program.ts'
import { runTestFile } from '../test-file.ts'
import type { Cell } from './peer.ts'

const FOLDER = 'test/sources/real'
const LIMITS = { testMs: 120_000, fileMs: 600_000, lingerMs: 15_000 }

/** Absolute paths by the names that rows have: `real/sound`. */
export async function realFiles(): Promise<ReadonlyMap<string, string>> {
  const paths = await Array.fromAsync(glob(`${process.cwd()}/${FOLDER}/*.test.ts`))
  return new Map(paths.sort().map((path) => [`real/${basename(path, '.test.ts')}`, path]))
}

/** One row: a cell for each build, with the number of tests that passed. `report` is called with each failure. */
export async function realRow(job: {
  path: string
  builds: readonly FfmpegBuild[]
  report: (sentence: string) => void
}): Promise<Cell[]> {
  const { path, builds, report } = job
  process.env.REELMESH_TEST_PROGRAM = await programFile()
  const cells: Cell[] = []
  for (const build of builds) {
    // A test file runs in a process of its own, which gets these.
    Object.assign(process.env, { REELMESH_FFMPEG: build.ffmpeg, REELMESH_FFPROBE: build.ffprobe })
    const { passed, failed, report: failures } = await runTestFile(path, LIMITS)
    if (failed > 0) report(`${basename(path)} on ${build.name}:\n${failures}`)
    cells.push({ text: failed > 0 ? `${failed} FAILED` : `${passed} passed`, ok: failed === 0 && passed > 0 })
  }
  delete process.env.REELMESH_FFMPEG
  delete process.env.REELMESH_FFPROBE
  return cells
}
