/**
 * `npm run demo [-- FILE | --seconds N]`: a mesh of three worker processes turns a video into 480p, 720p and 1080p; one of them is killed
 * in the midst of a chunk; the files come out whole all the same, and are checked from outside.
 *
 * Without FILE it paints a minute, or N seconds, of 1080p with sound and a frame counter. The results stay in videos/demo, which each demo
 * empties first. Exits 0 only if everything was right.
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, relative, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { bytesText } from '../cli/output.ts'
import { ensureFfmpeg, type Ffmpeg } from '../testing/tools/ffmpeg.ts'
import { type Check, type CheckedFile, checkFiles } from './demo/checks.ts'
import type { Delivered } from './demo/events.ts'
import { judgeHealing, readTasks } from './demo/healing.ts'
import { type DemoMesh, startMesh } from './demo/mesh.ts'
import { paint, showStory } from './demo/screen.ts'
import { findSource, type Source } from './demo/source.ts'
import { createStory, type Story } from './demo/story.ts'
import { clockText } from './demo/view.ts'

interface Ran {
  readonly story: Story
  readonly delivered: Delivered | null
  readonly exitCode: number
  readonly seconds: number
  readonly words: string
}

const WORKERS = 3
const PRESET = 'veryfast'
const OUT = resolve(import.meta.dirname, '..', 'videos', 'demo')
/** A shorter clip may be over before a worker can be killed in the midst of a chunk. */
const [CLIP_MIN_S, CLIP_MAX_S] = [20, 3_600]
const INTERRUPTED = 130
/** Of the run: the file is at fault, there is nothing to look into. */
const BAD_INPUT = 2

const stopping = new AbortController()
const { positionals, values } = parseArgs({
  options: { seconds: { type: 'string', default: '60' } },
  allowPositionals: true,
})
const clipSeconds = Number(values.seconds)
process.exitCode = await demo(positionals[0]).catch((error: unknown) => {
  if (stopping.signal.aborted) return INTERRUPTED
  console.error(`reelmesh: ${error instanceof Error ? error.message : String(error)}`)
  return 1
})
process.exit()

async function demo(file: string | undefined): Promise<number> {
  if (!(clipSeconds >= CLIP_MIN_S && clipSeconds <= CLIP_MAX_S))
    throw new Error(`--seconds ${values.seconds}: give a number from ${CLIP_MIN_S} to ${CLIP_MAX_S}`)
  const unsubscribe = onSignals(() => stopping.abort(new Error('interrupted')))
  const tools = await ensureFfmpeg()
  const source = await findSource(file, clipSeconds, tools)
  stopping.signal.throwIfAborted()
  await rm(OUT, { recursive: true, force: true })
  const dataDir = await mkdtemp(join(tmpdir(), 'reelmesh-demo-'))
  unsubscribe()
  let code = 1
  try {
    const ran = await watchRun(source, dataDir, tools)
    const { delivered } = ran
    code =
      ran.exitCode === 0 && delivered ? await report(source, { ...ran, delivered }, dataDir, tools) : tellFailure(ran)
    return code
  } finally {
    const isKept = code !== 0 && code !== BAD_INPUT && !stopping.signal.aborted
    if (isKept) console.error(`The logs and the ledger of this run are kept in ${dataDir}.`)
    else await rm(dataDir, { recursive: true, force: true, maxRetries: 5 })
  }
}

/** Runs the mesh to its end, and kills one worker on the way. */
async function watchRun(source: Source, dataDir: string, tools: Ffmpeg): Promise<Ran> {
  const startedAt = Date.now()
  const story = createStory(startedAt)
  const mesh = startMesh({ file: source.path, out: OUT, dataDir, workers: WORKERS, preset: PRESET, tools })
  const unsubscribe = onSignals(() => {
    stopping.abort(new Error('interrupted'))
    story.say('stopping (Ctrl-C once more ends it at once)', Date.now())
    mesh.interrupt()
  })
  const name = source.path.slice(source.path.lastIndexOf('/') + 1)
  const screen = showStory(source.facts ? `${name} (${source.facts})` : name, story, startedAt)
  story.say(`${WORKERS} worker processes, one SQLite ledger, preset ${PRESET}`, startedAt)
  const delivered = await follow(mesh, story).finally(() => screen.end())
  const exitCode = await mesh.ended
  unsubscribe()
  return { story, delivered, exitCode, seconds: (Date.now() - startedAt) / 1000, words: mesh.words() }
}

