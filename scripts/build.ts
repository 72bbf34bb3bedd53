/**
 * Makes what the npm package ships: the client for programs with its types, and all of Reelmesh and what it needs, `dist/reelmesh.mjs` and its `parts` (Node refuses to
 * strip types under node_modules; bundled it starts in 0.1 s and takes 40 MB less than the sources), and the licences of
 * what went into it. `npm pack` runs this first. With a path, `build.ts FILE [MAIN]`, only the program, there, its `parts` beside it: tests and
 * benchmarks start it, or another module of ours in its place.
 */
import { mkdir, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import type { Metafile } from 'esbuild'
import { execa } from 'execa'
import { PAGE_FILES } from '../node/http/page-files.ts'
import { bundle, bundleClient } from './bundle.ts'

const ROOT = join(import.meta.dirname, '..')
const BUNDLE = 'dist/reelmesh.mjs'
const CLIENT = 'dist/client.mjs'

const [, , elsewhere, main] = process.argv
if (elsewhere === undefined) await buildPackage()
else await bundle(resolve(elsewhere), main)

async function buildPackage(): Promise<void> {
  process.chdir(ROOT)
  await rm('dist', { recursive: true, force: true })
  await mkdir('dist')
  const { inputs } = await bundle(BUNDLE)
  const client = await bundleClient(CLIENT)
  await execa('tsc', ['-p', 'client'], { stdin: 'ignore', preferLocal: true })
  await writeFile('dist/THIRD-PARTY.txt', await licences({ ...inputs, ...client.inputs }))
  const parts = await readdir('dist', { recursive: true })
  const sizes = await Promise.all(parts.map(async (part) => (await stat(join('dist', part))).size))
  console.error(
    `reelmesh: ${BUNDLE} and its parts (${Math.round(sizes.reduce((sum, size) => sum + size, 0) / 1024)} KiB)`,
  )
}

/** The name, version and licence text of every package that has a file in the bundle. */
async function licences(inputs: Metafile['inputs']): Promise<string> {
  const libraries = Object.values(PAGE_FILES).filter((file) => file !== null)
  const files = [...Object.keys(inputs), ...libraries.map((file) => `node_modules/${file}`)]
  const folders = new Set(files.flatMap((path) => /^.*node_modules\/(?:@[^/]+\/)?[^/]+/.exec(path) ?? []))
  const parts = await Promise.all([...folders].sort().map(licence))
  return parts.join(`\n${'─'.repeat(80)}\n`)
}

async function licence(folder: string): Promise<string> {
  const manifest = JSON.parse(await readFile(join(folder, 'package.json'), 'utf8')) as Record<string, unknown>
  const names = (await readdir(folder)).filter((name) => /^(?:licen[cs]e|copying|notice)/i.test(name)).sort()
  const texts = await Promise.all(names.map((name) => readFile(join(folder, name), 'utf8')))
  const title = `${manifest.name} ${manifest.version} (${manifest.license ?? 'see below'})`
  return [title, ...texts.map((text) => text.trim())].join('\n\n')
}
