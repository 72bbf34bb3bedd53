/**
 * `npm run sim:detector [-- --peers 3,8,…]`: the failure detector from 3 to 1,000 peers. Prints a markdown table and draws
 * docs/reliability/*.svg. The simulation is seeded; only the cost of a message is measured on this machine.
 */
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { measureCost } from './cost.ts'
import {
  type Detection,
  type EndKind,
  type Mistakes,
  measureCutLeader,
  measureDetection,
  measureMistakes,
  share,
} from './figures.ts'
import { drawChart } from './plot.ts'

const SIZES = '3,8,16,32,64,128,256,512,1000'
const LOSSES = [0, 0.1, 0.2, 0.3] as const
const OUT = join(import.meta.dirname, '..', '..', '..', 'docs', 'reliability')
/** A thousand peers beat every two minutes. */
const BEATS_MIN = 5
/** Beyond this a mute peer's claim has long expired when its silence is believed. */
const MUTE_PEERS_MAX = 32

interface Size {
  readonly peers: number
  readonly detection: Record<EndKind, Detection>
  readonly mistakes: readonly Mistakes[]
  readonly stalled: Mistakes
  readonly cut: { readonly reclaimed: number; readonly steppedDown: boolean }
  readonly cpu: number
}

const { values } = parseArgs({ options: { peers: { type: 'string', default: SIZES } } })
const cost = await measureCost()
console.log(
  `a heartbeat of anybody costs a node ${cost.gossipMs.toFixed(2)} ms of CPU, a connection ${cost.connectionMs.toFixed(2)} ms a second, the rest ${cost.baseMs.toFixed(1)} ms a second\n`,
)
const sizes: Size[] = []
for (const peers of values.peers.split(',').map(Number)) {
  const startedAt = performance.now()
  sizes.push(await measure(peers))
  console.error(`${peers} peers: ${((performance.now() - startedAt) / 1000).toFixed(0)} s`)
  // A run that is ended early has shown and drawn what it knows.
  await draw(sizes)
  if (!process.stdout.isTTY) console.log(table(sizes.slice(-1)).split('\n').at(-1))
}
console.log(table(sizes))
process.exit()

async function measure(peers: number): Promise<Size> {
  const minutes = peers <= 16 ? 20 : peers <= 64 ? 5 : peers <= 128 ? 2 : 0.5
  const detection = await measureDetection({
    peers,
    victims: peers <= 16 ? 12 : 4,
    kinds: peers <= MUTE_PEERS_MAX ? ['kill', 'stop', 'cut', 'mute'] : ['kill', 'stop', 'cut'],
  })
  const mistakes: Mistakes[] = []
  // Without loss for as long as a few heartbeats of everybody take, as these are counted for the CPU.
  for (const loss of LOSSES)
    mistakes.push(await measureMistakes({ peers, loss, minutes: loss === 0 ? Math.max(minutes, BEATS_MIN) : minutes }))
  const stalled = await measureMistakes({ peers, loss: 0, minutes, stalls: true })
  const cut = await measureCutLeader(peers)
  const { heartbeatsPerSecond, connections } = mistakes[0]!
  const cpu = (heartbeatsPerSecond * cost.gossipMs + connections * cost.connectionMs + cost.baseMs) / 10
  return { peers, detection, mistakes, stalled, cut, cpu }
}

function table(of: readonly Size[]): string {
  const seconds = (values: readonly number[]) =>
    values.length === 0 ? '–' : `${(share(values, 0.5) / 1000).toFixed(2)} / ${(share(values, 0.95) / 1000).toFixed(2)}`
  const whole = (value: number) => Math.round(value).toLocaleString('en')
  const head = [
    'peers',
    'kill noticed',
    'kill reclaimed',
    'stop noticed',
    'stop reclaimed',
    'cut reclaimed',
    'mute reclaimed',
  ]
  const more = LOSSES.map((loss) => `evictions/h, ${loss * 100} % lost`)
  const rest = [
    'suspicions/h, 0 / 10 / 30 % lost',
    'evictions/h, stalled observers',
    'reclaimed by a cut-off leader',
    'heartbeats/s',
    'CPU %',
  ]
  const rows = of.map(({ peers, detection: { kill, stop, cut, mute }, mistakes, stalled, cut: cutLeader, cpu }) => [
    whole(peers),
    seconds(kill.noticed),
    seconds(kill.reclaimed),
    seconds(stop.noticed),
    seconds(stop.reclaimed),
    seconds(cut.reclaimed),
    seconds(mute.reclaimed),
    ...mistakes.map(({ evictionsPerHour }) => whole(evictionsPerHour)),
    [0, 1, 3].map((at) => whole(mistakes[at]!.suspicionsPerHour)).join(' / '),
    whole(stalled.evictionsPerHour),
    `${cutLeader.reclaimed}${cutLeader.steppedDown ? ', gave the lease back' : ''}`,
    mistakes[0]!.heartbeatsPerSecond.toFixed(1),
    cpu.toFixed(1),
  ])
  return [[...head, ...more, ...rest], Array.from({ length: 7 + more.length + rest.length }, () => '---'), ...rows]
    .map((row) => `| ${row.join(' | ')} |`)
    .join('\n')
}

async function draw(of: readonly Size[]): Promise<void> {
  await mkdir(OUT, { recursive: true })
  const median = (kind: EndKind, what: 'noticed' | 'reclaimed', part: number) =>
    of.map(({ peers, detection }) => {
      const values = detection[kind][what]
      return [peers, values.length === 0 ? null : share(values, part) / 1000] as const
    })
  await writeFile(
    join(OUT, 'detection.svg'),
    drawChart({
      title: 'From the end of a peer until its claims are reclaimed',
      unit: 's',
      ticks: [0.001, 0.01, 0.1, 1, 10, 45],
      series: [
        { name: 'killed: noticed, median', colour: '#9ecae1', points: median('kill', 'noticed', 0.5) },
        { name: 'killed: reclaimed, median', colour: '#1f6fb5', points: median('kill', 'reclaimed', 0.5) },
        { name: 'killed: reclaimed, p95', colour: '#08306b', points: median('kill', 'reclaimed', 0.95) },
        { name: 'stopped: reclaimed, median', colour: '#fd8d3c', points: median('stop', 'reclaimed', 0.5) },
        { name: 'stopped: p95', colour: '#a63603', points: median('stop', 'reclaimed', 0.95) },
        { name: 'cut off: p95', colour: '#31a354', points: median('cut', 'reclaimed', 0.95) },
        { name: 'heartbeats lost: median', colour: '#756bb1', points: median('mute', 'reclaimed', 0.5) },
      ],
    }),
  )
  await writeFile(
    join(OUT, 'mistakes.svg'),
    drawChart({
      title: 'Claims reclaimed from running peers, per peer and hour',
      unit: '1/h',
      ticks: [0, 5, 10, 15, 20],
      series: LOSSES.map((loss, at) => ({
        name: `${loss * 100} % of packets lost`,
        colour: ['#1f6fb5', '#31a354', '#fd8d3c', '#a50f15'][at] ?? '#000',
        points: of.map(({ peers, mistakes }) => [peers, mistakes[at]!.evictionsPerHour / (peers - 1)] as const),
      })),
    }),
  )
  await writeFile(
    join(OUT, 'cpu.svg'),
    drawChart({
      title: 'CPU of a node for the mesh: messages counted, cost of one measured',
      unit: '%',
      ticks: [0, 2, 4, 6, 8],
      series: [{ name: 'of one core', colour: '#1f6fb5', points: of.map(({ peers, cpu }) => [peers, cpu] as const) }],
    }),
  )
}
