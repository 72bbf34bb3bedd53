/**
 * Fails the open videos of which a document does not fit its schema, with one sentence. Any peer that reads such a document does it, without a
 * term: a leader that does not read it would wait for its tasks for ever. The tasks of the video are cancelled, so that no worker claims them. A
 * retry of such a video plans it anew (two-writes.ts).
 */
import { EVENT_TEXT_BYTES, FAILURE_MESSAGE_BYTES } from '../protocol/limits.ts'
import { OPEN_STATUSES, type Video } from '../protocol/video.ts'
import type { UnfitVideo } from './check-documents.ts'
import { plainText } from './documents.ts'
import type { Claimed, NextAsk, Steps } from './steps.ts'

/** Unfit tasks that one ask for a claim passes over: with more of them the next ask goes on. */
const PASSED_MAX = 16

/** The same steps, after each of which the videos that it found unfit are failed. */
export function failingUnfitVideos(steps: Steps): Steps {
  const failing = Object.entries(steps).map(([name, step]) => {
    if (typeof step !== 'function' || name === 'takeUnfit' || name === 'close') return [name, step]
    return [name, async (...given: unknown[]) => await thenFail(steps, () => Reflect.apply(step, null, given))]
  })
  return { ...(Object.fromEntries(failing) as Steps), claimNext: (ask) => claimNext(steps, ask) }
}

async function thenFail<T>(steps: Steps, act: () => T): Promise<Awaited<T>> {
  const answer = await act()
  await failUnfit(steps)
  return answer
}

/** Claims the first task that fits: one that does not must not make it look as if there were no work. */
async function claimNext(steps: Steps, ask: NextAsk): Promise<Claimed | null> {
  for (let passed = 0; passed < PASSED_MAX; passed++) {
    const claimed = await steps.claimNext(ask)
    if ((await failUnfit(steps)) === 0 || claimed !== null) return claimed
  }
  return null
}

/** Answers how many were unfit. */
async function failUnfit(steps: Steps): Promise<number> {
  const unfit = steps.takeUnfit()
  for (const video of unfit) await fail(steps, video)
  return unfit.length
}

const SENTENCE = "the ledger's document of "

/** Whether a video failed since a document of it did not fit. */
export const saysUnfit = ({ failure }: Pick<Video, 'failure'>): boolean => failure?.startsWith(SENTENCE) === true

async function fail(steps: Steps, { id, what, why }: UnfitVideo): Promise<void> {
  const sentence = `${SENTENCE}${what} does not fit (${why}): no peer of this version wrote it so; look who may write to the ledger, then retry it`
  const failure = plainText(sentence, FAILURE_MESSAGE_BYTES)
  if (!(await steps.moveVideo(id, { from: OPEN_STATUSES, to: 'FAILED', set: { failure } }))) return
  await steps.cancelTasks(id)
  await steps.addEvent({ what: 'failed', peer: null, video: id, text: plainText(failure, EVENT_TEXT_BYTES) })
}
