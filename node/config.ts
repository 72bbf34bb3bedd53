/**
 * The configuration: one schema for flags, `REELMESH_*` variables and `reelmesh.yaml`, in that order of precedence.
 * Every field has its description here; `--help` and the JSON Schema are made from it.
 */
import { readFile } from 'node:fs/promises'
import { availableParallelism, homedir, hostname } from 'node:os'
import { isAbsolute, join, resolve } from 'node:path'
import { z } from 'zod'
import { PACKAGINGS } from '../protocol/artifact.ts'
import { UsageError } from '../protocol/errors.ts'
import { ROLES } from '../protocol/heartbeat.ts'
import type { Ladder } from '../protocol/ladder.ts'
import {
  AUDIT_SHARE,
  DRAIN_TIMEOUT_MS,
  FFMPEG_MEMORY_BYTES,
  FFMPEG_STALL_MS,
  SCALE,
  WORKER_LIMITS,
} from '../protocol/limits.ts'
import { DEFAULT_ENCODING, DEFAULT_NAMES, DEFAULT_RECIPE, PRESETS } from '../protocol/recipe.ts'
import { heightOf, isRenditionId } from '../protocol/rendition.ts'
import { SHARED_FOLDERS_MAX } from '../protocol/shared-folder.ts'
import { bulkPorts } from './bulk-ports.ts'
import { type ConfigInput, given, readConfigFile } from './config-file.ts'
import { cacheDir } from './host/cache-dir.ts'
import { whyUntrusted } from './host/private-folder.ts'
import { httpSettings } from './http/http-settings.ts'
import { inputDeadlineSettings } from './input-deadline.ts'
import { inputPackageSettings } from './input-package.ts'
import { ladderSettings, withLadders } from './ladders/ladder-settings.ts'
import type { NamedLadders } from './ladders/named-ladders.ts'
import { webhookSettings } from './webhooks/webhook-settings.ts'

export type { ConfigInput } from './config-file.ts'

const list = <T extends z.ZodType>(item: T) =>
  z.preprocess(
    (value) =>
      typeof value === 'string'
        ? value
            .split(',')
            .map((each) => each.trim())
            .filter(Boolean)
        : value,
    z.array(item),
  )
const flag = z.preprocess(
  (value) => (value === 'true' || value === '1' ? true : value === 'false' || value === '0' ? false : value),
  z.boolean(),
)
/** A number, or its digits from a flag or a variable. Other values that JavaScript converts (`[1]`, `true`, '') are refused. */
const numeric = <T extends z.ZodType>(number: T) =>
  z.preprocess((value) => (typeof value === 'string' && value.trim() !== '' ? Number(value) : value), number)
/** A share, 0–1: `2%`, or `off`. */
const percent = z.preprocess((value) => {
  if (value === 'off' || value === false || value === 0 || value === '0') return 0
  const [, digits] = typeof value === 'string' ? (/^(\d{1,3}(?:\.\d{1,4})?) ?%$/.exec(value.trim()) ?? []) : []
  return digits === undefined ? value : Number(digits) / 100
}, z.number('give a share such as 2%, or off').min(0).max(1))
const count = (least: number, most: number) => numeric(z.number().int().min(least).max(most))

/** The name in `NAME=/path`. */
const nameOf = (text: string): string => text.slice(0, text.indexOf('='))

