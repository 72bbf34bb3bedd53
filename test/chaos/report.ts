/** The report of a run: a table for people, and all of it as JSON. Pure. */
import type { ChaosResult, TimedSample } from './run.ts'
import { DEATHS, SILENCES } from './timing.ts'

export interface Spread {
  readonly count: number
  readonly medianMs: number
  readonly p95Ms: number
  readonly maxMs: number
}

export function spreadOf(values: readonly number[]): Spread | null {
  if (values.length === 0) return null
  const sorted = [...values].sort((a, b) => a - b)
  const at = (share: number) =>
    Math.round(sorted[Math.min(sorted.length - 1, Math.ceil(share * sorted.length) - 1)] ?? 0)
  return { count: sorted.length, medianMs: at(0.5), p95Ms: at(0.95), maxMs: at(1) }
}

export function spreads(samples: readonly TimedSample[]): Record<string, Spread | null> {
  const of = (
    kinds: (fault: TimedSample['fault']) => boolean,
    pick: (sample: TimedSample) => number | null,
  ): Spread | null => spreadOf(samples.filter(({ fault }) => kinds(fault)).flatMap((sample) => pick(sample) ?? []))
  const isDeath = (fault: TimedSample['fault']) => DEATHS.has(fault)
  const isSilence = (fault: TimedSample['fault']) => SILENCES.has(fault)
  const isDatabase = (fault: TimedSample['fault']) => fault.startsWith('db-')
  return {
    'killed: noticed': of(isDeath, ({ noticedMs }) => noticedMs),
    'killed: its work runs again': of(isDeath, ({ runningAgainMs }) => runningAgainMs),
    'killed leader: another leads': of(isDeath, ({ leadsAgainMs }) => leadsAgainMs),
    'stopped or cut off: noticed': of(isSilence, ({ noticedMs }) => noticedMs),
    'stopped or cut off: its work runs again': of(isSilence, ({ runningAgainMs }) => runningAgainMs),
    'stopped or cut off leader: another leads': of(isSilence, ({ leadsAgainMs }) => leadsAgainMs),
    'database back: somebody leads': of(isDatabase, ({ leadsAgainMs }) => leadsAgainMs),
  }
}

export function render(result: ChaosResult): string {
  const { videos, history, faults } = result
  const rows = Object.entries(spreads(result.samples)).map(([what, spread]) =>
    spread
      ? [what, String(spread.count), ...[spread.medianMs, spread.p95Ms, spread.maxMs].map(seconds)]
      : [what, '0', '-', '-', '-'],
  )
  const table = [['', 'times', 'median', 'p95', 'max'], ...rows].map(
    ([what = '', ...cells]) => `${what.padEnd(42)}${cells.map((cell) => cell.padStart(9)).join('')}`,
  )
  return [
    `${Object.values(faults).reduce((sum, n) => sum + n, 0)} faults: ${Object.entries(faults).map(([what, n]) => `${n} ${what}`).join(', ')}`,
    `${videos.completed} films completed, ${videos.failed.length} failed; ${videos.files} files compared`,
    `the node that shows other pictures: ${result.painter}`,
    `${history.tasks} tasks, ${history.attempts} attempts, ${history.commits} commits, ${history.lostOutputs} outputs lost and made again`,
    '',
    ...table,
    '',
    ...result.violations.map((violation) => `✖ ${violation}`),
    ...(result.logs ? [`logs are kept in ${result.logs}`, `replay: ${replayCommand(result)}`] : []),
    `${result.violations.length} violations in ${Math.round(result.wallS)} s (seed ${result.seed}, ${result.minutes} minutes of faults)`,
  ].join('\n') // biome-ignore format: a page
}

export const replayCommand = ({ seed, minutes }: Pick<ChaosResult, 'seed' | 'minutes'>): string =>
  `npm run chaos -- --minutes ${minutes} --seed ${seed}`

const seconds = (ms: number): string => `${(ms / 1000).toFixed(2)} s`
