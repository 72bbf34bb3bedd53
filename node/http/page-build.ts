/**
 * The live page as browsers load it, built from `page/live` with its libraries by the bundler of the repository: when the package is made, and when a
 * node that runs from the sources is first asked for it. The package has what this makes, and no bundler.
 */
import { basename, join } from 'node:path'
import type { Metafile } from 'esbuild'

const ROOT = join(import.meta.dirname, '..', '..')

/** What was built: each file by its name, and what went into them. */
export interface BuiltPage {
  readonly files: ReadonlyMap<string, Buffer<ArrayBuffer>>
  readonly metafile: Metafile
}

let built: Promise<BuiltPage> | null = null

/** The files of the live page: built once. Rejects with what is wrong in its sources. */
export const builtPage = (): Promise<BuiltPage> => (built ??= build())

async function build(): Promise<BuiltPage> {
  const esbuild = await import('esbuild')
  const { outputFiles, metafile } = await esbuild.build({
    absWorkingDir: ROOT,
    entryPoints: { live: 'page/live/main.tsx', feed: 'page/live/feed/feed.ts' },
    outdir: 'pages',
    write: false,
    bundle: true,
    minify: true,
    format: 'esm',
    platform: 'browser',
    target: 'es2024',
    jsx: 'automatic',
    jsxImportSource: 'preact',
    legalComments: 'none',
    metafile: true,
    logLevel: 'silent',
  })
  await esbuild.stop()
  return {
    files: new Map(outputFiles.map(({ path, contents }) => [basename(path), Buffer.from(contents)])),
    metafile,
  }
}
