/** One run of chaos: a stage, films, the schedule's faults, healing, and the verdict. */
import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { cp, mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { dice } from '../../ledger/crowd-worker.fixture.ts'
import type { PeerId } from '../../protocol/ids.ts'
import { SWEEP_MS } from '../../protocol/limits.ts'
import { cachePath } from '../../testing/tools/cache.ts'
import { feed, type Given, isSettled } from './feeder.ts'
import { type Footage, makeFootage } from './footage.ts'
import { type History, readHistory } from './history.ts'
import { strike, victimOf } from './inject.ts'
import { findPainter } from './painter.ts'
import { type Bout, describe, type Fault, scheduleOf } from './schedule.ts'
import { databaseOf, logOf, NODES, openStage, type Stage } from './stage.ts'
import { DEATHS, lookBefore, noticedAfter, readLog, type Sample, SILENCES, timeHealing, timeLeading } from './timing.ts'
import { checkVideos, crashesIn, orphans, type Verdict } from './verdict.ts'

export interface ChaosOptions {
  readonly minutes: number
  readonly seed: number
  /** For people who watch. */
  print(line: string): void
}

export interface TimedSample extends Sample {
  readonly noticedMs: number | null
}

export interface ChaosResult {
  readonly seed: number
  readonly minutes: number
  readonly violations: readonly string[]
  readonly faults: Readonly<Record<string, number>>
  readonly videos: Pick<Verdict, 'completed' | 'failed' | 'files'>
  /** What became of the node that shows other pictures. */
  readonly painter: string
  readonly history: Omit<History, 'violations'>
  readonly samples: readonly TimedSample[]
  /** Where logs are kept, where something failed. */
  readonly logs: string | null
  readonly wallS: number
}

/** After the last fault: claims run out after 45 s, two of them one after another, and the work itself. */
const SETTLE_MS = 300_000

export async function runChaos({ minutes, seed, print }: ChaosOptions): Promise<ChaosResult> {
  const began = performance.now()
  const violations: string[] = []
  const say = (line: string) => print(`${((performance.now() - began) / 1000).toFixed(1).padStart(7)} s  ${line}`)
  const report = (violation: string) => {
    violations.push(violation)
    say(`✖ ${violation}`)
  }
  let footage: Footage | null = null
  const stage = await openStage({
    report,
    print: say,
    async prepare(lab) {
      footage = await makeFootage(lab, join(lab.dir, 'films'), say)
    },
  })
  try {
    assert.ok(footage)
    say(`${NODES} nodes are up`)
    const schedule = scheduleOf({ seed, minutes, nodes: NODES })
    const stopping = new AbortController()
    const given: Given[] = []
    const out = join(stage.lab.dir, 'out')
    const { ledger, members } = stage
    const roll = dice(seed + 1)
    const feeding = feed({ footage, ledger, members, out, roll, signal: stopping.signal, given, print: say })
    const samples = await playAll(schedule, stage, minutes * 60_000, say)
    stopping.abort()
    await feeding
    await stage.lab.healAll()
    await settle(stage, given, say)
    const verdict = await checkVideos({ ledger, footage, given })
    verdict.violations.forEach(report)
    const painter = await findPainter(stage.ledger, stage.members.at(-1)!.peer as PeerId)
    painter.violations.forEach(report)
    say(`the node that shows other pictures: ${painter.verdict}`)
    const history = await readHistory(stage.mongod.uri, databaseOf(stage))
    history.violations.forEach(report)
    say(`${given.length} films checked; now all nodes stop`)
    // One round of housekeeping after the last delivery.
    await sleep(SWEEP_MS + 5_000)
    await Promise.all(members.map((member) => member.retire()))
    const logs = await Promise.all(members.map(logOf))
    for (const [at, member] of members.entries()) {
      ;(await orphans(member, verdict.failed)).forEach(report)
      crashesIn(logs[at] ?? '', member.name).forEach(report)
    }
    const lines = logs.map(readLog)
    const timed = samples.map((sample) => ({ ...sample, noticedMs: noticed(sample, lines, schedule) }))
    return {
      seed, minutes, violations,
      faults: count(schedule.flatMap(({ faults }) => faults.map(({ what }) => what))),
      videos: verdict, painter: painter.verdict, history, samples: timed,
      logs: violations.length > 0 ? await keepLogs(stage, seed) : null,
      wallS: (performance.now() - began) / 1000,
    } // biome-ignore format: one thought a line
  } catch (error) {
    say(`logs are kept in ${await keepLogs(stage, seed)}`)
    throw error
  } finally {
    await stage.close()
  }
}

/** In a box: awaiting the fault must not await its timing. */
interface Timing {
  readonly sample: Promise<Sample | null>
}

async function playAll(
  schedule: readonly Bout[],
  stage: Stage,
  lengthMs: number,
  say: (line: string) => void,
): Promise<Sample[]> {
  const began = performance.now()
  const until = (ms: number) => sleep(Math.max(0, began + ms - performance.now()))
  const timing: Timing[] = []
  for (const [n, { at, faults }] of schedule.entries()) {
    await until(at)
    const nextAt = schedule[n + 1]?.at ?? lengthMs
    const isAlone = faults.length === 1
    // Timed until the next bout begins: what that one does is no part of this one's healing.
    const signal = AbortSignal.timeout(Math.max(1, Math.round(began + nextAt - performance.now())))
    const one = (fault: Fault) => play(fault, stage, isAlone ? signal : null, say)
    const [hosts, database] = [faults.filter((fault) => 'who' in fault), faults.filter((fault) => !('who' in fault))]
    timing.push(...(await Promise.all([...hosts.map(one), ...inTurn(database, one)])))
  }
  await until(lengthMs)
  return (await Promise.all(timing.map(({ sample }) => sample))).filter((sample) => sample !== null)
}

/** There is one database: what strikes it waits until it has healed from the fault before. */
function inTurn(faults: readonly Fault[], act: (fault: Fault) => Promise<Timing>): Promise<Timing>[] {
  let before: Promise<unknown> = Promise.resolve()
  return faults.map((fault) => {
    const done = before.then(() => act(fault))
    before = done
    return done
  })
}

/** Strikes, waits, heals. The answer is on its way when this returns: timing goes on. */
async function play(
  fault: Fault,
  stage: Stage,
  timed: AbortSignal | null,
  say: (line: string) => void,
): Promise<Timing> {
  const { ledger } = stage
  const victim = await victimOf(fault, stage)
  say(`${describe(fault)}${victim ? ` (${victim.name})` : ''}`)
  const isTimed = timed !== null && (DEATHS.has(fault.what) || SILENCES.has(fault.what))
  const before = victim && isTimed && victim.node ? await lookBefore(ledger, victim) : null
  const at = Date.now()
  const heal = await strike(fault, victim, stage)
  const sample =
    victim && before && timed
      ? timeHealing({ ledger, fault, victim, before, at, signal: timed })
      : Promise.resolve(null)
  await sleep(fault.ms)
  await heal()
  return { sample: victim === null && timed ? timeLeading(ledger, fault, timed) : sample }
}

async function settle({ ledger }: Stage, given: readonly Given[], say: (line: string) => void): Promise<void> {
  say('all is healed; waiting for what is open')
  const until = performance.now() + SETTLE_MS
  for (;;) {
    const videos = await Promise.all(given.map(({ video }) => ledger.video(video))).catch(() => [null])
    if (videos.every(isSettled)) return
    if (performance.now() > until) return
    await sleep(500)
  }
}

function noticed(
  sample: Sample,
  logs: readonly ReturnType<typeof readLog>[],
  schedule: readonly Bout[],
): number | null {
  if (sample.peer === null) return null
  const longest = Math.max(...schedule.flatMap(({ faults }) => faults.map(({ ms }) => ms)))
  return noticedAfter(sample, logs, longest)
}

function count(words: readonly string[]): Record<string, number> {
  const counts: Record<string, number> = {}
  for (const word of words) counts[word] = (counts[word] ?? 0) + 1
  return counts
}

/** Logs of nodes and database, without films and blobs. */
async function keepLogs({ lab }: Stage, seed: number): Promise<string> {
  const kept = cachePath('chaos-logs', `${seed}-${randomUUID().slice(0, 8)}`)
  await mkdir(kept, { recursive: true })
  await cp(lab.dir, kept, {
    recursive: true,
    filter: (path) => !/\.mp4$|reelmesh\.mjs$|\/store(?:\/|$)|\/data(?:\/|$)|\.key$|\.sock$|\/filler/.test(path),
  }).catch(() => {})
  return kept
}
