/** The verb that changes a deadline, and what the mesh says of one. */
import type { Command } from 'commander'
import { parseResponse } from 'hono/client'
import { systemClock } from '../node/host/system-clock.ts'
import type { ControlClient } from '../node/http/control-client.ts'
import { rowDeadlineText } from '../protocol/deadline-text.ts'
import { notVideoId, ReelmeshError, UsageError, unknownVideo } from '../protocol/errors.ts'
import { isVideoId, type VideoId } from '../protocol/ids.ts'
import type { VideoRow } from '../protocol/status.ts'
import { type DeadlineOptions, deadlineFrom } from './deadline-option.ts'
import { addConfigOptions, configFrom } from './options.ts'
import { say } from './output.ts'
import { localNode, withLedger } from './reach.ts'

/** How long `submit` and `deadline` wait for what the leader says, and between two looks, ms. */
const [ANSWER_MS, LOOK_MS] = [20_000, 300]

/** Says of each of these videos whether its deadline holds, once the leader has decided; after a while that it is not known yet. */
export async function sayDeadlines(
  client: ControlClient,
  ids: Iterable<VideoId>,
  say: (id: VideoId, text: string, row: VideoRow) => void,
): Promise<void> {
  const until = systemClock.mono() + ANSWER_MS
  for (const id of ids) {
    for (;;) {
      const row = await parseResponse(client.v1.videos[':id'].$get({ param: { id } }))
      const isKnown = row.forecast === null || row.forecast.done_at !== null || row.forecast.like !== null
      if (isKnown || systemClock.mono() > until) {
        const text = rowDeadlineText(row, systemClock.now())
        if (text !== null) say(id, text, row)
        break
      }
      await systemClock.sleep(LOOK_MS)
    }
  }
}

/** Adds the verb `deadline` to the program. */
export function addDeadline(program: Command): void {
  const command = program
    .command('deadline')
    .argument('<video>', 'its id, as `reelmesh videos` shows it')
    .argument('[time]', 'when: 2026-12-24T18:00+01:00, 2026-12-24 18:00 or 18:00')
    .option('--within <duration>', 'from now: 40m, 1h30m or 2d')
    .option('--clear', 'it is wanted at no time')
  addConfigOptions(command, { data_dir: '<dir>', ledger: '<address>', ledger_file: '<file>' })
  command.action(async (id: string, time: string | undefined, options: DeadlineOptions & { clear?: boolean }) => {
    if (!isVideoId(id)) throw notVideoId(id)
    const deadline = askedDeadline(time, options)
    const config = await configFrom({ ...options, deadline: undefined })
    const client = await localNode(config)
    const result = client
      ? (await parseResponse(client.v1.videos[':id'].deadline.$post({ param: { id }, json: { deadline } }))).result
      : await withLedger(config, async (ledger) => {
          if ((await ledger.video(id)) === null) throw unknownVideo(id)
          return await ledger.setDeadline(id, deadline)
        })
    if (result === 'unchanged')
      throw new ReelmeshError('unchanged', `video ${id} is not open, so there is nothing to hold`)
    say(`${id}: ${deadline === null ? 'deadline cleared' : 'deadline set'}`)
    if (client && deadline !== null) await sayDeadlines(client, [id], (_id, text) => say(`${id}: ${text}`))
  })
}

function askedDeadline(
  time: string | undefined,
  { within, clear }: DeadlineOptions & { clear?: boolean },
): number | null {
  if ([time, within, clear].filter((given) => given !== undefined).length !== 1)
    throw new UsageError('give a time, --within or --clear, one of the three')
  return clear
    ? null
    : deadlineFrom({ ...(time !== undefined && { deadline: time }), ...(within !== undefined && { within }) })
}
