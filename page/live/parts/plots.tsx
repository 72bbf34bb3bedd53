/** Throughput, queue and time left, as they went since the page was opened, at most an hour: by uPlot. */
import { effect } from '@preact/signals'
import { useEffect, useRef } from 'preact/hooks'
import uPlot from 'uplot'
import type { Sample } from '../samples.ts'
import { samples } from '../state.ts'
import { countText, spanText, speedText, timeText } from '../words.ts'
import { Card } from './card.tsx'

const HEIGHT = 130

/** One plot: its lines, each with a colour of the style sheet. */
interface PlotKind {
  readonly title: string
  readonly lines: readonly { readonly label: string; readonly colour: string; of(sample: Sample): number | null }[]
  /** A value of its axis. */
  axis(value: number): string
  /** The newest sample in words. */
  now(sample: Sample): string
}

const KINDS: readonly PlotKind[] = [
  {
    title: 'Throughput',
    lines: [{ label: 'speed', colour: '--done', of: ({ speed }) => speed }],
    axis: (value) => `${value}×`,
    now: ({ speed }) => `${speedText(speed)} real time`,
  },
  {
    title: 'Queue',
    lines: [
      { label: 'wait', colour: '--again', of: ({ waits }) => waits },
      { label: 'run', colour: '--runs', of: ({ runs }) => runs },
    ],
    axis: (value) => (Number.isInteger(value) ? String(value) : ''),
    now: ({ waits, runs }) => `${countText(waits, 'task')} wait, ${runs} run`,
  },
  {
    title: 'Time left',
    lines: [{ label: 'left', colour: '--backup', of: ({ eta }) => eta }],
    axis: spanText,
    now: ({ eta }) => (eta === null ? 'nothing is estimated' : `${spanText(eta)} left`),
  },
]

export const Plots = () => (
  <Card title="Over time" id="plots">
    <div class="plots">
      {KINDS.map((kind) => (
        <Plot key={kind.title} kind={kind} />
      ))}
    </div>
  </Card>
)

function Plot({ kind }: { kind: PlotKind }) {
  const place = useRef<HTMLDivElement>(null)
  useEffect(() => drawn(kind, place.current!), [])
  const last = samples.value.at(-1)
  const words = last ? kind.now(last) : ''
  return (
    <figure>
      <figcaption>
        <strong>{kind.title}</strong> <span class="note">{words}</span>
      </figcaption>
      <div ref={place} />
    </figure>
  )
}

/** Draws it, and anew when the samples, the size or the colours change; the function that it answers ends that. */
function drawn(kind: PlotKind, place: HTMLElement): () => void {
  const dark = matchMedia('(prefers-color-scheme: dark)')
  let plot = make(kind, place)
  const remake = () => {
    plot.destroy()
    plot = make(kind, place)
  }
  dark.addEventListener('change', remake)
  const sizes = new ResizeObserver(() => plot.setSize({ width: place.clientWidth, height: HEIGHT }))
  sizes.observe(place)
  const stop = effect(() => plot.setData(dataOf(kind, samples.value)))
  return () => {
    stop()
    sizes.disconnect()
    dark.removeEventListener('change', remake)
    plot.destroy()
  }
}

const dataOf = ({ lines }: PlotKind, all: readonly Sample[]): uPlot.AlignedData => [
  all.map(({ at }) => at),
  ...lines.map(({ of }) => all.map(of)),
]

function make(kind: PlotKind, place: HTMLElement): uPlot {
  // A custom property has its text; a colour that uses it is computed.
  const colour = (name: string): string => {
    place.style.color = `var(${name})`
    const { color } = getComputedStyle(place)
    place.style.color = ''
    return color
  }
  const axis: uPlot.Axis = {
    stroke: colour('--quiet'),
    grid: { stroke: colour('--line'), width: 1 },
    ticks: { show: false },
  }
  const options: uPlot.Options = {
    width: place.clientWidth,
    height: HEIGHT,
    cursor: { show: false },
    legend: { show: false },
    scales: { y: { range: (_, __, max) => [0, Math.max(max * 1.1, 1)] } },
    axes: [
      { ...axis, space: 100, values: (_, ats) => ats.map((at) => timeText(at * 1_000)) },
      { ...axis, size: 52, space: 32, values: (_, values) => values.map(kind.axis) },
    ],
    series: [
      {},
      ...kind.lines.map((line) => ({
        label: line.label,
        stroke: colour(line.colour),
        width: 2,
        points: { show: false },
      })),
    ],
  }
  return new uPlot(options, dataOf(kind, samples.peek()), place)
}
