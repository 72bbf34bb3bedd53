/** `reelmesh doctor`: checks everything that a node needs, and prints for each what to do. Exit code 1 where something is missing. */

import { mkdir, stat, statfs } from 'node:fs/promises'
import { createServer } from 'node:net'
import type { Command } from 'commander'
import { parseResponse } from 'hono/client'
import { bulkPorts } from '../node/bulk-ports.ts'
import { type Config, ledgerAddress } from '../node/config.ts'
import { clockApart } from '../node/host/clock-apart.ts'
import { isOpenToOthers } from '../node/host/private-folder.ts'
import { systemClock, systemRng } from '../node/host/system-clock.ts'
import type { ControlClient } from '../node/http/control-client.ts'
import { openSharedFolders } from '../node/shared/open-shared-folders.ts'
import { leastFree } from '../protocol/blobs.ts'
import { sentence } from '../protocol/errors.ts'
import { sharedFinding, sourceFindings } from './doctor-shared.ts'
import { addConfigOptions, configFrom } from './options.ts'
import { bytesText, printable, say, sayJson } from './output.ts'
import { localNode, withLedger } from './reach.ts'

type Level = 'ok' | 'note' | 'bad'
interface Finding {
  readonly what: string
  readonly level: Level
  readonly text: string
}

/** Adds the verb `doctor` to the program. */
export function addDoctor(program: Command): void {
  const command = program.command('doctor').option('--json', 'as JSON')
  addConfigOptions(command, {
    data_dir: '<dir>',
    ledger: '<address>',
    ledger_file: '<file>',
    listen: '<list>',
    bulk_port: '<auto|off|port>',
    swarm_key: '<file>',
    open_mesh: '',
    roles: '<list>',
    ffmpeg: '<path>',
    ffprobe: '<path>',
    shared: '<NAME=/path>',
    sandbox: '<auto|off>',
  })
  command.action(async (options: { json?: boolean } & Record<string, unknown>) => {
    const config = await configFrom(options)
    const checks: [string, (config: Config) => Promise<Finding[]>][] = [
      ['node', checkNode], ['ffmpeg', checkFfmpeg], ['ledger', checkLedger], ['key', checkKey],
      ['ports', checkPorts], ['disk', checkDisk], ['shared', checkShared], ['peers', checkPeers],
    ] // biome-ignore format: a table
    const findings: Finding[] = []
    for (const [what, check] of checks) {
      findings.push(
        ...(await check(config).catch((error: unknown): Finding[] => [{ what, level: 'bad', text: sentence(error) }])),
      )
    }
    if (options.json) sayJson(findings)
    else
      for (const { what, level, text } of findings)
        say(`${{ ok: 'ok  ', note: 'note', bad: 'BAD ' }[level]}  ${what.padEnd(7)} ${printable(text)}`)
    process.exitCode = findings.some(({ level }) => level === 'bad') ? 1 : 0
  })
}

async function checkNode(): Promise<Finding[]> {
  const major = Number(process.versions.node.split('.')[0])
  return [
    {
      what: 'node',
      level: major >= 24 ? 'ok' : 'bad',
      text: `Node ${process.versions.node}${major >= 24 ? '' : '; Reelmesh needs 24 or later'}`,
    },
  ]
}

const SANDBOX = {
  bubblewrap: 'ffmpeg runs in bubblewrap: no network, and no files but its own',
  no_network: 'ffmpeg has no network, but the files of this user: install bubblewrap to keep them from it',
  none: 'ffmpeg has the network and the files of this user: install bubblewrap, or run Reelmesh in a container or as a user of its own',
} as const

