import assert from 'node:assert/strict'
import { open } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { folder } from '../testing/tools/folder.ts'
import { askAhead } from './ask-ahead.ts'

const FILES = Array.from({ length: 30 }, (_, n) => `${n}`)

test('files are asked about several at a time, and answered in their order, refused ones in their place', async () => {
  let [running, most] = [0, 0]
  const eighth = Promise.withResolvers<void>()
  const ask = async (file: string) => {
    most = Math.max(most, ++running)
    if (file === '7') eighth.resolve()
    // The first ends after those behind it.
    if (file === '0') await eighth.promise
    running--
    if (Number(file) % 7 === 3) throw new Error(`no ${file}`)
    return `yes ${file}`
  }
  const seen: string[] = []
  for await (const each of askAhead(FILES, ask))
    seen.push('answer' in each ? each.answer : (each.error as Error).message)
  assert.deepEqual(
    seen,
    FILES.map((file) => (Number(file) % 7 === 3 ? `no ${file}` : `yes ${file}`)),
  )
  assert.ok(most <= 8, `${most} at once`)
})

test('a caller that leaves asks about no further file, and waits for those that it asked about', async () => {
  const [asked, ended]: [string[], string[]] = [[], []]
  const ask = async (file: string) => {
    asked.push(file)
    await new Promise((resolve) => setImmediate(resolve))
    ended.push(file)
  }
  for await (const { file } of askAhead(FILES, ask)) if (file === '2') break
  assert.ok(asked.length < FILES.length, `${asked.length} asked`)
  assert.deepEqual(ended.toSorted(), asked.toSorted())
})

test('long films are asked about one at a time', async (t) => {
  const dir = await folder(t)
  const films = FILES.slice(0, 3).map((name) => join(dir, name))
  for (const film of films) {
    const file = await open(film, 'w')
    await file.truncate(50 * 1024 * 1024)
    await file.close()
  }
  const events: string[] = []
  const ask = async (film: string) => {
    events.push(`ask ${films.indexOf(film)}`)
    await new Promise((resolve) => setImmediate(resolve))
    events.push(`end ${films.indexOf(film)}`)
  }
  for await (const { file } of askAhead(films, ask)) assert.ok(file)
  assert.deepEqual(events, ['ask 0', 'end 0', 'ask 1', 'end 1', 'ask 2', 'end 2'])
})
