/**
 * `reelmesh run`: a mesh on one machine. This process does everything, or, with `--workers`, coordinates and delivers the results while worker processes
 * encode: all connect over loopback and share one ledger and one blob folder. A repeated run continues where the last one ended.
 */

import { type Command, Option } from 'commander'
import type { Config } from '../node/config.ts'
import { systemClock } from '../node/host/system-clock.ts'
import { controlSocketPath } from '../node/http/control-path.ts'
import { findLadder } from '../node/ladders/named-ladders.ts'
import type { WorkerEvent } from '../node/local-run/run-mesh.ts'
import { ReelmeshError } from '../protocol/errors.ts'
import type { VideoId } from '../protocol/ids.ts'
import type { Media } from '../protocol/media.ts'
import type { Recipe } from '../protocol/recipe.ts'
import type { StatusSnapshot, VideoRow } from '../protocol/status.ts'
import { workingFolder } from './arguments.ts'
import { askAhead } from './ask-ahead.ts'
import { addDeadlineOptions, type DeadlineOptions, deadlineFrom } from './deadline-option.ts'
import { follow, noteName } from './follow.ts'
import { keyFrom } from './hls-key.ts'
import { HTTP_FLAGS } from './http-flags.ts'
import {
  absolutePath,
  addConfigOptions,
  addRecipeOptions,
  configFrom,
  parseCount,
  type RecipeOptions,
  recipeFrom,
} from './options.ts'
import { exitCodeOf, isOfEveryFile } from './output.ts'
import { createReporter, type Reporter } from './report.ts'
import { onInterrupt } from './signals.ts'
import { addSubtitleOption, subtitlesFrom } from './subtitles.ts'
import { sayUnsent } from './unsent-webhooks.ts'
import { createWatchLook } from './watch-address.ts'
import { addWebhookOption, checkWebhooks, WEBHOOK_FLAGS } from './webhook-option.ts'

interface RunOptions extends RecipeOptions, DeadlineOptions {
  out: string
  workers?: number
  json?: boolean
  subtitles?: string[]
  webhook?: string[]
}

/** Interval of snapshots for the progress bars. */
const LOOK_MS = 250
/** Number of snapshots with a failing delivery after which it is reported and not waited for; the results stay in the store. */
const DELIVERY_LOOKS = 16
/** Number of snapshots with a full disk, and nothing running that could free space, after which the run ends. */
const DISK_LOOKS = 12

/** Settings of an isolated mesh, which override those of a node here: it joins, watches and starts nothing else. */
const ALONE = {
  name: 'this process',
  renditions: ['all'],
  drain_timeout_ms: 0,
  listen: ['/ip4/127.0.0.1/tcp/0'],
  announce: [],
  // Its processes share one blob store.
  bulk_port: 'off',
  join: [],
  mdns: false,
  swarm_key: undefined,
  ledger: undefined,
  input: undefined,
  launcher: 'none',
  webhooks: [],
  // All on one machine: there is nothing to compare.
  audit: 0,
} satisfies Partial<Config>

/** Adds the verb `run` to the program. */
export function addRun(program: Command): void {
  const command = program
    .command('run')
    .argument('<file...>', 'videos to encode')
    .option('--out <dir>', 'where results go, as <dir>/<rendition>/<name>.mp4', 'videos/outputs')
    .addOption(
      new Option('--workers <n>', 'worker processes that encode; default: none, this one encodes').argParser(
        parseCount,
      ),
    )
    .option('--json', 'one JSON object per line instead of progress bars')
  addDeadlineOptions(command)
  addRecipeOptions(command)
  addWebhookOption(addSubtitleOption(command))
  addConfigOptions(command, {
    data_dir: '<dir>',
    ffmpeg: '<path>',
    ffprobe: '<path>',
    sandbox: '<auto|off>',
    ...HTTP_FLAGS,
    ...WEBHOOK_FLAGS,
    log_level: '<level>',
  })
  command.action(async (files: string[], options: RunOptions & Record<string, unknown>) => {
    const deadline = deadlineFrom(options)
    const out = absolutePath(options.out, '--out')
    const settings = await configFrom({ ...options, renditions: undefined })
    // The address of the configuration is that of the node here.
    const http = options.http === undefined ? undefined : settings.http
    const config = { ...settings, ...ALONE, http }
    await checkWebhooks(options.webhook, config)
    const ladder =
      options.ladder === undefined ? null : await findLadder(options.ladder, config.ladders, workingFolder())
    process.exitCode = await run({ files, out, deadline, config, recipe: recipeFrom(options, ladder), options })
  })
}

interface Run {
  readonly files: readonly string[]
  readonly out: string
  readonly deadline: number | null
  readonly config: Config
  readonly recipe: Recipe
  readonly options: RunOptions
}