/** Every setting of a node, with its default and the text of `--help`. */
export const configSchema = z.object({
  data_dir: z.string().min(1).describe('folder for state, blobs and keys'),
  ledger: z
    .string()
    .trim()
    .optional()
    .describe('mongodb://… address, or sqlite:PATH (one machine); default: SQLite in the data folder'),
  ledger_file: z
    .string()
    .min(1)
    .optional()
    .describe('file with the address of the ledger: a password in it then stands on no command line'),
  listen: list(z.string()).default(['/ip4/127.0.0.1/tcp/0']).describe('multiaddrs to listen on'),
  announce: list(z.string()).default([]).describe('multiaddrs to announce instead of those listened on'),
  bulk_port: z
    .preprocess((value) => (typeof value === 'number' ? String(value) : value), z.string())
    .refine((setting) => bulkPorts(setting) !== 'invalid', 'give auto, off, a port, or a range such as 4002-4009')
    .default('auto')
    .describe('TCP port for the bytes of blobs, beside that of the mesh: auto (a free one), a port, a range, or off'),
  ...httpSettings,
  http_behind_proxy: flag
    .default(false)
    .describe('a proxy in front of http does TLS: X-Forwarded-For, -Host and -Proto are believed'),
  join: list(z.string()).default([]).describe('multiaddrs of known peers; one is enough'),
  mdns: flag.default(false).describe('find peers on the local network'),
  swarm_key: z.string().optional().describe('file with the mesh key (reelmesh keygen); needed beyond loopback'),
  open_mesh: flag.default(false).describe('listen beyond loopback without a mesh key'),
  name: z.string().max(64).default(hostname()).describe('display name of this peer'),
  roles: list(z.enum(ROLES))
    .default(['worker', 'coordinator'])
    .describe('worker, coordinator or both; launcher alone for a peer that only starts workers'),
  renditions: list(z.string().refine((id) => id === 'all' || isRenditionId(id), 'is not a rendition id, such as 1080p'))
    .default(['all'])
    .describe('ids of the renditions that this peer encodes, or all'),
  slots: count(0, 1024).optional().describe('encodes at once; default: by cores, memory and ffmpeg'),
  ffmpeg: z.string().default('ffmpeg').describe('the ffmpeg to use, 5.1 or later'),
  ffprobe: z.string().default('ffprobe').describe('the ffprobe to use'),
  ffmpeg_stall_ms: count(1_000, 86_400_000)
    .default(FFMPEG_STALL_MS)
    .describe('stop an ffmpeg that makes no progress for this long, ms'),
  ffmpeg_memory_mb: count(256, 1_048_576)
    .default(FFMPEG_MEMORY_BYTES / 2 ** 20)
    .describe('address space of one ffmpeg, MB'),
  sandbox: z
    .enum(['auto', 'off'])
    .default('auto')
    .describe('keep ffmpeg from the network and from files that are not its own, as far as this system can'),
  machine: z
    .string()
    .min(1)
    .optional()
    .describe(
      'name of this machine, where several virtual ones share a kernel and count as several; default: the boot id of its kernel',
    ),
  shared: list(z.string().regex(/^[A-Za-z0-9][\w.-]{0,31}=./, 'give NAME=/path'))
    .refine((all) => all.length <= SHARED_FOLDERS_MAX, `names more than ${SHARED_FOLDERS_MAX} folders`)
    .refine((all) => new Set(all.map(nameOf)).size === all.length, 'has one name twice')
    .default([])
    .describe(
      'folders that several peers see, NAME=/path: sources there are read by all of them, results delivered by any',
    ),
  input: z.string().min(1).optional().describe('watch this folder: every video put there is encoded'),
  output: z.string().min(1).optional().describe('where results of the watched folder go; default: outputs beside it'),
  input_renditions: list(z.string().refine((name) => heightOf(name) !== null, 'is not a number of lines, such as 720p'))
    .default([...DEFAULT_NAMES])
    .describe('renditions made of what is put into the watched folder, by their lines: 480p, 720p …'),
  input_preset: z.enum(PRESETS).default(DEFAULT_ENCODING.preset).describe('encoder preset for the watched folder'),
  input_crf: numeric(z.number().min(0).max(51))
    .default(DEFAULT_ENCODING.rate.crf)
    .describe('quality for the watched folder, 0 (best) to 51'),
  ...ladderSettings,
  input_strict: flag
    .default(false)
    .describe('move a file that was cut off to rejected, instead of encoding as far as it goes'),
  input_container: z
    .enum(PACKAGINGS)
    .default(DEFAULT_RECIPE.packaging)
    .describe('container of results of the watched folder, mp4 or mkv'),
  ...inputPackageSettings,
  ...inputDeadlineSettings,
  ...webhookSettings,
  audit: percent
    .default(AUDIT_SHARE)
    .describe('share of encoded chunks that another peer encodes once more for comparison, such as 2%, or off'),
  drain_timeout_ms: count(0, 86_400_000)
    .default(DRAIN_TIMEOUT_MS)
    .describe('wait for running encodes on a graceful stop, ms'),
  launcher: z
    .enum(['none', 'docker', 'process'])
    .default('none')
    .describe('start and stop workers here as the mesh needs them: as containers, as processes, or not at all'),
  docker: z.string().min(1).default('/var/run/docker.sock').describe('socket of the Docker engine, or tcp://host:port'),
  scale_min: count(0, 1024).default(SCALE.min).describe('started workers of the mesh, at least'),
  scale_max: count(0, 1024).default(SCALE.max).describe('started workers of the mesh, at most'),
  scale_target_s: count(1, 604_800).default(SCALE.targetS).describe('waiting work should be done within this, s'),
  scale_cooldown_s: count(1, 86_400)
    .default(SCALE.cooldownS)
    .describe('workers are stopped after the need was lower for this long, s'),
  scale_image: z.string().min(1).default('reelmesh').describe('image of started containers'),
  scale_network: list(z.string().min(1)).default([]).describe('Docker networks of started containers'),
  scale_volumes: list(z.string().min(1))
    .default([])
    .describe('volumes of started containers, such as keys:/keys:ro; the mesh key must be among them'),
  scale_labels: list(z.string().regex(/^[^=]+=/, 'give name=value'))
    .default([])
    .describe('more labels of started containers, name=value: compose then shows and removes them with its own'),
  scale_cpus: numeric(z.number().min(0.01).max(1024)).default(WORKER_LIMITS.cpus).describe('cores a container may use'),
  scale_memory_mb: count(128, 1_048_576).default(WORKER_LIMITS.memoryMb).describe('memory a container may use, MiB'),
  otlp_endpoint: z
    .url({ protocol: /^https?$/, error: 'give the address of a collector, such as http://127.0.0.1:4318' })
    .optional()
    .describe('send traces of videos to this OpenTelemetry collector (OTLP over HTTP), such as http://127.0.0.1:4318'),
  log_level: z
    .enum(['silent', 'error', 'warn', 'info', 'debug'])
    .default('info')
    .describe('least severe level logged to standard error'),
  store_dir: z.string().optional().describe('blob folder shared with the processes of one run'),
  self_test_dir: z.string().optional().describe('folder of cached self-test reports of ffmpeg'),
  trials_on_request: flag.default(false).describe('run all trials of ffmpeg only after a line on standard input'),
  parent_channel: flag.default(false).describe('end when standard input closes'),
})

