/** What must hold after the faults: every film is delivered exactly once, or its failure is reported; nothing is left behind; no process crashed. */

import { stat } from 'node:fs/promises'
import { basename, join, parse } from 'node:path'
import { hashFile } from '../../files/hash-file.ts'
import { deliveredPath } from '../../node/videos/delivery.ts'
import { pathFor } from '../../protocol/artifact.ts'
import type { VideoId } from '../../protocol/ids.ts'
import { kindFacts } from '../../protocol/kinds.ts'
import type { Ledger } from '../../protocol/ledger.ts'
import { PARTIAL_RETENTION_MS, SWEEP_MS } from '../../protocol/limits.ts'
import type { Task } from '../../protocol/task.ts'
import type { Video } from '../../protocol/video.ts'
import { countPictures } from '../../testing/tools/count-pictures.ts'
import { ensureFfmpeg } from '../../testing/tools/ffmpeg.ts'
import { filesBelow } from '../../testing/tools/folder.ts'
import type { Given } from './feeder.ts'
import type { Footage } from './footage.ts'
import type { Member } from './member.ts'

export interface Verdict {
  readonly violations: string[]
  readonly completed: number
  readonly failed: readonly VideoId[]
  /** Files that were compared, byte by byte and frame by frame. */
  readonly files: number
}

export async function checkVideos(of: { ledger: Ledger; footage: Footage; given: readonly Given[] }): Promise<Verdict> {
  const violations: string[] = []
  const failed: VideoId[] = []
  let [completed, files] = [0, 0]
  for (const each of of.given) {
    const name = basename(each.film.file)
    const video = await of.ledger.video(each.video)
    const say = (text: string) => violations.push(`${name} (${each.video}) ${text}`)
    if (!video) {
      say('is not in the ledger')
      continue
    }
    if (video.status === 'COMPLETED') completed++
    else if (video.status === 'FAILED') failed.push(video._id)
    for (const text of statusProblems(video)) say(text)
    const tasks = await of.ledger.tasks({ video: each.video })
    for (const text of taskProblems(video, tasks)) say(text)
    if (video.status !== 'COMPLETED') continue
    const checked = await fileProblems(video, of.footage, each)
    files += checked.files
    for (const text of checked.problems) say(text)
  }
  return { violations, completed, failed, files }
}

function statusProblems(video: Video): string[] {
  if (video.status === 'FAILED')
    return video.failure ? [`FAILED: ${video.failure}`] : ['FAILED without a sentence that says why']
  if (video.status !== 'COMPLETED') return [`is still ${video.status}`]
  const open = video.deliveries.filter(({ done_at }) => done_at === null)
  return open.map(({ peer, dir }) => `was not delivered to ${dir} by ${peer}`)
}

/** One committed attempt for each task that the plan counts, and no claim left. */
function taskProblems(video: Video, tasks: readonly Task[]): string[] {
  const counted = tasks.filter(({ kind }) => kind === 'video' || kind === 'audio').length
  const found: string[] = []
  if (video.status === 'COMPLETED' && counted !== video.plan?.tasks)
    found.push(`has ${counted} tasks where its plan has ${video.plan?.tasks}`)
  for (const { _id, kind, status, completed_attempt, attempt, claims } of tasks) {
    // An audit that was not done in time is no task of the plan.
    if (video.status === 'COMPLETED' && status !== 'COMPLETED' && kindFacts(kind).failsVideo)
      found.push(`has ${_id} that is ${status}`)
    if (status === 'COMPLETED' && (completed_attempt === null || completed_attempt > attempt))
      found.push(`has ${_id} without an attempt that committed it`)
    if (claims.length > 0) found.push(`has ${_id} still claimed`)
  }
  return found
}

async function fileProblems(
  video: Video,
  footage: Footage,
  { film }: Given,
): Promise<{ files: number; problems: string[] }> {
  const tools = await ensureFfmpeg()
  const problems: string[] = []
  let files = 0
  const expected = await footage.expected(film)
  if (expected.size !== video.outputs.length) problems.push(`has ${video.outputs.length} outputs, not ${expected.size}`)
  for (const delivery of video.deliveries) {
    for (const output of video.outputs) {
      const path = deliveredPath(delivery, output)
      const wanted = expected.get(pathFor(output, parse(film.file).name))
      if (!wanted) problems.push(`has ${output.path}, which nobody asked for`)
      else if (!(await stat(path).catch(() => null))) problems.push(`was reported as delivered, and ${path} is missing`)
      else {
        files++
        const frames = await countPictures(path, tools)
        if (frames !== wanted.frames) problems.push(`has ${frames} frames in ${output.path}, not ${wanted.frames}`)
        if ((await hashFile(path)).sha256 !== wanted.sha256)
          problems.push(`has other bytes in ${output.path} than an undisturbed run`)
      }
    }
    const partial = (await filesBelow(delivery.dir)).filter((file) => file.endsWith('.part'))
    problems.push(...partial.map((file) => `left ${file} in ${delivery.dir}`))
  }
  return { files, problems }
}

/**
 * Blobs, partial files, references and scratch folders that a node keeps which has stopped: a video that is delivered needs
 * none. Those of a video that FAILED stay for a retry.
 */
export async function orphans(member: Member, failed: readonly VideoId[]): Promise<string[]> {
  const files = await filesBelow(join(member.dataDir, 'store'))
  const unowned: string[] = []
  for (const file of files) {
    if (failed.some((id) => file.includes(id))) continue
    // Part of a blob may be resumed for a while; after that and a round of housekeeping it is gone.
    const { mtimeMs } = await stat(join(member.dataDir, 'store', file))
    if (file.startsWith('fetching/') && Date.now() - mtimeMs < PARTIAL_RETENTION_MS + 2 * SWEEP_MS) continue
    unowned.push(file)
  }
  return unowned.map((file) => `${member.name} keeps ${file}`)
}

/** Lines of a log that no fault excuses: a crash's own words, warnings of Node, and errors of the node's own. */
export function crashesIn(log: string, name: string): string[] {
  const bad = log
    .split('\n')
    .filter((line) => (line.startsWith('{"') ? isBadLine(line) : !/^(?:reelmesh: .*)?$/.test(line)))
  return bad.map((line) => `${name} logged ${line.slice(0, 400)}`)
}

/** Logged as an error because a person should know; the mesh repairs it by itself. One node shows other pictures. */
const KNOWN = ['an attempt could not be settled; its claim will expire', 'results_differ']
const isBadLine = (line: string): boolean =>
  /^\{"level":(?:50|60)/.test(line) && !KNOWN.some((words) => line.includes(words))
