/** Gives films to the mesh one after another, as people would: to whichever node answers, again where none did. */
import { mkdir } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { parseResponse } from 'hono/client'
import type { VideoId } from '../../protocol/ids.ts'
import type { Ledger } from '../../protocol/ledger.ts'
import { DEFAULT_ENCODING, ladderOf } from '../../protocol/recipe.ts'
import type { Video } from '../../protocol/video.ts'
import type { Film, Footage } from './footage.ts'
import type { Member } from './member.ts'

export interface Given {
  readonly film: Film
  readonly video: VideoId
}

/** Open at once: enough that a fault always finds work, few enough that they end. */
const OPEN_MAX = 2
const SUBMIT_MS = 20_000

export const isSettled = (video: Video | null): boolean =>
  video?.status === 'FAILED' ||
  (video?.status === 'COMPLETED' && video.deliveries.every((delivery) => delivery.done_at !== null))

/** Until the signal aborts; the film on its way then is given all the same. */
export async function feed(of: {
  footage: Footage
  ledger: Ledger
  members: readonly Member[]
  out: string
  roll(): number
  signal: AbortSignal
  given: Given[]
  print(line: string): void
}): Promise<void> {
  const { footage, ledger, members, signal, given } = of
  for (let n = 0; !signal.aborted; n++) {
    const film = await footage.film(n)
    for (let tries = 0; ; tries++) {
      const member = members[Math.floor(of.roll() * members.length)]
      const video = member ? await submit(member, film, join(of.out, `${n}-${tries}`)) : null
      if (video !== null) {
        given.push({ film, video })
        of.print(`${basename(film.file)} is video ${video}, given to ${member?.name}`)
        break
      }
      await sleep(500)
    }
    while (!signal.aborted && (await openOnes(ledger, given)) >= OPEN_MAX) await sleep(250)
  }
}

async function submit(member: Member, { file, kind }: Film, out: string): Promise<VideoId | null> {
  const client = await member.control()
  if (!client) return null
  await mkdir(out, { recursive: true })
  const { renditions, preset } = kind.recipe
  const heights = renditions.map((name) => Number.parseInt(name, 10))
  const recipe = { renditions: ladderOf(heights, { ...DEFAULT_ENCODING, preset }), upscale: true }
  const asked = parseResponse(client.v1.videos.$post({ json: { path: file, recipe, out } }))
  const answer = await Promise.race([asked.catch(() => null), sleep(SUBMIT_MS, null, { ref: false })])
  return answer?.id ?? null
}

/** What the ledger cannot say now counts as open. */
async function openOnes(ledger: Ledger, given: readonly Given[]): Promise<number> {
  const last = given.slice(-2 * OPEN_MAX)
  const asked = Promise.all(last.map(({ video }) => ledger.video(video))).catch(() => last.map(() => null))
  const videos = await Promise.race([asked, sleep(2_000, [])])
  return videos.length < last.length ? OPEN_MAX : videos.filter((video) => !isSettled(video)).length
}
