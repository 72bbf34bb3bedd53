/** `reelmesh pause`, `resume` and `drain`: stop a peer's work for a while, or for good. */
import type { Command } from 'commander'
import { parseResponse } from 'hono/client'
import { addConfigOptions, configFrom } from './options.ts'
import { say } from './output.ts'
import { mustReachNode } from './reach.ts'

/** What each says when it is done. */
const DONE = {
  pause: 'paused; `reelmesh resume` ends the pause',
  resume: 'resumed',
  drain: 'draining; it exits when nothing runs there any more',
} as const

/** Adds a verb about a peer to the program. */
export function addPeerVerb(program: Command, name: keyof typeof DONE): void {
  const command = program.command(name).argument('<peer>', 'its name or peer id, as `reelmesh status` shows them')
  addConfigOptions(command, { data_dir: '<dir>' })
  command.action(async (peer: string, options: Record<string, unknown>) => {
    const client = await mustReachNode(await configFrom(options))
    await parseResponse(client.v1.peers[':peer'][name].$post({ param: { peer: encodeURIComponent(peer) } }))
    say(`${peer}: ${DONE[name]}`)
  })
}