/** Settings that passed the schema, with the ladders that they name. */
export interface Config extends Omit<z.infer<typeof configSchema>, 'ladders' | 'input_ladder'> {
  readonly ladders: NamedLadders
  readonly input_ladder?: Ladder | undefined
}

/** The configuration by precedence: flags, variables, file, defaults. Rejects with `UsageError`, which names field, origin and allowed values. */
export async function loadConfig(sources: {
  flags: ConfigInput
  env: NodeJS.ProcessEnv
  cwd: string
}): Promise<Config> {
  const { flags, env, cwd } = sources
  const fromEnv = Object.fromEntries(
    Object.keys(configSchema.shape).flatMap((key) => {
      const value = env[`REELMESH_${key.toUpperCase()}`]
      return value === undefined || value === '' ? [] : [[key, value]]
    }),
  )
  const dataDir = String(flags.data_dir ?? fromEnv.data_dir ?? defaultDataDir(env))
  const here = join(cwd, 'reelmesh.yaml')
  const file = await readConfigFile([env.REELMESH_CONFIG, here, join(dataDir, 'reelmesh.yaml')])
  // It names programs, and nobody has named it.
  const why = file.path === here && env.REELMESH_CONFIG !== here ? await whyUntrusted(here) : null
  if (why !== null)
    throw new UsageError(`${here} is not obeyed, as ${why}: change that, or name the file in REELMESH_CONFIG`)
  const known = given(flags)
  const merged = { data_dir: dataDir, ...file.values, ...fromEnv, ...known }
  const parsed = configSchema.strict().safeParse(merged)
  if (parsed.success) return await withLedgerFile(located(await withLadders(parsed.data, { merged, file, cwd }), cwd))
  const issue = parsed.error.issues[0]!
  const key = issue.code === 'unrecognized_keys' ? issue.keys[0]! : String(issue.path[0])
  const origin =
    key in known
      ? `--${key.replaceAll('_', '-')}`
      : key in fromEnv
        ? `REELMESH_${key.toUpperCase()}`
        : `${key} in ${file.path}`
  throw new UsageError(
    `${origin}: ${issue.message.replace(/\s+/g, ' ')}${issue.path.length > 1 ? ` (value ${Number(issue.path[1]) + 1})` : ''}`,
  )
}

