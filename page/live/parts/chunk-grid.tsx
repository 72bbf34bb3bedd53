/** The grid of a video, chunk by rendition, on a canvas: it fills as work is done, and what heals flashes. Click or arrow keys choose a chunk. */
import { effect } from '@preact/signals'
import { useEffect, useRef } from 'preact/hooks'
import { cellOf, taskAt } from '../feed/grid.ts'
import type { Grid } from '../feed/messages.ts'
import { chosenTask, peers, videoGrid } from '../state.ts'
import { drawGrid, FLASH_MS, type Flash } from './grid-drawing.ts'
import { cellAt, cellBeside, cornerOf, type GridLayout, layoutOf } from './grid-layout.ts'

/** The pause between two pictures of a flash that fades, ms. */
const FADE_MS = 100

export function ChunkGrid({ name }: { name: string }) {
  const scroller = useRef<HTMLDivElement>(null)
  const view = useRef<GridView>(null)
  useEffect(() => {
    view.current = new GridView(scroller.current!)
    return () => view.current?.end()
  }, [])
  const { rows, chunks } = videoGrid.value ?? { rows: [], chunks: 0 }
  return (
    <section
      class="grid-scroller"
      ref={scroller}
      // biome-ignore lint/a11y/noNoninteractiveTabindex: arrow keys choose a chunk in it
      tabIndex={0}
      aria-label={`Chunks of ${name}: ${chunks} in ${rows.join(', ')}. Arrow keys choose one; what it is stands below.`}
      onClick={(event) => view.current?.chooseAt(event)}
      onKeyDown={(event) => view.current?.chooseBeside(event)}
    >
      <div class="grid-space">
        <canvas />
      </div>
    </section>
  )
}

/** Draws when something has changed: the grid, what runs, the choice, what can be seen, or the colours. */
class GridView {
  readonly #scroller: HTMLElement
  readonly #space: HTMLElement
  readonly #canvas: HTMLCanvasElement
  readonly #ended = new AbortController()
  readonly #flashes = new Map<number, Flash>()
  #layout: GridLayout = layoutOf(0, 0, 0)
  #colours = new Map<string, string>()
  #frame = 0
  #fade: ReturnType<typeof setTimeout> | undefined

  constructor(scroller: HTMLElement) {
    this.#scroller = scroller
    this.#space = scroller.querySelector('.grid-space')!
    this.#canvas = scroller.querySelector('canvas')!
    const { signal } = this.#ended
    scroller.addEventListener('scroll', this.#ask, { signal, passive: true })
    const sizes = new ResizeObserver(this.#ask)
    sizes.observe(scroller)
    const recolour = () => {
      this.#colours.clear()
      this.#ask()
    }
    matchMedia('(prefers-color-scheme: dark)').addEventListener('change', recolour, { signal })
    const stops = [
      effect(this.#takeChanges),
      effect(() => this.#scrollTo(chosenTask.value)),
      effect(() => void [peers.value, chosenTask.value, this.#ask()]),
    ]
    signal.addEventListener('abort', () => {
      sizes.disconnect()
      for (const stop of stops) stop()
    })
  }

  end(): void {
    this.#ended.abort()
    cancelAnimationFrame(this.#frame)
    clearTimeout(this.#fade)
  }

  chooseAt({ clientX, clientY }: MouseEvent): void {
    const { left, top } = this.#space.getBoundingClientRect()
    this.#choose(cellAt(this.#layout, clientX - left, clientY - top))
  }

  chooseBeside(event: KeyboardEvent): void {
    const grid = videoGrid.value
    if (!grid || !/^(?:Arrow|Home$|End$)/.test(event.key) || grid.states.length === 0) return
    event.preventDefault()
    const cell = cellOf(grid, chosenTask.value)
    this.#choose(cell === null ? 0 : cellBeside(this.#layout, cell, event.key))
  }

  #choose(cell: number | null): void {
    const grid = videoGrid.value
    if (!grid || cell === null) return
    chosenTask.value = taskAt(grid, cell)
  }

  #scrollTo(task: string | null): void {
    const grid = videoGrid.peek()
    const cell = grid && cellOf(grid, task)
    if (cell === null) return
    const [, y] = cornerOf(this.#layout, cell)
    const { scrollTop, clientHeight } = this.#scroller
    if (y < scrollTop) this.#scroller.scrollTop = y
    if (y + this.#layout.cellHeight > scrollTop + clientHeight)
      this.#scroller.scrollTop = y + this.#layout.bandHeight - clientHeight
  }

  #takeChanges = (): void => {
    const grid = videoGrid.value
    if (!grid || grid.rows.length !== this.#layout.rows || grid.chunks !== this.#layout.chunks) this.#flashes.clear()
    const at = performance.now()
    for (const { cell, change } of grid?.changed ?? []) this.#flashes.set(cell, { change, at })
    this.#ask()
  }

  #ask = (): void => {
    cancelAnimationFrame(this.#frame)
    this.#frame = requestAnimationFrame(this.#draw)
  }

  #draw = (): void => {
    const grid = videoGrid.peek()
    const { clientWidth: width, scrollTop } = this.#scroller
    this.#layout = layoutOf(width, grid?.rows.length ?? 0, grid?.chunks ?? 0)
    this.#space.style.height = `${this.#layout.height}px`
    const height = Math.min(this.#layout.height, this.#scroller.clientHeight)
    const scale = devicePixelRatio
    const [w, h] = [Math.round(width * scale), Math.round(height * scale)]
    if (this.#canvas.width !== w || this.#canvas.height !== h) Object.assign(this.#canvas, { width: w, height: h })
    Object.assign(this.#canvas.style, { width: `${width}px`, height: `${height}px` })
    const context = this.#canvas.getContext('2d')!
    context.setTransform(scale, 0, 0, scale, 0, 0)
    context.clearRect(0, 0, width, height)
    if (!grid) return
    const now = performance.now()
    for (const [cell, { at }] of this.#flashes) if (now - at > FLASH_MS) this.#flashes.delete(cell)
    drawGrid(context, {
      grid,
      layout: this.#layout,
      top: scrollTop,
      height,
      shares: sharesIn(grid),
      flashes: this.#flashes,
      chosen: cellOf(grid, chosenTask.peek()),
      now,
      colour: this.#colour,
    })
    clearTimeout(this.#fade)
    if (this.#flashes.size > 0) this.#fade = setTimeout(this.#ask, FADE_MS)
  }

  #colour = (name: string): string => {
    const known = this.#colours.get(name)
    if (known) return known
    // A custom property has its text; a colour that uses it is computed.
    this.#canvas.style.color = `var(${name})`
    const { color } = getComputedStyle(this.#canvas)
    this.#colours.set(name, color)
    return color
  }
}

/** Of each cell that runs how far its best attempt is. */
function sharesIn(grid: Grid): Map<number, number> {
  const shares = new Map<number, number>()
  for (const { task, done } of peers.peek().flatMap(({ running }) => running)) {
    const cell = cellOf(grid, task)
    if (cell !== null) shares.set(cell, Math.max(done, shares.get(cell) ?? 0))
  }
  return shares
}
