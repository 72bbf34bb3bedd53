/**
 * Files that pages of a node load in a browser. From the sources they are read out of `page/` and node_modules; the bundle has them in `pages`
 * (scripts/bundle.ts), so that a page needs nothing from anywhere else.
 */
import { access } from 'node:fs/promises'
import { join } from 'node:path'

/** Each file by its name in the bundle: where it lies below node_modules. */
export const PAGE_FILES = {
  'swagger-ui.css': 'swagger-ui-dist/swagger-ui.css',
  'hls.min.mjs': 'hls.js/dist/hls.min.mjs',
  'swagger-ui.js': 'swagger-ui-dist/swagger-ui-bundle.js',
} as const

/** The path of a file of a library, or of `page/` in the repository. It may not be there. */
export async function pageFile(name: string): Promise<string> {
  const here = import.meta.dirname
  const bundled = join(here, '..', 'pages', name)
  if (await exists(bundled)) return bundled
  const library = Object.hasOwn(PAGE_FILES, name) && PAGE_FILES[name as keyof typeof PAGE_FILES]
  return join(here, '..', '..', library ? join('node_modules', library) : join('page', name))
}

const exists = (path: string): Promise<boolean> =>
  access(path).then(
    () => true,
    () => false,
  )
