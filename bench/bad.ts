/**
 * What bad films cost good ones: short films, half of which have sound that no attempt encodes, by one `reelmesh run` with two workers. The time
 * until the last good film is delivered, with the bad ones before, after and between them, against the good ones alone. All in turn, round
 * after round, so that whatever else the machine does falls on all; read the ratios.
 */
import { chmod, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { execa } from 'execa'
import { ensureFfmpeg, type Ffmpeg } from '../testing/tools/ffmpeg.ts'
import { runCli } from '../testing/tools/run-cli.ts'
import { mean, type Row, row } from './table.ts'

const MAIN = join(import.meta.dirname, '..', 'cli', 'main.ts')
const FULL = { films: 6, rounds: 3, picture: { size: '640x360', seconds: 8 }, flags: ['--preset', 'medium'] }
const QUICK = { films: 1, rounds: 1, picture: { size: '160x90', seconds: 1 }, flags: ['--preset', 'ultrafast'] }
const RUN_MAX_MS = 600_000

/** The orders, of the paths of good and of bad films. */
const ORDERS = {
  alone: (good: readonly string[], _bad: readonly string[]) => good,
  'bad ones first': (good: readonly string[], bad: readonly string[]) => [...bad, ...good],
  'bad ones last': (good: readonly string[], bad: readonly string[]) => [...good, ...bad],
  interleaved: (good: readonly string[], bad: readonly string[]) => good.flatMap((each, at) => [bad[at]!, each]),
}

export async function benchBad({ quick }: { readonly quick: boolean }): Promise<Row[]> {
  const { films, rounds, picture, flags } = quick ? QUICK : FULL
  const tools = await ensureFfmpeg()
  const dir = await mkdtemp(join(tmpdir(), 'reelmesh-bench-'))
  try {
    const names = (kind: string) => Array.from({ length: films }, (_, at) => `${kind}-${at}`)
    const make = (name: string) => makeFilm({ path: join(dir, `${name}.mp4`), ...picture }, name, tools)
    const [good, bad] = [await Promise.all(names('good').map(make)), await Promise.all(names('bad').map(make))]
    const ffmpeg = await oddFfmpeg(dir, tools)
    const environment = {
      REELMESH_FFMPEG: ffmpeg,
      REELMESH_FFPROBE: tools.ffprobe,
      REELMESH_SELF_TEST_DIR: join(dir, 'self-tests'),
    }
    const run = async (name: string, order: readonly string[]) => {
      const cwd = join(dir, name)
      await mkdir(cwd)
      return goodAfterS(['run', ...order, '--json', '--workers', '2', ...flags], { cwd, environment, films })
    }
    // Trial runs of this ffmpeg are made once.
    await run('warm', good)
    const seconds = new Map(Object.keys(ORDERS).map((order) => [order, [] as number[]]))
    for (let round = 0; round < rounds; round++)
      for (const [name, order] of Object.entries(ORDERS))
        seconds.get(name)?.push(await run(`${name} ${round}`, order(good, bad)))
    return rowsOf(seconds, `${films} good and ${films} bad films of ${picture.seconds} s, ${picture.size}`)
  } finally {
    await rm(dir, { recursive: true, force: true })
  }
}

async function makeFilm(of: { path: string; size: string; seconds: number }, title: string, { ffmpeg }: Ffmpeg) {
  const { path, size, seconds } = of
  const inputs = ['-f', 'lavfi', '-i', `testsrc2=s=${size}:r=25:d=${seconds}`, '-f', 'lavfi', '-i', `sine=d=${seconds}`]
  const codecs = ['-c:v', 'libx264', '-preset', 'ultrafast', '-c:a', 'aac', '-metadata', `title=${title}`]
  await execa(ffmpeg, ['-nostdin', '-v', 'error', '-y', ...inputs, ...codecs, path], { stdin: 'ignore' })
  return path
}

/** An ffmpeg that encodes no sound of the bad films. */
async function oddFfmpeg(dir: string, { ffmpeg }: Ffmpeg): Promise<string> {
  const path = join(dir, 'odd-ffmpeg')
  const fails = `*/bad-*scratch/*/audio.m4a*) echo 'this film cannot be done' >&2; exit 1`
  await writeFile(path, `#!/bin/sh\ncase "$*" in\n  ${fails} ;;\nesac\nexec '${ffmpeg}' "$@"\n`)
  await chmod(path, 0o755)
  return path
}

/** Seconds until the last good film is delivered. */
async function goodAfterS(
  args: readonly string[],
  of: { readonly cwd: string; readonly environment: NodeJS.ProcessEnv; readonly films: number },
): Promise<number> {
  const { cwd, environment: env, films } = of
  const startedAt = performance.now()
  let [delivered, last] = [0, 0]
  const onLine = (line: string) => {
    if (!line.startsWith('{"event":"delivered"')) return
    delivered++
    last = performance.now()
  }
  const options = { cwd, env, main: MAIN, dataDir: join(cwd, 'data'), timeoutMs: RUN_MAX_MS, onLine }
  const { stderr } = await runCli([...args, '--out', join(cwd, 'out')], options)
  if (delivered !== films) throw new Error(`${delivered} of ${films} good films were delivered: ${stderr.slice(-500)}`)
  return (last - startedAt) / 1000
}

function rowsOf(seconds: ReadonlyMap<string, readonly number[]>, what: string): Row[] {
  const alone = seconds.get('alone') ?? []
  return [...seconds].map(([order, took]) => {
    const value = mean(took)
    if (took === alone) return row(`good films alone, of ${what}: until the last is delivered`, value, 's')
    const each = took.map((time, round) => (time / alone[round]!).toFixed(2)).join(', ')
    return row(`good films, ${order}`, value, 's', value / mean(alone), `alone (each round: ${each})`)
  })
}
