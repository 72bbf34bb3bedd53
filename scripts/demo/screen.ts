/**
 * Shows the picture: on a terminal a few lines redrawn in place in one write, elsewhere each line of the story once and a line of
 * progress now and then. The cursor is back when it ends, however it ends.
 */
import { styleText } from 'node:util'
import type { Story } from './story.ts'
import { type Paint, picture, storyLine } from './view.ts'

const REDRAW_MS = 200
const LINE_MS = 5_000

export const paint: Paint = (style, text) => styleText(style, text, { stream: process.stdout })

export interface Screen {
  /** Draws for the last time; the picture stays on the terminal. */
  end(): void
}

export function showStory(title: string, story: Story, startedAt: number): Screen {
  return process.stdout.isTTY ? drawn(title, story, startedAt) : printed(title, story, startedAt)
}

function drawn(title: string, story: Story, startedAt: number): Screen {
  let height = 0
  const showCursor = (): void => void process.stdout.write('\u001b[?25h')
  const draw = (): void => {
    const { columns = 80, rows = 24 } = process.stdout
    const lines = picture({ title, story, elapsed: (Date.now() - startedAt) / 1000, columns, rows, paint })
    const up = height > 0 ? `\u001b[${height}A` : ''
    process.stdout.write(`\u001b[?25l${up}\r${lines.map((line) => `${line}\u001b[K\n`).join('')}\u001b[J`)
    height = lines.length
  }
  const timer = setInterval(draw, REDRAW_MS)
  process.once('exit', showCursor)
  draw()
  return {
    end() {
      clearInterval(timer)
      draw()
      showCursor()
      process.off('exit', showCursor)
    },
  }
}

function printed(title: string, story: Story, startedAt: number): Screen {
  console.log(`${paint('bold', 'reelmesh')} ${title}`)
  let printed = 0
  let progressAt = startedAt
  const print = (): void => {
    for (const line of story.lines.slice(printed)) console.log(storyLine(line, Number.POSITIVE_INFINITY, paint))
    printed = story.lines.length
    const { video } = story
    if (video?.status !== 'RUNNING' || Date.now() - progressAt < LINE_MS) return
    progressAt = Date.now()
    const text = `${Math.floor(video.done * 100)} %${video.speed === null ? '' : `, ${video.speed.toFixed(2)}x real time`}`
    console.log(
      storyLine({ at: (progressAt - startedAt) / 1000, tone: 'plain', text }, Number.POSITIVE_INFINITY, paint),
    )
  }
  const timer = setInterval(print, REDRAW_MS)
  return {
    end() {
      clearInterval(timer)
      print()
    },
  }
}
