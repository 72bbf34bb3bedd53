import assert from 'node:assert/strict'
import { test } from 'node:test'
import { arrowViolations, importCircles, importsOf, toolViolations } from './arrows.ts'
import { LAYERS, productSources, sourcesIn } from './sources.ts'

test('every import arrow of the product points the way the table of layers says', async () => {
  const files = await productSources()
  for (const layer of LAYERS)
    assert.ok(
      [...files.keys()].some((path) => path.startsWith(`${layer}/`)),
      `no ${layer}/`,
    )
  assert.deepEqual(await arrowViolations(files), [])
})

test('tests, scripts and benchmarks import each other through testing/ only, and so do the unit tests', async () => {
  assert.deepEqual(toolViolations(await sourcesIn([...LAYERS, 'testing', 'test', 'scripts', 'bench'])), [])
  const wrong = new Map([
    ['testing/tools/mongod.ts', "import { withConcurrency } from '../../scripts/with-concurrency.ts'"],
    ['scripts/demo.ts', "import { nodes } from '../test/e2e/nodes.ts'"],
    ['mesh/streams.test.ts', "import { nodes } from '../test/e2e/nodes.ts'"],
    ['test/e2e/nodes.ts', "import { startMongod } from '../../testing/tools/mongod.ts'"],
  ])
  assert.equal(toolViolations(wrong).length, 3)
})

test('no file imports itself, also not through others', async () => {
  assert.deepEqual(importCircles(await sourcesIn([...LAYERS, 'testing', 'test', 'scripts', 'bench'])), [])
  const circle = new Map([
    ['a/one.ts', "import type { Two } from '../b/two.ts'"],
    ['b/two.ts', "export { three } from './three.ts'"],
    ['b/three.ts', "const one = await import('../a/one.ts')"],
    ['b/four.ts', "import { two } from './two.ts'"],
  ])
  assert.deepEqual(importCircles(circle), [['a/one.ts', 'b/two.ts', 'b/three.ts']])
})

