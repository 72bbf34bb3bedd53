/** `reelmesh status`: peers, videos and recent events, from the local node or any peer's address. */

import type { Command } from 'commander'
import { parseResponse } from 'hono/client'
import { systemClock } from '../node/host/system-clock.ts'
import { ReelmeshError } from '../protocol/errors.ts'
import type { StatusSnapshot } from '../protocol/status.ts'
import { addConfigOptions, configFrom } from './options.ts'
import { printable, say, sayJson } from './output.ts'
import { mustReachNode } from './reach.ts'
import { renderStatus } from './render-status.ts'
import { onInterrupt } from './signals.ts'

interface StatusOptions {
  watch?: boolean
  json?: boolean
  peer?: string
}

const WATCH_MS = 1_000
const ASK_MS = 5_000

/** Adds the verb `status` to the program. */
export function addStatus(program: Command): void {
  const command = program
    .command('status')
    .option('--watch', 'redraw every second until Ctrl-C')
    .option('--json', 'the whole snapshot as JSON (docs/status.md)')
    .option('--peer <multiaddr>', 'ask this peer instead of the local node, as the identity in the data folder')
  addConfigOptions(command, { data_dir: '<dir>', swarm_key: '<file>' })
  command.action(async (options: StatusOptions & Record<string, unknown>) => {
    const ask = await asker(options)
    if (!options.watch) return show(await ask(), options.json === true)
    await watch(ask, options.json === true)
  })
}

async function asker(options: StatusOptions & Record<string, unknown>): Promise<() => Promise<StatusSnapshot>> {
  const config = await configFrom(options)
  const { peer } = options
  if (peer === undefined) {
    const client = await mustReachNode(config)
    return () => parseResponse(client.v1.status.$get())
  }
  const { askAddress } = await import('../mesh/status-exchange.ts')
  const { readKeyFile } = await import('../node/mesh-key.ts')
  const swarmKey = config.swarm_key && (await readKeyFile(config.swarm_key))
  return async () =>
    (await askAddress({
      address: peer,
      dataDir: config.data_dir,
      ...(swarmKey && { swarmKey }),
      signal: AbortSignal.timeout(ASK_MS),
    })) as StatusSnapshot
}

function show(snapshot: StatusSnapshot, json: boolean): void {
  if (json) sayJson(snapshot)
  else say(renderStatus(snapshot, terminal()))
}

const terminal = () => ({
  columns: process.stdout.columns ?? 80,
  rows: Number.POSITIVE_INFINITY,
  color: process.stdout.isTTY === true && !process.env.NO_COLOR,
})

/**
 * Prints snapshots repeatedly: on a terminal it redraws the alternate screen in one write, elsewhere one follows the other. While the node does
 * not answer, as during a restart, it says so and waits.
 */
async function watch(ask: () => Promise<StatusSnapshot>, json: boolean): Promise<void> {
  const stopping = new AbortController()
  const unsubscribe = onInterrupt(() => stopping.abort(new ReelmeshError('interrupted', 'interrupted')))
  const drawn = process.stdout.isTTY === true && !json
  if (drawn) process.stdout.write('\u001b[?1049h\u001b[?25l')
  try {
    while (!stopping.signal.aborted) {
      const answer = await ask().catch(silenceOf)
      if (drawn) {
        const screen = { ...terminal(), rows: process.stdout.rows ?? 24 }
        const text = typeof answer === 'string' ? answer : renderStatus(answer, screen)
        process.stdout.write(`\u001b[H${text.split('\n').join('\u001b[K\n')}\u001b[J`)
      } else if (typeof answer === 'string') process.stderr.write(`reelmesh: ${answer}\n`)
      else show(answer, json)
      await systemClock.sleep(WATCH_MS, stopping.signal).catch(() => {})
    }
  } finally {
    if (drawn) process.stdout.write('\u001b[?25h\u001b[?1049l')
    unsubscribe()
  }
}

/** The message of a node that does not answer now. Throws other errors. */
function silenceOf(error: unknown): string {
  if (!(error instanceof ReelmeshError) || (error.code !== 'no_node' && error.code !== 'peer_unreachable')) throw error
  return printable(error.message)
}
