/**
 * Which file may import and use what, as data, and the pure check of it. It reads the text: imports by
 * their form, also `import type` (a contract that names an adapter's type is an arrow too), and the forbidden names in
 * the code without comments and types. It leaves out what hides on purpose (`const { now } = Date`).
 */
import { dirname, join } from 'node:path/posix'
import { transform } from 'esbuild'
import type { Layer } from './sources.ts'

/** What each layer may import of ours. */
const ARROWS: Readonly<Record<Layer, readonly Layer[]>> = {
  protocol: ['protocol'],
  files: ['files', 'protocol'],
  media: ['media', 'files', 'protocol'],
  ledger: ['ledger', 'protocol'],
  mesh: ['mesh', 'files', 'protocol'],
  blobs: ['blobs', 'files', 'protocol'],
  fleet: ['fleet', 'protocol'],
  coordinator: ['coordinator', 'fleet', 'protocol'],
  node: ['node', 'coordinator', 'fleet', 'blobs', 'mesh', 'ledger', 'media', 'files', 'protocol'],
  cli: ['cli', 'node', 'mesh', 'protocol'],
  client: ['client', 'protocol'],
}

/** What each folder of tests and tools may not import: what they share is in `testing/`, so that none needs another. */
const TOOL_FOLDERS = ['testing', 'test', 'scripts', 'bench']

/** One sentence for each import of a test, script or benchmark that leads into another of their folders than `testing/`. */
export function toolViolations(files: ReadonlyMap<string, string>): string[] {
  return [...files].flatMap(([path, source]) => {
    const folder = path.slice(0, path.indexOf('/'))
    const targets = importsOf(source).filter((name) => name.startsWith('.'))
    return targets.flatMap((name) => {
      const target = join(dirname(path), name)
      const other = TOOL_FOLDERS.find((each) => each !== folder && each !== 'testing' && target.startsWith(`${each}/`))
      return other === undefined
        ? []
        : [`${path} imports ${target}: what ${folder}/ and ${other}/ share belongs into testing/`]
    })
  })
}

/** The files of each circle of imports, in its order. A type that is imported is an arrow too. */
export function importCircles(files: ReadonlyMap<string, string>): string[][] {
  const circles: string[][] = []
  const isDone = new Set<string>()
  const visit = (path: string, way: readonly string[]): void => {
    const at = way.indexOf(path)
    if (at >= 0) circles.push(way.slice(at))
    if (at >= 0 || isDone.has(path)) return
    for (const name of importsOf(files.get(path) ?? '').filter((each) => each.startsWith('.')))
      visit(join(dirname(path), name), [...way, path])
    isDone.add(path)
  }
  for (const path of files.keys()) visit(path, [])
  return circles
}

/** Packages that protocol may import: none that does I/O. A hash is arithmetic. */
const PROTOCOL_PACKAGES = ['zod', 'node:crypto', 'node:assert', 'node:assert/strict']

/** Adapters, and who may name them. An adapter's own folder always may. */
const ADAPTERS: readonly { readonly path: string; readonly by: readonly string[] }[] = [
  { path: 'media/ffmpeg-media.ts', by: ['node/compose-media.ts'] },
  { path: 'media/run-ffmpeg.ts', by: ['media/'] },
  { path: 'ledger/mongo/', by: ['node/compose.ts'] },
  { path: 'ledger/sqlite/', by: ['node/compose.ts'] },
  { path: 'mesh/libp2p-mesh.ts', by: ['node/compose-mesh.ts'] },
  // node/fleet.ts translates the configuration into the settings of a launcher, which compose makes.
  { path: 'fleet/launcher/', by: ['node/compose.ts', 'node/fleet.ts'] },
  // `run` puts a node and its worker processes together; it takes the node's parts from compose.
  { path: 'node/host/pino-log.ts', by: ['node/compose.ts', 'node/local-run/run-mesh.ts'] },
  {
    path: 'node/host/system-clock.ts',
    by: ['node/compose.ts', 'node/compose-media.ts', 'node/local-run/run-mesh.ts', 'cli/'],
  },
  { path: 'node/compose.ts', by: ['cli/', 'node/local-run/run-mesh.ts'] },
  // The command line looks at a destination before it asks a node, without all that compose loads.
  { path: 'files/file-source.ts', by: ['node/addresses.ts'] },
  { path: 'files/file-destination.ts', by: ['node/addresses.ts'] },
  { path: 'node/addresses.ts', by: ['node/compose.ts', 'cli/'] },
]

/** Packages that only these files and folders may import. */
const PACKAGES: readonly { readonly what: RegExp; readonly by: readonly string[] }[] = [
  { what: /^(?:mongodb|bson)(?:\/|$)/, by: ['ledger/mongo/'] },
  { what: /^(?:libp2p|@libp2p|@chainsafe)(?:\/|$)/, by: ['mesh/'] },
  // The data folder's lock is SQLite's too: the kernel drops it with the process that held it.
  { what: /^node:sqlite$/, by: ['ledger/sqlite/', 'node/host/data-lock.ts'] },
  {
    what: /^(?:execa|(?:node:)?child_process|(?:node:)?cluster)$/,
    by: ['media/run-ffmpeg.ts', 'media/sandbox.ts', 'fleet/supervise-processes.ts'],
  },
  { what: /^(?:node:)?(?:timers|perf_hooks)(?:\/|$)/, by: ['node/host/system-clock.ts'] },
]

