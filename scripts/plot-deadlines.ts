/**
 * `sh scripts/node.sh scripts/plot-deadlines.ts`: a day of 500 videos on unequal peers that die, under four orders of claims, as docs/deadlines/day.svg,
 * and a table of several days. The same seeds draw the same picture.
 */
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { VideoId } from '../protocol/ids.ts'
import { BEFORE, type Day, FIFO, heldOf, policyOrder, simulate } from '../testing/deadlines/deadline-day.ts'
import { bestInHindsight } from '../testing/deadlines/hindsight.ts'
import { STUDIO, studioDay } from '../testing/deadlines/studio.ts'
import { seeded } from '../testing/scaling-day.ts'

const SEEDS = [1, 2, 3, 4, 5]
const [WIDTH, HEIGHT, LEFT, TOP, DAY_S] = [960, 360, 56, 48, 24 * 3600]
const COLORS = { 'best in hindsight': '#2a8a3e', 'least slack': '#1f6fb5', before: '#b5651d', FIFO: '#888' } as const
type Name = keyof typeof COLORS
const OUT = join(import.meta.dirname, '..', 'docs', 'deadlines')

console.log(
  '| day | deadlines | FIFO | before | least slack | best in hindsight | wait of the others: FIFO, least slack |\n|---|---|---|---|---|---|---|',
)
for (const seed of SEEDS) {
  const { day, held, waits } = compare(seed)
  const dated = day.arrivals.filter(({ deadline }) => deadline !== null).length
  const [best, policy] = [held['best in hindsight'].length, held['least slack'].length]
  console.log(
    `| ${seed} | ${dated} | ${held.FIFO.length} | ${held.before.length} | ${policy} (${((100 * policy) / best).toFixed(1)} %) | ${best} | ${waits} |`,
  )
  if (seed === SEEDS[0]) {
    await mkdir(OUT, { recursive: true })
    await writeFile(join(OUT, 'day.svg'), picture(day, held))
  }
}

function compare(seed: number): { day: Day; held: Record<Name, readonly VideoId[]>; waits: string } {
  const day = studioDay(STUDIO, seeded(seed))
  const [policy, before, fifo] = [policyOrder(day), BEFORE, FIFO].map((order) => simulate(day, order))
  const [slack, due, first] = [policy!, before!, fifo!].map((done) => heldOf(day, done))
  const best = bestInHindsight(day, [slack!, due!, first!])
  const waits = [fifo!, policy!].map((done) => longest(day, done)).join(', ')
  return { day, held: { 'best in hindsight': best, 'least slack': slack!, before: due!, FIFO: first! }, waits }
}

/** Median and longest time from submit to the end, of videos without a deadline. */
function longest({ arrivals }: Day, done: ReadonlyMap<VideoId, number>): string {
  const waits = arrivals
    .flatMap(({ id, at, deadline }) => (deadline === null ? [(done.get(id)! - at) / 60] : []))
    .sort((a, b) => a - b)
  return `${Math.round(waits[waits.length >> 1]!)} min (${Math.round(waits.at(-1)!)})`
}

/** Deadlines that were missed so far, over the day. */
function picture(day: Day, held: Record<Name, readonly VideoId[]>): string {
  const names = Object.keys(COLORS) as Name[]
  const missed = (name: Name) =>
    day.arrivals
      .flatMap(({ id, deadline }) => (deadline !== null && !held[name].includes(id) ? [deadline] : []))
      .sort((a, b) => a - b)
  const most = Math.max(...names.map((name) => missed(name).length))
  const bottom = HEIGHT - 40
  const xOf = (at: number) => (LEFT + (Math.min(at, DAY_S) / DAY_S) * (WIDTH - LEFT - 16)).toFixed(1)
  const yOf = (count: number) => (bottom - (count / most) * (bottom - TOP)).toFixed(1)
  const line = (name: Name) =>
    `M${LEFT} ${bottom}${missed(name)
      .map((at, n) => `H${xOf(at)}V${yOf(n + 1)}`)
      .join('')}H${xOf(DAY_S)}`
  const title = `Deadlines missed over a day: ${day.arrivals.length} videos, five unequal peers that die (day ${SEEDS[0]})`
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" font-family="sans-serif" font-size="12">`,
    `<title>${title}</title>`,
    `<rect width="${WIDTH}" height="${HEIGHT}" fill="#fff"/>`,
    `<text x="${LEFT}" y="22" font-size="14" font-weight="bold">${title}</text>`,
    `<path d="M${LEFT} ${TOP}V${bottom}H${WIDTH - 16}" stroke="#999" fill="none"/>`,
    ...[0, most].map(
      (count) => `<text x="${LEFT - 6}" y="${Number(yOf(count)) + 4}" text-anchor="end" fill="#555">${count}</text>`,
    ),
    ...names.flatMap((name, n) => [
      `<path d="${line(name)}" stroke="${COLORS[name]}" stroke-width="1.8" fill="none"/>`,
      `<text x="${LEFT + 14}" y="${TOP + 14 + 17 * n}" fill="${COLORS[name]}">${name}: ${missed(name).length} missed</text>`,
    ]),
    ...Array.from(
      { length: 9 },
      (_, n) => `<text x="${xOf(n * 3 * 3600)}" y="${HEIGHT - 16}" text-anchor="middle" fill="#555">${n * 3}:00</text>`,
    ),
    '</svg>\n',
  ].join('\n')
}
