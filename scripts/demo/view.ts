/** The live picture as text: pure, values in, lines out. Fits any width from 40 columns. */
import { countedParts } from '../../node/status/parts.ts'
import { chunkOf, isEncode, type Line, renditionOf, type Story, type Tone, type WorkerView } from './story.ts'

export type Style = 'bold' | 'dim' | 'red' | 'green' | 'yellow' | 'cyan'
export type Paint = (style: Style, text: string) => string

export interface Picture {
  readonly title: string
  readonly story: Story
  /** Seconds since the start. */
  readonly elapsed: number
  readonly columns: number
  readonly rows: number
  readonly paint: Paint
}

const LABEL = 10
const STARTING = 'starting: the self-test of ffmpeg runs (once on a machine) …'
const TONES: Record<Tone, Style | null> = { plain: null, good: 'green', bad: 'red' }

export function picture({ title, story, elapsed, columns, rows, paint }: Picture): string[] {
  const width = Math.min(columns - 1, 110)
  const bar = Math.max(8, Math.min(32, width - 58))
  const head = [`${paint('bold', 'reelmesh')} ${fit(title, width - 18)} ${clockText(elapsed)}`, '']
  const inOrder = [...story.workers.values()].sort((a, b) => a.name.localeCompare(b.name, 'en', { numeric: true }))
  const workers = inOrder.map((worker) => workerLine(worker, bar, width, paint))
  const overall = story.video
    ? ['', overallLine(story.video, bar, paint), `  ${' '.repeat(LABEL)} ${paint('dim', countsText(story.video))}`]
    : []
  const room = Math.max(1, rows - head.length - workers.length - overall.length - 3)
  const inTime = [...story.lines].sort((a, b) => a.at - b.at)
  const lines = inTime.slice(-room).map((line) => storyLine(line, width, paint))
  const waiting = workers.length === 0 ? [paint('dim', `  ${STARTING}`)] : workers
  return [...head, ...waiting, ...overall, '', ...lines]
}

function workerLine({ name, ended, state, running }: WorkerView, bar: number, width: number, paint: Paint): string {
  const label = `  ${name.padEnd(LABEL)} `
  const room = width - label.length - bar - 2
  if (ended !== null) return `${label}${paint('red', '╳'.repeat(bar))}  ${paint('red', fit(ended, room))}`
  const encodes = running.filter(isEncode)
  const [first] = encodes
  if (!first) {
    const doing = running.some((run) => renditionOf(run) === 'audio') ? 'the sound' : state
    return `${label}${paint('dim', drawBar(0, bar))}  ${paint('dim', fit(doing, room))}`
  }
  const facts = `${String(Math.round(first.done * 100)).padStart(3)} %  chunk ${String(chunkOf(first) + 1).padEnd(3)} ${first.speed.toFixed(2)}x  `
  const renditions = fit(encodes.map(renditionOf).join(' '), Math.max(0, room - facts.length))
  return `${label}${paint('cyan', drawBar(first.done, bar))}  ${facts}${paint('dim', renditions)}`
}

function overallLine(video: NonNullable<Story['video']>, bar: number, paint: Paint): string {
  const words: Record<string, string> = {
    QUEUED: 'waits to be read',
    PLANNING: 'reading',
    RUNNING: video.fps === null ? 'waits for the first pictures' : '',
    MERGING: 'joining',
    COMPLETED: 'done',
    FAILED: 'failed',
  }
  const facts = [
    `${String(Math.floor(video.done * 100)).padStart(3)} %`,
    words[video.status] ?? '',
    video.fps === null ? '' : `${video.fps.toFixed(0)} fps`,
    video.speed === null ? '' : `${video.speed.toFixed(2)}x real time`,
    video.eta_s === null ? '' : `${clockText(video.eta_s)} left`,
  ]
  return `  ${paint('bold', 'all'.padEnd(LABEL))} ${paint('green', drawBar(video.done, bar))}  ${facts.filter(Boolean).join('  ')}`
}

/** `480p 3/9  720p 3/9  1080p 2/9  audio 1/1`: tasks committed. */
function countsText(video: NonNullable<Story['video']>): string {
  return countedParts(video.tasks)
    .flatMap((part) => {
      const mine = video.tasks.filter(({ resolution }) => resolution === part)
      const count = (of: typeof mine) => of.reduce((sum, each) => sum + each.count, 0)
      if (mine.length === 0) return []
      return [`${part} ${count(mine.filter(({ status }) => status === 'COMPLETED'))}/${count(mine)}`]
    })
    .join('   ')
}

export function storyLine({ at, tone, text }: Line, width: number, paint: Paint): string {
  const style = TONES[tone]
  const words = fit(text, width - 9)
  return `  ${paint('dim', clockText(at).padStart(5))}  ${style ? paint(style, words) : words}`
}

const PARTS = ['', '▏', '▎', '▍', '▌', '▋', '▊', '▉'] as const

export function drawBar(share: number, width: number): string {
  const eighths = Math.round(Math.max(0, Math.min(1, share)) * width * 8)
  const drawn = '█'.repeat(Math.floor(eighths / 8)) + PARTS[eighths % 8]
  return drawn + '░'.repeat(width - drawn.length)
}

export const fit = (text: string, width: number): string =>
  text.length > width ? `${text.slice(0, Math.max(0, width - 1))}…` : text

export function clockText(seconds: number): string {
  const whole = Math.max(0, Math.round(seconds))
  return `${Math.floor(whole / 60)}:${String(whole % 60).padStart(2, '0')}`
}