/** Where files are reached through contracts only (`Source`, `Destination`, `BlobStore`), and the files there that watch a folder themselves. */
const THROUGH_CONTRACTS = {
  folder: 'node/videos/',
  what: /^(?:node:)?fs(?:\/|$)/,
  but: /^node\/videos\/(?:input-folder|watched-folders|mp4-end)/,
}

/** Names that only these files may use. Time and chance are injected, or a simulation could not replay them. */
const NAMES: readonly { readonly what: RegExp; readonly by: readonly string[] }[] = [
  { what: /\bDate\.now\b|\bnew Date\(\)|(?<!new |[\w$.])Date\(\)|\bperformance\b/g, by: ['node/host/system-clock.ts'] },
  // Nor the client: it runs in programs of others.
  { what: /\bset(?:Timeout|Interval)\b/g, by: ['node/host/system-clock.ts', 'client/'] },
  // No simulation runs the command line; how long a person waits there is real time.
  { what: /\bAbortSignal\.timeout\b/g, by: ['node/host/system-clock.ts', 'cli/'] },
  { what: /\bprocess\.(?:hrtime|uptime)\b/g, by: ['node/host/system-clock.ts'] },
  { what: /\bMath\.random\b|\brandom(?:UUID|Bytes|Int)\b|\bgetRandomValues\b/g, by: ['node/host/system-clock.ts'] },
  // Every event is one of the catalogue, logged and counted.
  { what: /\baddEvent\b/g, by: ['protocol/emitter.ts', 'ledger/', 'node/metrics/watched-calls.ts'] },
]

/** One sentence for each arrow that points the wrong way. `files`: path from the root → TypeScript. */
export async function arrowViolations(files: ReadonlyMap<string, string>): Promise<string[]> {
  const found = await Promise.all([...files].map(([path, source]) => violationsOf(path, source)))
  return found.flat()
}

async function violationsOf(path: string, source: string): Promise<string[]> {
  const imports = importsOf(source).flatMap((name) => (name.startsWith('.') ? ours(path, name) : packages(path, name)))
  return [...imports, ...(await names(path, source))]
}

const layerOf = (path: string): Layer => path.slice(0, path.indexOf('/')) as Layer
const isAmong = (path: string, places: readonly string[]): boolean =>
  places.some((place) => (place.endsWith('/') ? path.startsWith(place) : path === place))

function ours(path: string, specifier: string): string[] {
  const target = join(dirname(path), specifier)
  const allowed = ARROWS[layerOf(path)]
  if (!allowed.some((layer) => target.startsWith(`${layer}/`))) {
    return [`${path} imports ${target}: ${layerOf(path)} may import ${allowed.join(', ')}`]
  }
  const adapter = ADAPTERS.find((one) => isAmong(target, [one.path]))
  if (!adapter || path === target || isAmong(path, [adapter.path, ...adapter.by])) return []
  return [`${path} imports the adapter ${target}: only ${adapter.by.join(', ') || 'tests'} may`]
}

function packages(path: string, specifier: string): string[] {
  if (layerOf(path) === 'protocol' && !PROTOCOL_PACKAGES.includes(specifier)) {
    return [`${path} imports ${specifier}: protocol imports no package that does I/O (${PROTOCOL_PACKAGES.join(', ')})`]
  }
  const { folder, what: banned, but } = THROUGH_CONTRACTS
  if (path.startsWith(folder) && banned.test(specifier) && !but.test(path))
    return [`${path} imports ${specifier}: ${folder} reaches files through contracts`]
  return PACKAGES.filter(({ what, by }) => what.test(specifier) && !isAmong(path, by)).map(
    ({ by }) => `${path} imports ${specifier}: only ${by.join(', ')} may`,
  )
}

async function names(path: string, source: string): Promise<string[]> {
  const { code } = await transform(source, { loader: 'ts', target: 'esnext', legalComments: 'none' })
  return NAMES.flatMap(({ what, by }) => {
    if (isAmong(path, by)) return []
    return [...new Set(code.match(what) ?? [])].map((name) => `${path} uses ${name}: only ${by.join(', ')} may`)
  })
}

/** Every module named by an import, export … from, import() or require(); what is computed is named `(computed)`. */
export function importsOf(source: string): string[] {
  const found = new Set<string>()
  const from = /^[ \t]*(?:import|export)\b[^'"`;]*?\bfrom\s*(['"])(.+?)\1/gm
  const bare = /^[ \t]*import\s*(['"])(.+?)\1/gm
  const called = /\b(?:import|require)\s*\(\s*(['"])(.+?)\1/g
  for (const pattern of [from, bare, called]) {
    for (const match of source.matchAll(pattern)) found.add(match[2] ?? '')
  }
  return [...found]
}
