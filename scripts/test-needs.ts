/**
 * Which tools a test file needs before it can run, read from what it imports: a pure test brings none. Whatever this page
 * overlooks fails in the test, which looks for the tool itself; nothing is skipped.
 */
import { build } from 'esbuild'

/** `program`: Reelmesh as it is shipped, built from these sources. */
export type Tool = 'ffmpeg' | 'bubblewrap' | 'tmux' | 'prometheus' | 'mongod' | 'program'

/** The modules through which tests reach each tool. */
const DOORS: Readonly<Record<Tool, readonly string[]>> = {
  ffmpeg: ['media/run-ffmpeg.ts', 'testing/tools/ffmpeg.ts', 'testing/tools/program.ts', 'testing/sources/make.ts'],
  bubblewrap: ['testing/tools/bubblewrap.ts'],
  tmux: ['testing/tools/tmux.ts'],
  prometheus: ['testing/tools/prometheus.ts'],
  mongod: ['testing/tools/mongod-binary.ts'],
  program: ['testing/tools/program.ts'],
}
const TOOLS = Object.keys(DOORS) as Tool[]

/** The tools of each file. Paths are from `root`; what is imported only for its types counts for nothing. */
export async function toolsOf(files: readonly string[], root: string): Promise<ReadonlyMap<string, readonly Tool[]>> {
  const imports = await importsFrom(files, root)
  return new Map(
    files.map((file) => {
      const reached = new Set([file])
      for (const path of reached) for (const next of imports(path)) reached.add(next)
      return [file, TOOLS.filter((tool) => DOORS[tool].some((door) => reached.has(door)))]
    }),
  )
}

/** What each module imports of ours, for those that these files reach. */
async function importsFrom(files: readonly string[], root: string): Promise<(path: string) => string[]> {
  const { metafile } = await build({
    stdin: { contents: files.map((file) => `import './${file}'`).join('\n'), resolveDir: root },
    absWorkingDir: root,
    outdir: 'none',
    bundle: true,
    write: false,
    metafile: true,
    packages: 'external',
    platform: 'node',
    format: 'esm',
    logLevel: 'silent',
  })
  return (path) => (metafile.inputs[path]?.imports ?? []).filter((each) => !each.external).map((each) => each.path)
}