/** What must be refused: path, code, and a word of the sentence. */
const WRONG: readonly (readonly [path: string, code: string, says: RegExp])[] = [
  ['protocol/task.ts', "import { probe } from '../media/probe.ts'", /protocol may import protocol/],
  ['protocol/task.ts', "import { open } from 'node:fs/promises'", /no package that does I\/O/],
  ['protocol/task.ts', "import { MongoClient } from 'mongodb'", /no package that does I\/O/],
  [
    'media/probe.ts',
    "import type { Duty } from '../coordinator/coordinator.ts'",
    /media may import media, files, protocol/,
  ],
  ['coordinator/tasks/merge.ts', "export { join } from '../../media/merge.ts'", /coordinator may import/],
  ['coordinator/election.ts', "import { clock } from '../node/host/system-clock.ts'", /coordinator may import/],
  ['node/node.ts', "import { main } from '../cli/main.ts'", /node may import/],
  ['cli/run.ts', "const media = await import('../media/ffmpeg-media.ts')", /cli may import/],
  ['cli/run.ts', "import '../coordinator/coordinator.ts'", /cli may import/],
  ['node/node.ts', "import { fake } from '../test/tools/fake.ts'", /node may import/],
  ['node/node.ts', "import { createMongoLedger } from '../ledger/mongo/mongo-ledger.ts'", /the adapter/],
  ['node/worker/worker.ts', "import { systemClock } from '../host/system-clock.ts'", /the adapter/],
  ['node/videos/submit.ts', "import { createFfmpegMedia } from '../../media/ffmpeg-media.ts'", /the adapter/],
  ['node/videos/delivery.ts', "import { createFileDestination } from '../../files/file-destination.ts'", /the adapter/],
  ['node/modules.ts', "import { openDestination } from './addresses.ts'", /the adapter/],
  ['node/videos/submit.ts', "import { createFileSource } from '../../files/file-source.ts'", /the adapter/],
  ['node/videos/delivery.ts', "import { stat } from 'node:fs/promises'", /reaches files through contracts/],
  ['node/videos/submit.ts', "import { statSync } from 'fs'", /reaches files through contracts/],
  ['ledger/sqlite/store.ts', "import { lit } from '../mongo/fragments.ts'", /the adapter/],
  ['node/status/status.ts', "import { Long } from 'mongodb'", /only ledger\/mongo\//],
  ['ledger/sqlite/store.ts', "import type { Document } from 'mongodb'", /only ledger\/mongo\//],
  ['node/node.ts', "import type {\n  PeerId,\n} from '@libp2p/interface'", /only mesh\//],
  ['cli/doctor.ts', "import { createLibp2p } from 'libp2p'", /only mesh\//],
  ['node/config.ts', "import { DatabaseSync } from 'node:sqlite'", /only ledger\/sqlite\//],
  ['media/probe.ts', "import { execa } from 'execa'", /only media\/run-ffmpeg\.ts/],
  ['cli/run.ts', "import { spawn } from 'node:child_process'", /only media\/run-ffmpeg\.ts/],
  ['node/local-run/run-mesh.ts', "import { execa } from 'execa'", /only .*fleet\/supervise-processes\.ts/],
  [
    'coordinator/election.ts',
    "import { setTimeout as sleep } from 'node:timers/promises'",
    /only node\/host\/system-clock/,
  ],
  ['coordinator/election.ts', 'const at = Date.now()', /uses Date\.now/],
  ['coordinator/election.ts', 'const at = new Date', /uses new Date\(\)/],
  ['node/status/status.ts', 'const at = Date()', /uses Date\(\)/],
  ['node/peers/heartbeat.ts', 'const at = performance.now()', /uses performance/],
  ['node/peers/heartbeat.ts', 'const at = process.hrtime.bigint()', /uses process\.hrtime/],
  ['node/worker/worker.ts', 'globalThis.setTimeout(() => {}, 5)', /uses setTimeout/],
  ['cli/status.ts', 'setInterval(() => {}, 5)', /uses setInterval/],
  ['blobs/blob-exchange.ts', 'const signal = AbortSignal.timeout(5)', /uses AbortSignal\.timeout/],
  ['node/worker/worker.ts', 'const wait = Math.random()', /uses Math\.random/],
  [
    'node/videos/submit.ts',
    "import { randomUUID } from 'node:crypto'\nexport const token = randomUUID()",
    /uses randomUUID/,
  ],
  ['node/node.ts', 'ledger.addEvent(event)', /uses addEvent: only protocol\/emitter/],
]

for (const [path, code, says] of WRONG) {
  test(`refused in ${path}: ${code.replaceAll('\n', ' ')}`, async () => {
    const found = await arrowViolations(new Map([[path, code]]))
    assert.equal(found.length, 1, found.join('\n'))
    assert.match(found[0] ?? '', says)
  })
}

const RIGHT: readonly (readonly [path: string, code: string])[] = [
  ['protocol/ids.ts', "import { createHash } from 'node:crypto'\nexport const hash = createHash"],
  ['node/compose.ts', "import { createMongoLedger } from '../ledger/mongo/mongo-ledger.ts'"],
  ['ledger/mongo/claim.ts', "import { lit } from './fragments.ts'\nimport type { Filter } from 'mongodb'"],
  ['media/probe.ts', "import { runFfprobe } from './run-ffmpeg.ts'"],
  ['cli/run.ts', "import { systemClock } from '../node/host/system-clock.ts'"],
  ['node/status/status.ts', 'export const day = (ms: number): Date => new Date(ms)'],
  ['node/status/status.ts', '/** Not Date.now(): the clock is injected. */\nexport const at = 5 // never setTimeout'],
  ['node/host/system-clock.ts', 'export const now = (): number => Date.now()\nexport const stop = clearTimeout'],
]

for (const [path, code] of RIGHT) {
  test(`allowed in ${path}: ${code.replaceAll('\n', ' ')}`, async () => {
    assert.deepEqual(await arrowViolations(new Map([[path, code]])), [])
  })
}

test('imports are found in every form', () => {
  const code = [
    "import a from 'a'",
    'import "b"',
    "import {\n  c,\n} from 'c'",
    "export * from 'd'",
    "export type { E } from 'e'",
    "const f = await import('f')",
    "type G = import('g').G",
    "const h = require('h')",
    "const text = 'no import'",
  ].join('\n')
  assert.deepEqual(importsOf(code).sort(), ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h'])
})