/** The default data folder, `$XDG_DATA_HOME/reelmesh`; a relative path there is ignored, by the XDG Base Directory Specification. */
export const defaultDataDir = (env: NodeJS.ProcessEnv): string =>
  join(
    env.XDG_DATA_HOME && isAbsolute(env.XDG_DATA_HOME) ? env.XDG_DATA_HOME : join(homedir(), '.local', 'share'),
    'reelmesh',
  )

/** Folder that caches self-test reports by build, for all data folders of this user: a self-test takes seconds, and builds change rarely. */
export const selfTestDir = (config: Config): string => config.self_test_dir ?? join(cacheDir(), 'self-tests')

/** The ledger's address: given, or SQLite in the data folder. */
export const ledgerAddress = (config: Config): string => config.ledger ?? `sqlite:${join(config.data_dir, 'ledger.db')}`

/** Default number of encodes at once: one per core, fewer where an ffmpeg uses more than a core or memory is short. */
export function defaultSlots(machine: {
  cores?: number
  freeBytes: number
  coresPerSlot: number
  encodeBytes: number
}): number {
  const byCores = Math.ceil((machine.cores ?? availableParallelism()) / machine.coresPerSlot)
  const byMemory = Math.floor(machine.freeBytes / Math.max(1, machine.encodeBytes))
  return Math.max(1, Math.min(byCores, byMemory))
}

const WHOLE = /^()(.+)$/
/** The path in the setting of a program; a bare name is none, as the PATH finds it. */
const PROGRAM = /^()(.*\/.*)$/
/** Settings with a path: the part before it, and the path. */
const PATHS = {
  data_dir: WHOLE,
  ledger: /^(sqlite:)(?!:memory:$)(.+)$/,
  ledger_file: WHOLE,
  swarm_key: WHOLE,
  http_token: WHOLE,
  http_tls_cert: WHOLE,
  http_tls_key: WHOLE,
  ffmpeg: PROGRAM,
  ffprobe: PROGRAM,
  input: WHOLE,
  output: WHOLE,
  store_dir: WHOLE,
  self_test_dir: WHOLE,
} as const satisfies Partial<Record<keyof Config, RegExp>>

/** Makes every path absolute: workers that this node starts get these settings and run in other folders. */
function located(config: Config, cwd: string): Config {
  const names = Object.keys(PATHS) as (keyof typeof PATHS)[]
  const found = names.flatMap((name) => {
    const [, before = '', path] = PATHS[name].exec(config[name] ?? '') ?? []
    return path === undefined ? [] : [[name, before + (isAbsolute(path) ? path : resolve(cwd, path))]]
  })
  const shared = config.shared.map((text) => `${nameOf(text)}=${resolve(cwd, text.slice(nameOf(text).length + 1))}`)
  const webhook_secret = config.webhook_secret.map((path) => resolve(cwd, path))
  return { ...config, ...Object.fromEntries(found), shared, webhook_secret }
}

/** The configuration with the address that `ledger_file` holds; `ledger` itself goes before it. */
async function withLedgerFile(config: Config): Promise<Config> {
  const { ledger_file: path, ...others } = config
  if (config.ledger !== undefined || path === undefined) return others
  const text = await readFile(path, 'utf8').catch((cause: NodeJS.ErrnoException) => {
    throw new UsageError(`the ledger file ${path} cannot be read: ${cause.code}`, { cause })
  })
  if (text.trim() === '' || /\s/.test(text.trim()))
    throw new UsageError(`the ledger file ${path} must hold one address, such as mongodb://…`)
  return { ...config, ledger: text.trim() }
}
