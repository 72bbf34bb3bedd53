import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Hint } from './hint.ts'
import { createHints } from './hints.ts'

test('a published hint is sent and reaches the listeners of its kind, until they unsubscribe', () => {
  const sent: Hint[] = []
  const heard: string[] = []
  const hints = createHints((hint) => sent.push(hint))
  const unsubscribe = hints.on(['tasks', 'video'], ({ what }) => heard.push(what))
  hints.on(['lease'], ({ what }) => heard.push(`other ${what}`))

  hints.publish({ what: 'tasks', video: null })
  hints.publish({ what: 'peers', video: null })
  hints.publish({ what: 'lease', video: null })
  unsubscribe()
  unsubscribe()
  hints.publish({ what: 'video', video: null })

  assert.deepEqual(heard, ['tasks', 'other lease'])
  assert.deepEqual(
    sent.map(({ v, what }) => [v, what]),
    [
      [1, 'tasks'],
      [1, 'peers'],
      [1, 'lease'],
      [1, 'video'],
    ],
  )
})

test('a received hint reaches the same listeners and is not sent again', () => {
  const sent: Hint[] = []
  const heard: Hint[] = []
  const hints = createHints((hint) => sent.push(hint))
  hints.on(['decided'], (hint) => heard.push(hint))
  hints.receive({ v: 1, what: 'decided', video: null })
  assert.deepEqual([heard.length, sent.length], [1, 0])
})
