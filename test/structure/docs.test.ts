/** The documents agree with the code: the settings of the compose file, its commands, events, and the HTTP API. */
import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { Validator } from '@seriousme/openapi-schema-validator'
import { ROUTES, STREAM_ROUTES } from '../../protocol/api.ts'
import { LADDERS_PAGE, laddersPage } from '../../testing/docs/ladders-page.ts'
import { REFERENCE_PAGE, referencePage } from '../../testing/docs/reference-page.ts'
import { openApi, STATUS_PAGE, statusPage } from '../../testing/docs/status-page.ts'
import { ROOT } from './sources.ts'

const read = (path: string): Promise<string> => readFile(join(ROOT, path), 'utf8')
const missing = (words: Iterable<string>, text: string): string[] =>
  [...new Set(words)].filter((word) => !new RegExp(`\\b${word}\\b`).test(text)).sort()

test('every setting of the compose file is named at its head and in the operations guide', async () => {
  const compose = await read('docker-compose.yml')
  const settings = [...compose.matchAll(/\$\{([A-Z_]+)/g)].map(([, name]) => name ?? '')
  assert.ok(settings.length > 10)
  assert.deepEqual(missing(settings, compose.slice(0, compose.indexOf('\nname:'))), [])
  assert.deepEqual(missing(settings, await read('docs/operations.md')), [])
})

test('compose commands of the documents name a profile where they need one', async () => {
  for (const path of ['README.md', 'docs/operations.md', 'docker-compose.yml'])
    assert.doesNotMatch(await read(path), /docker compose (?:build|up|stop|down)\b/, path)
})

test('the page about the status and the API is the one that the schemas make', async () => {
  assert.equal(await read(STATUS_PAGE), await statusPage(), 'run `sh scripts/node.sh scripts/docs.ts`')
})

test('the page about ladders is the one that the schema and the built-in ladders make', async () => {
  assert.equal(await read(LADDERS_PAGE), laddersPage(), 'run `sh scripts/node.sh scripts/docs.ts`')
})

test('the reference is the one that the verbs and the settings make, and names each', async () => {
  const page = await referencePage()
  assert.equal(await read(REFERENCE_PAGE), page, 'run `sh scripts/node.sh scripts/docs.ts`')
  assert.deepEqual(
    page.split('\n').filter((line) => /^\| .*\| +\|$/.test(line)),
    [],
    'flags or settings without a meaning',
  )
})

test('the page names every field of the API with its meaning', async () => {
  const page = await statusPage()
  for (const field of [
    '| `leader.term` | number |',
    '| `claims[].expires_at` |',
    '| `held` | [Held](#held) |',
    '| `recipe` | [Recipe](#recipe) |',
  ])
    assert.ok(page.includes(field), field)
  assert.deepEqual(
    page.split('\n').filter((line) => /^\| `[^|]*\|[^|]*\|\s*\|$/.test(line)),
    [],
    'fields without a meaning',
  )
})

test('the operations guide names every metric, and no other', async () => {
  const endings: Readonly<Record<string, string>> = { counter: '_total', seconds: '_seconds', gauge: '' }
  const source = await read('node/metrics/node-metrics.ts')
  const made = [...source.matchAll(/\b(counter|seconds|gauge)\(\s*'(\w+)'/g)].map(
    ([, kind = '', name]) => `reelmesh_${name}${endings[kind]}`,
  )
  assert.ok(made.length > 15)
  const page = await read('docs/operations.md')
  const table = page.slice(page.indexOf('## Metrics and alerts'), page.indexOf('## Deadlines'))
  assert.deepEqual([...new Set(table.match(/\breelmesh_\w+/g))].sort(), made.sort())
})

test('the OpenAPI document is valid, and has an operation for every route', async () => {
  const document = await openApi()
  const { valid, errors } = await new Validator().validate(document)
  assert.ok(valid, JSON.stringify(errors))
  const { paths } = document as { paths: Record<string, Record<string, { operationId: string }>> }
  const operations = Object.values(paths).flatMap((methods) => Object.values(methods).map((each) => each.operationId))
  assert.deepEqual(operations.sort(), Object.keys({ ...ROUTES, ...STREAM_ROUTES }).sort())
})
