/** The mesh of the demo: `reelmesh run --json` in a data folder of its own, and how it is stopped. */
import { execa } from 'execa'
import type { Ffmpeg } from '../../testing/tools/ffmpeg.ts'
import { type RunEvent, readEvents } from './events.ts'

export interface DemoMesh {
  readonly events: AsyncIterable<RunEvent>
  /** What it said beside its events, such as errors. */
  words(): string
  /** Text to add, such as that of an event. */
  say(sentence: string): void
  /** Ends as Ctrl-C ends it; called again, at once. */
  interrupt(): void
  /** Its exit code. */
  readonly ended: Promise<number>
}

export interface DemoMeshOptions {
  readonly file: string
  readonly out: string
  readonly dataDir: string
  readonly workers: number
  readonly preset: string
  readonly tools: Ffmpeg
}

/** Sends the signal only where the run has not got it: Ctrl-C on a terminal reaches the whole process group. */
const HEARD_MS = 400
const ROOT = `${import.meta.dirname}/../..`

export function startMesh({ file, out, dataDir, workers, preset, tools }: DemoMeshOptions): DemoMesh {
  const args = ['run', '--json', '--workers', String(workers), '--preset', preset, '--out', out]
  const child = execa(
    process.execPath,
    ['--disable-warning=ExperimentalWarning', '--max-semi-space-size=1', `${ROOT}/cli/main.ts`, ...args, '--', file],
    {
      reject: false,
      buffer: false,
      stdin: 'ignore',
      env: { REELMESH_DATA_DIR: dataDir, REELMESH_FFMPEG: tools.ffmpeg, REELMESH_FFPROBE: tools.ffprobe },
    },
  )
  const said: string[] = []
  let stops = 0
  let isStopping = false
  child.stderr.setEncoding('utf8').on('data', (text: string) => said.push(text))
  async function* events(): AsyncGenerator<RunEvent> {
    for await (const event of readEvents(child.stdout, (line) => said.push(`${line}\n`))) {
      if (event.event === 'stopping') isStopping = true
      yield event
    }
  }
  return {
    events: events(),
    words: () => said.join('').trim(),
    say: (sentence) => void said.push(`${sentence}\n`),
    interrupt() {
      if (stops++ > 0) return void child.kill('SIGKILL')
      setTimeout(() => isStopping || child.kill('SIGINT'), HEARD_MS).unref()
    },
    ended: child.then(({ exitCode, signal }) => exitCode ?? (signal ? 128 : 1)),
  }
}