async function run({ files, out, deadline, config, recipe, options }: Run): Promise<number> {
  const subtitles = subtitlesFrom(files, options.subtitles)
  const hls_key = keyFrom(options)
  const { openDestination } = await import('../node/addresses.ts')
  await openDestination(out).prepare()
  const stopping = new AbortController()
  const reporter = await createReporter({ json: options.json === true, files: files.length })
  const unsubscribe = onInterrupt(() => {
    reporter.stopping()
    stopping.abort(new ReelmeshError('interrupted', 'interrupted'))
  })
  const media = await openMedia(config, { files, reporter, signal: stopping.signal })
  const { createRunMesh } = await import('../node/local-run/run-mesh.ts')
  const onWorker = (event: WorkerEvent) => reporter.worker(event)
  const mesh = await createRunMesh({ config, workers: options.workers, films: files.length, media, onWorker })
  let code = 0
  let how: 'fine' | 'failed' | 'interrupted' = 'failed'
  try {
    const wanted = new Set<VideoId>()
    const names = new Map<VideoId, string[]>()
    const { signal } = stopping
    const ask = async (file: string) => {
      signal.throwIfAborted()
      const path = absolutePath(file, 'a file name')
      const { webhook: webhooks } = options
      const asked = { path, recipe, subtitles, hls_key, out, priority: 0, deadline, signal }
      return await mesh.face.submit({ ...asked, ...(webhooks && { webhooks }) })
    }
    for await (const each of askAhead(files, ask)) {
      const { file } = each
      if ('answer' in each) {
        const { id } = each.answer
        wanted.add(id)
        await noteName(names, id, file)
        reporter.submitted(file, each.answer)
      } else {
        if (signal.aborted) break
        reporter.refused(file, each.error)
        code = Math.max(code, exitCodeOf(each.error))
        if (isOfEveryFile(each.error)) break
      }
    }
    const { snapshot, video: row } = mesh.face
    const wait = (ms: number) => mesh.waitForVideos(ms, signal)
    const [checkDisk, givesUp] = [diskCheck(mesh.dataDir), deliveryCheck(mesh)]
    const lookToWatch = createWatchLook(wanted, { recipe, reporter, socket: controlSocketPath(mesh.dataDir) })
    const check = async (now: StatusSnapshot) => {
      checkDisk(now)
      await lookToWatch(now)
    }
    code = Math.max(
      code,
      await follow({ wanted, out, names, reporter, lookMs: LOOK_MS, signal, wait, snapshot, row, check, givesUp }),
    )
    how = signal.aborted ? 'interrupted' : code === 0 ? 'fine' : 'failed'
    if (!signal.aborted) await whileWatched(mesh, reporter, signal)
  } finally {
    reporter.settle()
    if (options.webhook) await sayUnsent(mesh.face.ledger, stopping.signal)
    await mesh.stop()
    unsubscribe()
    reporter.done(how)
  }
  return how === 'interrupted' ? 130 : code
}

/** The ffmpeg of this run, which probes the first film while the rest is loaded and started: loading would hold up every step until its program runs. */
async function openMedia(
  config: Config,
  { files, reporter, signal }: Pick<Run, 'files'> & { readonly reporter: Reporter; readonly signal: AbortSignal },
): Promise<Media> {
  const { composeMedia } = await import('../node/compose-media.ts')
  const { promise: started, resolve: onStart } = Promise.withResolvers<void>()
  const onTrials = () => reporter.starting('trial runs of this ffmpeg, once for each build')
  const media = await composeMedia(config, { onTrials, onStart })
  const [first] = files
  if (first) await Promise.race([started, media.probe(absolutePath(first, 'a file name'), signal).catch(() => {})])
  return media
}

/** Interval of looks whether somebody still watches. */
const WATCHED_LOOK_MS = 1_000

/** Resolves when no player has asked for anything for a while: the films would stop in its midst. */
async function whileWatched(mesh: RunMesh, reporter: Pick<Reporter, 'watched'>, signal: AbortSignal): Promise<void> {
  if (mesh.isWatched()) reporter.watched()
  while (mesh.isWatched() && !signal.aborted) await systemClock.sleep(WATCHED_LOOK_MS, signal).catch(() => {})
}

const isStuckOnDisk = ({ peers }: StatusSnapshot): boolean =>
  peers.some((peer) => peer.self && peer.state === 'disk_full') && peers.every((peer) => peer.running.length === 0)

type RunMesh = Awaited<ReturnType<typeof import('../node/local-run/run-mesh.ts').createRunMesh>>

/** The check that ends the run where the disk stays full. */
function diskCheck(dataDir: string): (snapshot: StatusSnapshot) => void {
  let looks = 0
  return (snapshot) => {
    looks = isStuckOnDisk(snapshot) ? looks + 1 : 0
    if (looks < DISK_LOOKS) return
    throw new ReelmeshError(
      'disk_full',
      `the disk under ${dataDir} is full, so nothing can be encoded; make room and run the same command again`,
    )
  }
}

/** The check that ends the wait for a delivery that fails repeatedly. */
function deliveryCheck(mesh: RunMesh): (row: VideoRow) => string | undefined {
  const looks = new Map<VideoId, number>()
  return ({ id }) => {
    const problem = mesh.problem(id)
    looks.set(id, problem ? (looks.get(id) ?? 0) + 1 : 0)
    if (!problem || (looks.get(id) ?? 0) < DELIVERY_LOOKS) return undefined
    return `${problem}; the results are kept, run the same command again to deliver them`
  }
}
