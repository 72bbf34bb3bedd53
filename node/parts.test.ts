import assert from 'node:assert/strict'
import { test } from 'node:test'
import { silentLog } from '../protocol/log.ts'
import { createPartList, type Part } from './parts.ts'

function stage() {
  const steps: string[] = []
  const part = (name: string, own: Partial<Part> = {}): Part => ({
    name,
    start: () => steps.push(`${name} starts`),
    stop: () => steps.push(`${name} stops`),
    ...own,
  })
  return { steps, part, list: createPartList(silentLog) }
}

test('parts stop in the reverse order, once, and one that fails keeps no other from stopping', async () => {
  const { steps, part, list } = stage()
  const fails = async () => {
    throw new Error('broken')
  }
  for (const each of [part('a'), part('b', { stop: fails }), part('c')]) await list.start(each)
  await Promise.all([list.stop(), list.stop()])
  assert.deepEqual(steps, ['a starts', 'b starts', 'c starts', 'c stops', 'a stops'])
})

test('a part that fails to start is not stopped; those before it are', async () => {
  const { steps, part, list } = stage()
  await list.start(part('a'))
  const fails = async () => {
    throw new Error('broken')
  }
  await assert.rejects(list.start(part('b', { start: fails })), /broken/)
  await list.stop()
  assert.deepEqual(steps, ['a starts', 'a stops'])
})

test('every part learns at once that the list stops, while those after it are still ending', async () => {
  const { part, list } = stage()
  let signal: AbortSignal | null = null
  const start = (stopping: AbortSignal) => {
    signal = stopping
  }
  await list.start(part('a', { start }))
  let wasAborted = false
  const stop = () => {
    wasAborted = signal?.aborted ?? false
  }
  await list.start(part('b', { stop }))
  await list.stop()
  assert.equal(wasAborted, true)
})

test('what is still starting when the list stops is stopped after it has started, and nothing is started later', async () => {
  const { steps, part, list } = stage()
  const ready = Promise.withResolvers<void>()
  const starting = list.start(part('a', { start: () => ready.promise }))
  await list.stop()
  ready.resolve()
  await starting
  await list.start(part('b'))
  assert.deepEqual(steps, ['a stops'])
})
