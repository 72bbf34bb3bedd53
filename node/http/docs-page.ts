/** The browsable documentation of the API at `/docs`: Swagger UI on `/openapi.json`. All that it loads comes from this node. */
import { Hono } from 'hono'
import { readPageFile } from './page-files.ts'

const PAGE = `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>Reelmesh: HTTP API</title>
<link rel="icon" href="data:,">
<link rel="stylesheet" href="/docs/swagger-ui.css">
<style>
/* No answer has links, and their column makes the page wider than a phone, as buttons that stay in one line do. */
.swagger-ui .response-col_links { display: none }
.swagger-ui .opblock-section-header { flex-wrap: wrap; row-gap: 16px }
</style>
<div id="docs"></div>
<script src="/docs/swagger-ui.js"></script>
<script src="/docs/start.js"></script>
</html>
`
/** Swagger UI looks dark where its page says so. */
const START = `const dark = matchMedia('(prefers-color-scheme: dark)')
const look = () => document.documentElement.classList.toggle('dark-mode', dark.matches)
dark.addEventListener('change', look)
look()
SwaggerUIBundle({ url: '/openapi.json', dom_id: '#docs', deepLinking: true, validatorUrl: null, docExpansion: 'list' })
`
const TEXT = { css: 'text/css; charset=utf-8', js: 'text/javascript; charset=utf-8' } as const
/** Nothing from elsewhere. Swagger UI sets styles by itself. */
const POLICY =
  "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
const CACHED = 'max-age=3600'

/** The page and its files. */
export function createDocsPage(): Hono {
  const docs = new Hono()
  docs.get('/docs', (c) => c.html(PAGE, 200, { 'Content-Security-Policy': POLICY }))
  docs.get('/docs/start.js', (c) => c.body(START, 200, { 'Content-Type': TEXT.js }))
  for (const [name, type] of [
    ['swagger-ui.css', TEXT.css],
    ['swagger-ui.js', TEXT.js],
  ] as const)
    docs.get(`/docs/${name}`, async (c) =>
      c.body(await readPageFile(name), 200, { 'Content-Type': type, 'Cache-Control': CACHED }),
    )
  return docs
}
