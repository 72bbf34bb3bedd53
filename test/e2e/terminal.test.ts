/**
 * What people see in a terminal: `run`, `status --watch` and the demo are drawn in a real one at several widths, and while it is resized; a line
 * never keeps what an earlier one left behind.
 */
import assert from 'node:assert/strict'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { makeClip } from '../../testing/sources/clip.ts'
import { ensureSource } from '../../testing/sources/make.ts'
import { ensureFfmpeg } from '../../testing/tools/ffmpeg.ts'
import { folder } from '../../testing/tools/folder.ts'
import { programFile } from '../../testing/tools/program.ts'
import { ROOT } from '../../testing/tools/run-cli.ts'
import { startTerminal, type Terminal } from '../../testing/tools/tmux.ts'
import { startNode, until } from './nodes.ts'

const ROWS = 24
/** Films and their seconds. */
const FILMS = { 'short-film.mp4': 2, 'a-film-with-a-long-name.mp4': 6 } as const
const LOOK_MS = 100
/** The program draws again at once; on a busy machine, when it gets its turn. */
const SETTLED_S = 20
const [BAR, OF_A_BAR] = [/^\S.{11,21} \[[█░]{8,30}\] +\d+%( {2}\S.*)?$/, /[█░]/]
/** Lines of a `run` that stay. */
const STAYS = [
  /^\S+\.mp4: video [0-9a-f]{16}$/,
  /^ {2}out\/\S+\.mp4 {2}\d[\d.]* [kM]?B$/,
  /^ {2}note: \S.*\w$/,
  /^starting: trial runs of this ffmpeg, once for each build$/,
  /^0:08 of video in \d:\d\d \(\d+\.\d\dx real time\)$/,
  // Why a film does not advance, which is said after 10 s: where others keep the processors busy, x264's first picture takes as long.
  /^(short-film|a-film-with-a-long-name): [^[█░]+\w$/,
]
const isRight = (line: string): boolean => line === '' || BAR.test(line) || STAYS.some((each) => each.test(line))

/** Two films, of which one is done while the other is encoded; `sizes` are taken in turn while they are, half a second each or longer. */
async function watchRun(t: TestContext, sizes: readonly number[]): Promise<string[]> {
  const dir = await folder(t)
  const { ffmpeg } = await ensureFfmpeg()
  for (const [name, seconds] of Object.entries(FILMS))
    await makeClip({ out: join(dir, name), seconds, width: 640, height: 360, fps: 25, ffmpeg })
  const args = [
    'run',
    ...Object.keys(FILMS),
    '--renditions',
    '240p,360p',
    '--preset',
    'slow',
    '--workers',
    '2',
    '--out',
    'out',
  ]
  const terminal = await startTerminal(t, [process.execPath, await programFile(), ...args], {
    cwd: dir,
    env: { REELMESH_DATA_DIR: join(dir, 'data') },
    columns: sizes[0]!,
    rows: ROWS,
  })
  for (let at = 1; (await terminal.ended()) === null; at++) {
    if (at % 5 === 0) await terminal.resize(sizes[(at / 5) % sizes.length]!, ROWS)
    await settled(terminal)
    await sleep(LOOK_MS)
  }
  assert.equal(await terminal.ended(), 0)
  return (await terminal.lines({ history: true })).filter((line) => line !== '' && !line.startsWith('Pane is dead'))
}

/** The picture is right, at once or as soon as the program has heard of a new size. */
async function settled(terminal: Terminal): Promise<void> {
  let wrong: string[] = []
  await until(
    'the picture is right',
    async () => {
      const lines = (await terminal.lines()).filter((line) => !line.startsWith('Pane is dead'))
      const bars = lines.filter((line) => BAR.test(line)).map((line) => line.slice(0, 10))
      wrong = [...lines.filter((line) => !isRight(line)), ...bars.filter((bar, at) => bars.indexOf(bar) !== at)]
      // Nothing answers a new size any more where it came at the very end.
      return wrong.length === 0 || (await terminal.ended()) !== null
    },
    SETTLED_S,
  ).catch((error: Error) => assert.deepEqual(wrong, [], error.message))
}

for (const sizes of [[60], [80], [200], [90, 60, 200, 80]])
  test(`a run of two films leaves its lines and its bars behind, nothing else: ${sizes.join(', then ')} columns`, async (t) => {
    const lines = await watchRun(t, sizes)
    assert.deepEqual(
      lines.filter((line) => !isRight(line)),
      [],
    )
    const bars = lines.filter((line) => OF_A_BAR.test(line))
    // Where it becomes narrower, the terminal moves what it wraps beyond its upper edge, where nothing can be erased.
    if (sizes.length === 1) assert.equal(bars.length, 2)
    for (const bar of bars.slice(-2)) assert.match(bar, /100% {2}done$/)
    assert.equal(lines.filter((line) => line.startsWith('  out/')).length, 4)
  })

test('`status --watch` fills the terminal at each size, and leaves it as it was', async (t) => {
  const dir = await folder(t)
  const node = await startNode(t, dir, { name: 'here', flags: ['--roles', 'coordinator', '--slots', '0'] })
  const command = [process.execPath, await programFile(), 'status', '--watch']
  const env = { REELMESH_DATA_DIR: node.dataDir, NO_COLOR: '1' }
  const terminal = await startTerminal(t, command, { cwd: dir, env, columns: 80, rows: ROWS })
  for (const columns of [80, 60, 200, 80]) {
    await terminal.resize(columns, ROWS)
    await until(`it is drawn in ${columns} columns`, async () => {
      const lines = await terminal.lines()
      const [peers, heads] = [
        lines.filter((line) => /\bhere\b/.test(line)),
        lines.filter((line) => /^\S.*leads?\b/.test(line)),
      ]
      return peers.length >= 1 && heads.length <= 1 && lines.every((line) => line.length <= columns)
    })
  }
  await terminal.press('C-c')
  await until('it has ended', async () => (await terminal.ended()) !== null)
  assert.deepEqual(
    (await terminal.lines()).filter((line) => line !== '' && !line.startsWith('Pane is dead')),
    [],
  )
})

test('the demo is one picture at each size', async (t) => {
  const dir = await folder(t)
  const script = [process.execPath, join(ROOT, 'scripts', 'demo.ts'), await ensureSource('multi')]
  const terminal = await startTerminal(t, script, { cwd: dir, env: { NO_COLOR: '1' }, columns: 80, rows: 40 })
  const heads = async () => (await terminal.lines()).filter((line) => /^reelmesh multi\.mkv/.test(line)).length
  const sizes = [80, 60, 200]
  let seen = 0
  for (let at = 1; (await terminal.ended()) === null; at++) {
    if (at % 10 === 0) await terminal.resize(sizes[(at / 10) % sizes.length]!, 40)
    await until(
      'there is one picture',
      async () => (await heads()) <= 1 || (await terminal.ended()) !== null,
      SETTLED_S,
    )
    seen += await heads()
    await sleep(LOOK_MS)
  }
  assert.ok(seen > 10)
})
