/** `reelmesh videos`, `cancel`, `retry` and `priority`: through the local node or, where none runs, the ledger itself. */

import type { Command } from 'commander'
import { parseResponse } from 'hono/client'
import type { ControlClient } from '../node/http/control-client.ts'
import type { VideoPage } from '../protocol/api-lists.ts'
import { createEmitter } from '../protocol/emitter.ts'
import { ReelmeshError, unknownVideo } from '../protocol/errors.ts'
import type { VideoId } from '../protocol/ids.ts'
import type { Changed, Ledger } from '../protocol/ledger.ts'
import { silentLog } from '../protocol/log.ts'
import { addConfigOptions, configFrom, parseWhole } from './options.ts'
import { printable, say, sayJson } from './output.ts'
import { localNode, withLedger } from './reach.ts'
import { mustBeVideoId, oneVideo, sayVideo } from './video.ts'

interface Listed {
  id: string
  name: string
  status: string
  priority: number
  created_at: number
  failure: string | null
}

/** Adds the verb `videos` to the program. */
export function addVideos(program: Command): void {
  const command = program
    .command('videos')
    .argument('[video]', 'its id: only this one, with its renditions')
    .option('--json', 'as JSON')
  addConfigOptions(command, { data_dir: '<dir>', ledger: '<address>', ledger_file: '<file>' })
  command.action(async (id: string | undefined, options: { json?: boolean } & Record<string, unknown>) => {
    const config = await configFrom(options)
    const client = await localNode(config)
    if (id !== undefined) return sayVideo(await oneVideo(id, config, client), options.json === true)
    const pick = ({ id, name, status, priority, created_at, failure }: Listed): Listed => ({
      id,
      name,
      status,
      priority,
      created_at,
      failure,
    })
    const videos = client
      ? (await listedBy(client)).map(pick)
      : (await withLedger(config, (ledger) => ledger.videos())).map((video) => pick({ ...video, id: video._id }))
    if (options.json) return sayJson(videos)
    if (videos.length === 0) return say('no videos yet: `reelmesh run FILE` or `reelmesh submit FILE`')
    for (const { id, name, status, failure } of videos)
      say(`${id}  ${status.padEnd(9)}  ${printable(name)}${failure ? `  (${printable(failure)})` : ''}`)
  })
}

/** All videos, newest last. */
async function listedBy(client: ControlClient): Promise<VideoPage['videos']> {
  const pages: VideoPage['videos'][] = []
  for (let cursor: string | null | undefined; cursor !== null; ) {
    const query = { limit: '200', ...(cursor !== undefined && { cursor }) }
    const page = await parseResponse(client.v1.videos.$get({ query }))
    pages.push(page.videos)
    cursor = page.next
  }
  return pages.flat().toReversed()
}

interface Act {
  readonly name: string
  /** The message where nothing changed. */
  readonly unchanged: string
  readonly done: string
  node(client: ControlClient, id: VideoId, value: number): Promise<{ result: Changed }>
  ledger(ledger: Ledger, id: VideoId, value: number): Promise<Changed>
}

const verbs = (client: ControlClient) => client.v1.videos[':id']

const CANCEL: Act = {
  name: 'cancel',
  unchanged: 'is not open, so there is nothing to cancel',
  done: 'cancelled',
  node: (client, id) => parseResponse(verbs(client).cancel.$post({ param: { id } })),
  ledger: cancelInLedger,
}
const RETRY: Act = {
  name: 'retry',
  unchanged: 'has neither failed nor been cancelled, so there is nothing to retry',
  done: 'retried',
  node: (client, id) => parseResponse(verbs(client).retry.$post({ param: { id } })),
  ledger: (ledger, id) => ledger.retry(id),
}
const PRIORITY: Act = {
  name: 'priority',
  unchanged: 'is not open, or has that priority already',
  done: 'priority set',
  node: (client, id, priority) => parseResponse(verbs(client).priority.$post({ param: { id }, json: { priority } })),
  ledger: (ledger, id, value) => ledger.setPriority(id, value),
}

/** Adds the verb `cancel` to the program. */
export const addCancel = (program: Command): void => addAct(program, CANCEL)
/** Adds the verb `retry` to the program. */
export const addRetry = (program: Command): void => addAct(program, RETRY)
/** Adds the verb `priority` to the program. */
export function addPriority(program: Command): void {
  addAct(program, PRIORITY)
}

function addAct(program: Command, act: Act): void {
  const command = program.command(act.name).argument('<video>', 'its id, as `reelmesh videos` shows it')
  if (act === PRIORITY) command.argument('<number>', 'from -1000 to 1000; 0 is ordinary', parseWhole)
  addConfigOptions(command, { data_dir: '<dir>', ledger: '<address>', ledger_file: '<file>' })
  command.action(async (...args: unknown[]) => {
    const id = String(args[0])
    const value = act === PRIORITY ? Number(args[1]) : 0
    mustBeVideoId(id)
    const config = await configFrom(args[act === PRIORITY ? 2 : 1] as Record<string, unknown>)
    const client = await localNode(config)
    const changed = client
      ? (await act.node(client, id, value)).result
      : await withLedger(config, (ledger) => actOnLedger(ledger, act, id, value))
    if (changed === 'unchanged') throw new ReelmeshError('unchanged', `video ${id} ${act.unchanged}`)
    say(`${id}: ${act.done}`)
  })
}

/** Without a node nobody else says that it happened. The event names no peer: this process is none. */
async function cancelInLedger(ledger: Ledger, id: VideoId): Promise<Changed> {
  const changed = await ledger.cancel(id)
  const video = changed === 'changed' ? await ledger.video(id) : null
  if (video)
    await createEmitter({ ledger, log: silentLog })({ code: 'cancelled', peer: null, video: id, name: video.name })
  return changed
}

async function actOnLedger(ledger: Ledger, act: Act, id: VideoId, value: number): Promise<Changed> {
  if ((await ledger.video(id)) === null) throw unknownVideo(id)
  return act.ledger(ledger, id, value)
}
