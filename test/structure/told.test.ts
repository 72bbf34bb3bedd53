/** What people are told stands in the documents as it stands in the code: the settings of the compose file, its commands, the words of events. */
import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { productSources, ROOT } from './sources.ts'

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

test('the events that the guide to the status lists are those that the code writes', async () => {
  const sources = [...(await productSources(['fleet', 'coordinator', 'node'])).values()]
  const code = sources.filter((source) => source.includes('addEvent(')).join('\n')
  const firsts = [...code.matchAll(/\b(?:tell|tellOwn)\(([^,]*),|\baddEvent\(\{\s*what:([^,]*),/g)]
  const written = firsts.flatMap(([, told, added]) => [...(told ?? added ?? '').matchAll(/'([a-z_]+)'/g)])
  const guide = await read('docs/status.md')
  const table = guide.slice(guide.indexOf('## Events'))
  const listed = [...table.matchAll(/^\| (`[^|]+`) \|/gm)].flatMap(([, words]) => [
    ...(words ?? '').matchAll(/`(\w+)`/g),
  ])
  const sorted = (found: readonly RegExpMatchArray[]) => [...new Set(found.map(([, word]) => word))].sort()
  assert.deepEqual(
    sorted(listed).filter((word) => word !== 'what'),
    sorted(written),
  )
})
