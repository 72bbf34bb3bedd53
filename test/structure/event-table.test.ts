/** What people are told stands in the documents as it stands in the code: the settings of the compose file, its commands, the words of events. */
import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { EVENTS_PAGE, withEventTable } from '../../testing/docs/event-table.ts'
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

test('the table of events in the guide to the status is the one that the catalogue makes', async () => {
  const guide = await read(EVENTS_PAGE)
  assert.equal(guide, withEventTable(guide), 'run `sh scripts/node.sh scripts/docs.ts`')
})