async function checkFfmpeg(config: Config): Promise<Finding[]> {
  const { testMedia } = await import('../node/compose-media.ts')
  const { selfTestReport, missing, sandbox } = await testMedia(config, AbortSignal.timeout(120_000))
  const findings: Finding[] = [
    {
      what: 'ffmpeg',
      level: 'ok',
      text: `${selfTestReport.ffmpeg}; encoders ${selfTestReport.encoders.join(', ')}; decodes ${selfTestReport.decoders.length} codecs`,
    },
  ]
  findings.push(...toneMapping(selfTestReport.filters))
  findings.push({ what: 'sandbox', level: sandbox === 'bubblewrap' ? 'ok' : 'note', text: SANDBOX[sandbox] })
  for (const { codec, libraries, instead } of missing) {
    const left =
      instead === undefined
        ? 'are left to other peers'
        : `that are planned with it are left to other peers, those with ${instead} are encoded here`
    const text = `no working ${libraries.join(' and no ')}: ${codec.toUpperCase()} renditions ${left}`
    findings.push({ what: 'ffmpeg', level: 'note', text })
  }
  return findings
}

/** The finding on tone mapping, none where it works. `filters`: those of the self-test, which names one with other results `zscale-…`. */
export function toneMapping(filters: readonly string[]): Finding[] {
  if (filters.some((filter) => filter.split('-')[0] === 'zscale')) return []
  const text =
    'no working zscale filter: HDR sources are left to other peers; install an ffmpeg built with zimg to encode them here'
  return [{ what: 'ffmpeg', level: 'note', text }]
}

/** Checks the ledger: by the running node where there is one; a database that several processes may open also directly. */
async function checkLedger(config: Config): Promise<Finding[]> {
  const node = await localNode(config)
  const findings = node ? [await askNode(node)] : []
  if (node && !isShared(config)) return findings
  return [...findings, ...(await openLedger(config))]
}

async function askNode(node: ControlClient): Promise<Finding> {
  const { ledger } = await parseResponse(node.v1.status.$get())
  return ledger.away === null
    ? { what: 'ledger', level: 'ok', text: `a node runs here and has it open: ${ledger.description}` }
    : { what: 'ledger', level: 'bad', text: `a node runs here, but its ledger is unavailable: ${ledger.away}` }
}

function openLedger(config: Config): Promise<Finding[]> {
  return withLedger(config, async (ledger) => {
    const { apartMs, problem } = await clockApart(ledger, systemClock)
    const apart = `the clocks of this machine and the ledger are ${(Math.abs(apartMs) / 1000).toFixed(1)} s apart`
    return [
      { what: 'ledger', level: 'ok', text: ledger.description },
      { what: 'clock', level: problem ? 'bad' : 'ok', text: problem ?? apart },
    ]
  })
}

const isShared = (config: Config): boolean => !ledgerAddress(config).startsWith('sqlite:')

/** Checks the mesh key as the start of a node does. */
async function checkKey(config: Config): Promise<Finding[]> {
  const { readMeshKey } = await import('../node/mesh-key.ts')
  const key = await readMeshKey(config)
  const without = config.open_mesh ? 'none: any peer may join' : 'none: the mesh is limited to this machine'
  const file = key === undefined ? null : (config.swarm_key ?? null)
  const told: Finding = { what: 'key', level: 'ok', text: file === null ? without : `${file} is a mesh key` }
  if (file === null || !isOpenToOthers(await stat(file))) return [told]
  return [
    told,
    {
      what: 'key',
      level: 'note',
      text: `other users may read the mesh key, which lets a peer connect: chmod 600 ${file}`,
    },
  ]
}

async function checkPorts(config: Config): Promise<Finding[]> {
  if (await localNode(config))
    return [{ what: 'ports', level: 'ok', text: 'a node runs here and listens; ports were not tried' }]
  const listened = await Promise.all(
    config.listen.map(async (address): Promise<Finding> => {
      const [, host, port] = /^\/ip[46]\/([^/]+)\/tcp\/(\d+)/.exec(address) ?? []
      if (!host)
        return { what: 'ports', level: 'note', text: `${address} is not a plain TCP address and was not tried` }
      const error = await tryListen(host, Number(port))
      return error
        ? { what: 'ports', level: 'bad', text: `${address}: ${error}; choose another with --listen` }
        : { what: 'ports', level: 'ok', text: `${address} can be listened on` }
    }),
  )
  return [...listened, ...(await checkBulkPort(config))]
}

