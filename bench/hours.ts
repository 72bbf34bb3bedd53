/**
 * A film of two hours as a streaming package of which each segment is a file: how many files that is, how soon it can be watched, how long all of it
 * takes and with how much memory. What is delivered is read by ffmpeg and by parsers of others: every picture of the source, no segment missing.
 */
import { mkdir, mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { execa } from 'execa'
import { checkedLength, manifest, playlist } from '../testing/players/read-package.ts'
import { countPictures } from '../testing/tools/count-pictures.ts'
import { ensureFfmpeg, type Ffmpeg } from '../testing/tools/ffmpeg.ts'
import { buildProgram } from '../testing/tools/program.ts'
import { givenClips, makeFootage } from './footage.ts'
import { measure } from './measure.ts'
import { type Row, row } from './table.ts'

const FORM = ['--renditions', '240p', '--preset', 'ultrafast', '--package', 'hls,dash', '--package-only', '--segments']
const TRACK = 'video-240p'

/** The rows of `npm run bench -- hours`. */
export async function benchHours({ quick, media }: { quick: boolean; media: readonly string[] }): Promise<Row[]> {
  const tools = await ensureFfmpeg()
  const dir = await mkdtemp(join(tmpdir(), 'reelmesh-bench-hours-'))
  try {
    const film = await makeFilm(dir, { seconds: quick ? 120 : 7_200, media, tools })
    const main = join(dir, 'program', 'reelmesh.mjs')
    await mkdir(join(dir, 'program'))
    await buildProgram(main)
    const env = {
      REELMESH_DATA_DIR: join(dir, 'data'),
      REELMESH_FFMPEG: tools.ffmpeg,
      REELMESH_FFPROBE: tools.ffprobe,
    }
    const args = ['run', film, ...FORM, '--json', '--http', '127.0.0.1:0', '--out', join(dir, 'out')]
    const began = performance.now()
    let watchableS = Number.NaN
    const { wallS, cpuS, peakBytes } = await measure([process.execPath, main, ...args], env, {
      onText(text) {
        if (text.includes('"watchable"')) watchableS = (performance.now() - began) / 1000
      },
    })
    const folder = join(dir, 'out', 'film')
    const files = (await readdir(folder, { recursive: true, withFileTypes: true })).filter((entry) => entry.isFile())
    await checkWhole(folder, film, tools)
    return [
      row('until it can be watched', watchableS, 's'),
      row('until the package is delivered: wall', wallS, 's'),
      row('CPU', cpuS, 's'),
      row('memory at most, with ffmpeg', (peakBytes ?? Number.NaN) / 1e6, 'MB'),
      row('files', files.length, ''),
    ]
  } finally {
    await rm(dir, { recursive: true, force: true })
  }
}

/** Footage in 240p, over and over. */
async function makeFilm(
  dir: string,
  { seconds, media, tools }: { seconds: number; media: readonly string[]; tools: Ffmpeg },
): Promise<string> {
  const { path } = await makeFootage(givenClips(media), 60, tools)
  const [small, film] = [join(dir, 'small.mp4'), join(dir, 'film.mp4')]
  const quiet = ['-nostdin', '-v', 'error']
  await execa(tools.ffmpeg, [
    ...quiet,
    '-i',
    path,
    '-vf',
    'scale=426:240',
    '-preset',
    'veryfast',
    '-c:a',
    'copy',
    small,
  ])
  await execa(tools.ffmpeg, [...quiet, '-stream_loop', '-1', '-i', small, '-t', String(seconds), '-c', 'copy', film])
  return film
}

/** Throws where a picture or a segment is missing. */
async function checkWhole(folder: string, film: string, tools: Ffmpeg): Promise<void> {
  const list = join(folder, `${TRACK}.m3u8`)
  const { segments } = await playlist(list)
  const [dash] = (await manifest(join(folder, 'manifest.mpd'))).playlists
  const files = (await readdir(join(folder, TRACK))).filter((name) => name.startsWith('segment-'))
  const seconds = await checkedLength(list)
  const found = [await countPictures(list, tools, ['-allowed_extensions', 'ALL']), dash.segments.length, files.length]
  const wanted = [await countPictures(film, tools), segments.length, segments.length]
  if (`${found}` !== `${wanted}`)
    throw new Error(`pictures, segments of DASH, files: ${found.join(', ')}, expected ${wanted.join(', ')}`)
  console.error(`hours: ${found[0]} pictures in ${segments.length} segments, ${seconds.toFixed(3)} s`)
}