async function follow(mesh: DemoMesh, story: Story): Promise<Delivered | null> {
  let delivered: Delivered | null = null
  for await (const event of mesh.events) {
    story.hear(event, Date.now())
    if (event.event === 'delivered') {
      delivered = event
      story.say('every chunk is there, joined, verified and delivered', Date.now(), 'good')
    }
    if (event.event === 'refused' || event.event === 'failed') mesh.say(`reelmesh: ${event.message}`)
    const victim = stopping.signal.aborted ? null : story.victim()
    if (!victim) continue
    process.kill(victim.pid, 'SIGKILL')
    story.killed(victim, Date.now())
  }
  return delivered
}

function tellFailure({ words, exitCode }: Ran): number {
  if (stopping.signal.aborted) console.log('stopped; nothing is left running')
  else console.error(words || `reelmesh: the run ended with exit code ${exitCode} and said nothing`)
  return stopping.signal.aborted ? INTERRUPTED : exitCode || 1
}

async function report(
  source: Source,
  ran: Ran & { delivered: Delivered },
  dataDir: string,
  tools: Ffmpeg,
): Promise<number> {
  const { delivered, story, seconds } = ran
  const unsubscribe = onSignals(() => stopping.abort(new Error('interrupted')))
  console.log(
    `\n${paint('bold', 'Files')}  ${paint('dim', '(decoding each from end to end, and the source beside them)')}`,
  )
  const files = await checkFiles({ source: source.path, delivered, tools, signal: stopping.signal })
  const column = Math.max(...files.map(({ path }) => relative(process.cwd(), path).length))
  for (const file of files) tellFile(file, column)
  for (const note of delivered.notes) console.log(`  note: ${note}`)
  console.log(`\n${paint('bold', 'Healing')}`)
  const names = new Map([...story.workers.values()].map(({ peer, name }) => [peer, name]))
  const healing = judgeHealing(await readTasks(dataDir, delivered.video), story.kill, (peer) =>
    nameOf(names.get(peer), story),
  )
  for (const check of healing) tellCheck(check)
  console.log(`\n${paint('bold', 'Time')}`)
  console.log(
    `  ${clockText(delivered.seconds)} of video in ${clockText(seconds)}: ${(delivered.seconds / seconds).toFixed(2)} × real time, with a worker killed on the way`,
  )
  unsubscribe()
  const wrong = [...files.flatMap(({ checks }) => checks), ...healing].filter(({ ok }) => !ok).length
  console.log(
    `\n${wrong === 0 ? paint('green', 'Everything is right.') : paint('red', `${wrong} thing${wrong > 1 ? 's are' : ' is'} not right.`)}`,
  )
  return wrong === 0 ? 0 : 1
}

/** A worker that was killed comes back under its name. */
function nameOf(name: string | undefined, { kill }: Story): string {
  if (name === undefined) return 'another worker'
  return name === kill?.name ? `${name} in its new process` : name
}

function tellFile({ path, bytes, checks }: CheckedFile, column: number): void {
  const facts = checks.map(({ ok, text }) =>
    ok ? `${paint('green', '✔')} ${text}` : `${paint('red', '✖')} ${paint('red', text)}`,
  )
  console.log(`  ${relative(process.cwd(), path).padEnd(column)} ${bytesText(bytes).padStart(8)}  ${facts.join('  ')}`)
}

function tellCheck({ ok, text }: Check): void {
  console.log(`  ${ok ? paint('green', '✔') : paint('red', '✖')} ${text}`)
}

/** Calls `act` at each Ctrl-C or SIGTERM, until the answer is called. */
function onSignals(act: () => void): () => void {
  process.on('SIGINT', act).on('SIGTERM', act)
  return () => void process.off('SIGINT', act).off('SIGTERM', act)
}
