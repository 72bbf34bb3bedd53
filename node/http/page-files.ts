/**
 * Files of libraries that pages of a node load in a browser. From the sources they are read out of node_modules; the bundle has them in `pages`
 * (scripts/bundle.ts), so that a page needs nothing from anywhere else.
 */
import { access } from 'node:fs/promises'
import { join } from 'node:path'

/** Each file by its name in the bundle: where it lies below node_modules. */
export const PAGE_FILES = {
  'swagger-ui.css': 'swagger-ui-dist/swagger-ui.css',
  'swagger-ui.js': 'swagger-ui-dist/swagger-ui-bundle.js',
} as const

/** The path of a file. Rejects where the installation lacks it. */
export async function pageFile(name: keyof typeof PAGE_FILES): Promise<string> {
  const here = import.meta.dirname
  const bundled = join(here, '..', 'pages', name)
  return (await exists(bundled)) ? bundled : join(here, '..', '..', 'node_modules', PAGE_FILES[name])
}

const exists = (path: string): Promise<boolean> =>
  access(path).then(
    () => true,
    () => false,
  )
