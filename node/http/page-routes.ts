/** The live page of the mesh, the page on which a film is watched, and what its player asks beside the streams. Nothing of them comes from elsewhere. */
import { createHash } from 'node:crypto'
import { Hono } from 'hono'
import { unknownVideo } from '../../protocol/errors.ts'
import type { Ledger } from '../../protocol/ledger.ts'
import { videoId } from './media-routes.ts'
import type { OtherNodes } from './other-nodes.ts'
import { readPageFile } from './page-files.ts'

/** What the routes use. */
export interface PageRoutesOptions {
  readonly ledger: Pick<Ledger, 'video'>
  readonly others: Pick<OtherNodes, 'urls'>
}

const FILES: Readonly<Record<string, string>> = {
  'live.html': 'text/html; charset=utf-8',
  'live.css': 'text/css; charset=utf-8',
  'live.js': 'text/javascript; charset=utf-8',
  'feed.js': 'text/javascript; charset=utf-8',
  'watch.html': 'text/html; charset=utf-8',
  'page.css': 'text/css; charset=utf-8',
  'watch.js': 'text/javascript; charset=utf-8',
  'player.js': 'text/javascript; charset=utf-8',
  'nodes.js': 'text/javascript; charset=utf-8',
  'hls.min.mjs': 'text/javascript; charset=utf-8',
}
/** Other nodes may be asked, on whichever port they serve; what plays is a blob of the page's own. */
const POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "worker-src 'self'",
  "style-src 'self'",
  'img-src data:',
  'media-src blob:',
  'connect-src http: https:',
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ')

/** The live page at `/`, that of each video at `/watch/<id>`, their files under `/page`, and `about.json` beside the page. */
export function createPageRoutes({ ledger, others }: PageRoutesOptions): Hono {
  const routes = new Hono()
  const fileOf = createPageFiles()
  const answer = async (name: string, known: string | undefined): Promise<Response> => {
    const { bytes, etag } = await fileOf(name)
    const headers = { 'Content-Type': FILES[name]!, 'Cache-Control': 'no-cache', ETag: etag, ...SAFE }
    return known === etag ? new Response(null, { status: 304, headers }) : new Response(bytes, { headers })
  }
  routes.get('/', (c) => answer('live.html', c.req.header('if-none-match')))
  routes.get('/watch/:id', (c) => answer('watch.html', c.req.header('if-none-match')))
  routes.get('/page/:file', (c) => {
    const { file } = c.req.param()
    return Object.hasOwn(FILES, file) ? answer(file, c.req.header('if-none-match')) : c.notFound()
  })
  routes.get('/watch/:id/about.json', async (c) => {
    const id = videoId(c.req.param('id'))
    const video = await ledger.video(id)
    if (video === null) throw unknownVideo(id)
    const { name, status } = video
    return c.json({ name, status, nodes: others.urls() }, 200, { 'Cache-Control': 'no-store' })
  })
  return routes
}

const SAFE = {
  'Content-Security-Policy': POLICY,
  'X-Content-Type-Options': 'nosniff',
  'Referrer-Policy': 'no-referrer',
}

/** Reads each file of the page once. */
function createPageFiles(): (name: string) => Promise<{ readonly bytes: Buffer<ArrayBuffer>; readonly etag: string }> {
  const known = new Map<string, ReturnType<typeof read>>()
  const read = async (name: string) => {
    const bytes = await readPageFile(name)
    return { bytes, etag: `"${createHash('sha256').update(bytes).digest('hex')}"` }
  }
  return (name) => {
    const file = known.get(name) ?? read(name)
    known.set(name, file)
    return file
  }
}
