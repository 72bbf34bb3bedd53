/** `reelmesh submit`: submits files through the local node; with `--wait` it ends when the results are delivered. */

import type { Command } from 'commander'
import { Option } from 'commander'
import { parseResponse } from 'hono/client'
import type { ControlClient } from '../node/http/control-client.ts'
import { controlSocketPath } from '../node/http/control-path.ts'
import { findLadder } from '../node/ladders/named-ladders.ts'
import type { SubmitBody } from '../protocol/api.ts'
import { ReelmeshError } from '../protocol/errors.ts'
import type { VideoId } from '../protocol/ids.ts'
import type { Ladder } from '../protocol/ladder.ts'
import type { Recipe } from '../protocol/recipe.ts'
import type { VideoRow } from '../protocol/status.ts'
import { workingFolder } from './arguments.ts'
import { askAhead } from './ask-ahead.ts'
import { sayDeadlines } from './deadline.ts'
import { addDeadlineOptions, type DeadlineOptions, deadlineFrom } from './deadline-option.ts'
import { follow, noteName } from './follow.ts'
import { keyFrom } from './hls-key.ts'
import {
  absolutePath,
  addConfigOptions,
  addRecipeOptions,
  configFrom,
  parseWhole,
  type RecipeOptions,
  recipeFrom,
} from './options.ts'
import { exitCodeOf, isOfEveryFile, printable, say, sayJson } from './output.ts'
import { mustReachNode, nodeLadders } from './reach.ts'
import { createReporter } from './report.ts'
import { addSubtitleOption, subtitlesFrom } from './subtitles.ts'
import { createWatchLook, watchAddress } from './watch-address.ts'
import { addWebhookOption } from './webhook-option.ts'

interface SubmitOptions extends RecipeOptions, DeadlineOptions {
  out?: string
  wait?: boolean
  json?: boolean
  priority: number
  subtitles?: string[]
  webhook?: string[]
}

const LOOK_MS = 500

/** Adds the verb `submit` to the program. */
export function addSubmit(program: Command): void {
  const command = program
    .command('submit')
    .argument('<file...>', 'videos to encode; they stay where they are and must stay until done')
    .option('--wait', 'wait for the results and deliver them to --out')
    .option('--out <dir>', 'where the local node puts results, as <dir>/<rendition>/<name>.mp4')
    .addOption(new Option('--priority <n>', 'higher goes first').argParser(parseWhole).default(0))
    .option('--json', 'one JSON object per line')
  addDeadlineOptions(command)
  addRecipeOptions(command)
  addWebhookOption(addSubtitleOption(command))
  addConfigOptions(command, { data_dir: '<dir>' })
  command.action(async (files: string[], options: SubmitOptions & Record<string, unknown>) => {
    const out =
      options.out === undefined
        ? options.wait
          ? absolutePath('videos/outputs', '--out')
          : null
        : absolutePath(options.out, '--out')
    const deadline = deadlineFrom(options)
    const config = await configFrom({ ...options, renditions: undefined })
    const client = await mustReachNode(config)
    if (out !== null) await (await import('../node/addresses.ts')).openDestination(out).prepare()
    const ladder = options.ladder === undefined ? null : await askedLadder(options.ladder, client)
    const socket = controlSocketPath(config.data_dir)
    process.exitCode = await submit({ files, out, deadline, ladder, client, socket, options })
  })
}

/** The ladder of the option: by name it is one of the node's. */
const askedLadder = async (text: string, client: ControlClient): Promise<Ladder> =>
  findLadder(text, await nodeLadders(client), workingFolder())

async function submit(of: {
  files: readonly string[]
  out: string | null
  deadline: number | null
  ladder: Ladder | null
  client: ControlClient
  /** Of the node. */
  socket: string
  options: SubmitOptions
}): Promise<number> {
  const { files, out, deadline, ladder, client, options } = of
  const subtitles = subtitlesFrom(files, options.subtitles)
  const hls_key = keyFrom(options)
  const reporter = options.wait ? await createReporter({ json: options.json === true, files: files.length }) : null
  const recipe = recipeFrom(options, ladder)
  /** By id: their names, and those of the files. */
  const [wanted, names] = [new Map<VideoId, string>(), new Map<VideoId, string[]>()]
  let code = 0
  const ask = async (file: string) => {
    const body: SubmitBody = {
      path: absolutePath(file, 'a file name'),
      recipe: { ...recipe, renditions: [...recipe.renditions] },
      out,
      subtitles,
      ...(hls_key && { hls_key }),
      priority: options.priority,
      deadline,
      ...(options.webhook && { webhooks: options.webhook }),
    }
    return await parseResponse(client.v1.videos.$post({ json: body }))
  }
  for await (const each of askAhead(files, ask)) {
    const { file } = each
    if ('answer' in each) {
      const { id, name, outcome } = each.answer
      wanted.set(id, name)
      if (reporter) {
        await noteName(names, id, file)
        reporter.submitted(file, each.answer)
      } else if (options.json) sayJson({ event: 'submitted', file, video: id, name, outcome })
      else say(`${id}  ${printable(file)}${outcome === 'created' ? '' : `  (${outcome})`}`)
    } else {
      code = Math.max(code, exitCodeOf(each.error))
      if (reporter) reporter.refused(file, each.error)
      else process.stderr.write(`reelmesh: ${printable((each.error as Error).message)}\n`)
      if (isOfEveryFile(each.error)) break
    }
  }
  if (!reporter) {
    await sayAddresses(client, { wanted, recipe, json: options.json === true })
    if (deadline !== null)
      await sayDeadlines(client, wanted.keys(), (id, text, { forecast }) =>
        sayForecast(id, text, { forecast, options }),
      )
    return code
  }
  let how: 'fine' | 'failed' = 'failed'
  try {
    const snapshot = () => parseResponse(client.v1.status.$get())
    const row = (id: VideoId) => rowOf(client, id)
    const check = createWatchLook(wanted, { recipe, reporter, socket: of.socket })
    code = Math.max(code, await follow({ wanted, out, names, reporter, lookMs: LOOK_MS, snapshot, row, check }))
    if (code === 0) how = 'fine'
  } finally {
    reporter.settle()
    reporter.done(how)
  }
  return code
}

/** Says where each video can be watched: the page waits for its beginning. */
async function sayAddresses(
  client: ControlClient,
  { wanted, recipe, json }: { wanted: ReadonlyMap<VideoId, string>; recipe: Recipe; json: boolean },
): Promise<void> {
  if (!recipe.package || wanted.size === 0) return
  const status = await parseResponse(client.v1.status.$get())
  for (const [id, name] of wanted) {
    const url = watchAddress(status, recipe, id)
    if (url === null) return
    if (json) sayJson({ event: 'watchable', video: id, name, url })
    else say(`${id}  watch it at ${url}`)
  }
}

function sayForecast(
  id: VideoId,
  text: string,
  { forecast, options }: { forecast: VideoRow['forecast']; options: SubmitOptions },
): void {
  if (options.json) sayJson({ event: 'forecast', video: id, forecast })
  else say(`${id}  ${printable(text)}`)
}

const rowOf = (client: ControlClient, id: VideoId): Promise<VideoRow | null> =>
  parseResponse(client.v1.videos[':id'].$get({ param: { id } })).catch((error: unknown) => {
    if (error instanceof ReelmeshError && error.code === 'unknown_video') return null
    throw error
  })
