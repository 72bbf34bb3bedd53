/**
 * Files that pages of a node load in a browser. From the sources they are read out of `page/`, TypeScript without its types, and node_modules; the
 * bundle has them in `pages` (scripts/bundle.ts), so that a page needs nothing from anywhere else.
 */
import { access, readFile } from 'node:fs/promises'
import { stripTypeScriptTypes } from 'node:module'
import { join } from 'node:path'
import { builtPage } from './page-build.ts'

/** Files of the live page, which are built of many. */
const BUILT = ['live.js', 'live.css', 'feed.js']

/** Each file by its name in the bundle: where it lies below node_modules; null for those of `page/`. */
export const PAGE_FILES: Readonly<Record<string, string | null>> = {
  ...Object.fromEntries(BUILT.map((name) => [name, null])),
  'live.html': null,
  'watch.html': null,
  'page.css': null,
  'watch.js': null,
  'player.js': null,
  'nodes.js': null,
  'swagger-ui.css': 'swagger-ui-dist/swagger-ui.css',
  'hls.min.mjs': 'hls.js/dist/hls.min.mjs',
  'swagger-ui.js': 'swagger-ui-dist/swagger-ui-bundle.js',
}

/** A file of a library, or of `page/` in the repository: `watch.js` is made from `watch.ts`. Rejects with the error of the file system. */
export async function readPageFile(name: string): Promise<Buffer<ArrayBuffer>> {
  const here = import.meta.dirname
  const bundled = join(here, '..', 'pages', name)
  if (await exists(bundled)) return await readFile(bundled)
  const root = join(here, '..', '..')
  const library = PAGE_FILES[name]
  if (library) return await readFile(join(root, 'node_modules', library))
  if (BUILT.includes(name)) return (await builtPage()).files.get(name)!
  const path = join(root, 'page', name)
  if (!name.endsWith('.js')) return await readFile(path)
  return Buffer.from(stripTypeScriptTypes(await readFile(path.replace(/js$/, 'ts'), 'utf8')))
}

const exists = (path: string): Promise<boolean> =>
  access(path).then(
    () => true,
    () => false,
  )