/** Whether one of the ports that the setting names is free on every host. */
async function checkBulkPort({ bulk_port, listen }: Config): Promise<Finding[]> {
  const ports = bulkPorts(bulk_port)
  if (!Array.isArray(ports) || ports[0] === 0) return []
  const { hostsOf } = await import('../mesh/addresses.ts')
  for (const port of ports) {
    const errors = await Promise.all(hostsOf(listen).map((host) => tryListen(host, port)))
    if (errors.every((error) => error === null))
      return [{ what: 'ports', level: 'ok', text: `port ${port} can be listened on for bulk lines` }]
  }
  const text = `no port of --bulk-port ${bulk_port} is free: large blobs go over the mesh connection, which is slower`
  return [{ what: 'ports', level: 'note', text }]
}

const tryListen = (host: string, port: number): Promise<string | null> =>
  new Promise((resolve) => {
    const server = createServer()
    server.once('error', (error: NodeJS.ErrnoException) =>
      resolve(error.code === 'EADDRINUSE' ? 'the port is in use' : error.message),
    )
    server.listen(port, host, () => server.close(() => resolve(null)))
  })

/** Looks at the shared folders as the start of a node does, and asks the node that runs here which peers see the same ones. */
async function checkShared(config: Config): Promise<Finding[]> {
  if (config.shared.length === 0) return []
  const folders = openSharedFolders(config, { clock: systemClock, rng: systemRng })
  await folders.look()
  const node = await localNode(config)
  const status = node === null ? null : await parseResponse(node.v1.status.$get())
  const peers = status?.peers.filter(({ self }) => !self) ?? null
  return [
    ...folders.states().map((state) => sharedFinding(state, peers)),
    ...(status === null ? [] : sourceFindings(status)),
  ].map((found): Finding => ({ what: 'shared', ...found }))
}

/** What each peer of the mesh encodes, as its trial runs have shown, where a node runs here. */
async function checkPeers(config: Config): Promise<Finding[]> {
  const node = await localNode(config)
  if (node === null) return []
  const { peers } = await parseResponse(node.v1.status.$get())
  return peers.map(({ name, peer, slots, encoders = [], decoders, ffmpeg }) => ({
    what: 'peers',
    level: 'ok',
    text: `${name || peer.slice(-8)}: encoders ${encoders.join(', ')}; decodes ${decoders} codecs; ffmpeg ${ffmpeg}${slots === 0 ? '; no slots' : ''}`,
  }))
}

/** Whether others may read what is worked on: films, chunks and the ledger. */
async function checkDataFolder(dir: string): Promise<Finding[]> {
  if (!isOpenToOthers(await stat(dir))) return []
  const text = `other users may read the data folder ${dir}, with films and keys: chmod 700 ${dir} (a node does it when it starts, where the folder is its own)`
  return [{ what: 'data', level: 'bad', text }]
}

async function checkDisk(config: Config): Promise<Finding[]> {
  await mkdir(config.data_dir, { recursive: true, mode: 0o700 })
  const disk = await statfs(config.data_dir)
  const [free, total] = [disk.bavail * disk.bsize, disk.blocks * disk.bsize]
  const least = leastFree(total)
  const text = `${bytesText(free)} free of ${bytesText(total)} under ${config.data_dir}`
  return [
    ...(await checkDataFolder(config.data_dir)),
    free >= least
      ? { what: 'disk', level: 'ok', text }
      : {
          what: 'disk',
          level: 'bad',
          text: `${text}: below ${bytesText(least)} a node claims nothing; make room or move --data-dir`,
        },
  ]
}
