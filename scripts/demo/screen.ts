/** Shows the picture: on a terminal a few lines redrawn in place, elsewhere each line of the story once and a line of progress now and then. */
import { styleText } from 'node:util'
import { createLiveLines } from '../../cli/live-lines.ts'
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
  const live = createLiveLines(process.stdout)
  const draw = (): void =>
    live.draw((columns) => {
      const { rows = 24 } = process.stdout
      return picture({ title, story, elapsed: (Date.now() - startedAt) / 1000, columns, rows, paint })
    })
  const timer = setInterval(draw, REDRAW_MS)
  draw()
  return {
    end() {
      clearInterval(timer)
      draw()
      live.end()
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
