/**
 * `sh scripts/node.sh scripts/docker/plot-scaling.ts`: a studio's day under the scaling policy as docs/scaling/day.svg. The same seed
 * draws the same picture, so that a change of the policy shows as a change of the file.
 */
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { ScalingRules } from '../../fleet/scaling/scaling.ts'
import { DAY_S, type Moment, seeded, simulateDay, studioDay } from '../../testing/scaling-day.ts'

const RULES: ScalingRules = { min: 1, max: 12, target_s: 600, cooldown_s: 300 }
const SEED = 4
const [WIDTH, LEFT, PANEL, GAP, TOP] = [960, 56, 150, 46, 56]
const OUT = join(import.meta.dirname, '..', '..', 'docs', 'scaling')

const random = seeded(SEED)
const moments = simulateDay({ rules: RULES, arrivals: studioDay(random), cost: 3, noise: 0.2, startup_s: 10, random })
const hoursOf = (pick: (moment: Moment) => number) =>
  (moments.reduce((sum, moment) => sum + pick(moment), 0) * 5) / 3600
const changes = moments.filter(({ wanted }, at) => at > 0 && wanted !== moments[at - 1]?.wanted).length
await mkdir(OUT, { recursive: true })
await writeFile(join(OUT, 'day.svg'), picture())
const waits = moments.map(({ work, wanted }) => work / Math.max(1, wanted)).sort((a, b) => a - b)
const share = (part: number) => `${((waits[Math.floor(part * (waits.length - 1))] ?? 0) / 60).toFixed(1)} min`
console.log(
  `worker hours ${hoursOf(({ wanted }) => wanted).toFixed(1)} (${24 * RULES.max} at the maximum all day), ${changes} changes`,
)
console.log(`time to drain the queue: median ${share(0.5)}, 95 % ${share(0.95)}, longest ${share(1)}`)

function picture(): string {
  const bottom = TOP + 2 * PANEL + GAP + 30
  const text = (x: number | string, y: number, words: string, more = '') =>
    `<text x="${x}" y="${y}" ${more}>${words}</text>`
  const title = `A studio's day: min ${RULES.min}, max ${RULES.max}, target ${RULES.target_s / 60} min, cooldown ${RULES.cooldown_s / 60} min (seed ${SEED})`
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${bottom}" font-family="sans-serif" font-size="12">`,
    `<title>${title}</title>`,
    `<rect width="${WIDTH}" height="${bottom}" fill="#fff"/>`,
    text(LEFT, 22, title, 'font-size="14" font-weight="bold"'),
    panel({ y: TOP, name: 'work that waits, worker-minutes', pick: ({ work }) => work / 60, color: '#b5651d' }),
    panel({ y: TOP + PANEL + GAP, name: 'workers wanted', pick: ({ wanted }) => wanted, color: '#1f6fb5' }),
    ...Array.from({ length: 9 }, (_, n) =>
      text(xOf(n * 3 * 3600), bottom - 12, `${n * 3}:00`, 'text-anchor="middle" fill="#555"'),
    ),
    '</svg>\n',
  ].join('\n')
}

function panel({
  y,
  name,
  pick,
  color,
}: {
  y: number
  name: string
  pick(moment: Moment): number
  color: string
}): string {
  const most = Math.max(1, ...moments.map(pick))
  const yOf = (value: number) => (y + PANEL - (value / most) * PANEL).toFixed(1)
  // One step of the line a minute is as fine as the picture can show.
  const line = moments.filter((_, at) => at % 12 === 0).map((moment) => `H${xOf(moment.at)}V${yOf(pick(moment))}`)
  return [
    `<text x="${LEFT}" y="${y - 8}" fill="${color}">${name}</text>`,
    `<path d="M${LEFT} ${y}V${y + PANEL}H${WIDTH - 16}" stroke="#999" fill="none"/>`,
    `<text x="${LEFT - 6}" y="${y + 10}" text-anchor="end" fill="#555">${Math.round(most)}</text>`,
    `<text x="${LEFT - 6}" y="${y + PANEL}" text-anchor="end" fill="#555">0</text>`,
    `<path d="M${LEFT} ${y + PANEL}${line.join('')}" stroke="${color}" stroke-width="1.5" fill="none"/>`,
  ].join('\n')
}

function xOf(at: number): string {
  return (LEFT + (at / DAY_S) * (WIDTH - LEFT - 16)).toFixed(1)
}
