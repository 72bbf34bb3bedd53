/** `reelmesh pause`, `resume` and `drain`: stop a peer's work for a while, or for good. */
import type { Command } from 'commander'
import { parseResponse } from 'hono/client'
import { addConfigOptions, configFrom } from './options.ts'
import { say } from './output.ts'
import { mustReachNode } from './reach.ts'

const VERBS = [
  {
    name: 'pause',
    description: 'stop a peer from claiming tasks: it releases those that it runs and stays in the mesh',
    done: 'paused; `reelmesh resume` ends the pause',
  },
  { name: 'resume', description: 'let a paused or quarantined peer claim tasks again', done: 'resumed' },
  {
    name: 'drain',
    description: 'let a peer finish what it runs, then leave the mesh and exit',
    done: 'draining; it exits when nothing runs there any more',
  },
] as const

/** Adds the verbs about peers to the program. */
export function addPeerVerbs(program: Command): void {
  for (const { name, description, done } of VERBS) {
    const command = program
      .command(name)
      .description(description)
      .argument('<peer>', 'its name or peer id, as `reelmesh status` shows them')
    addConfigOptions(command, { data_dir: '<dir>' })
    command.action(async (peer: string, options: Record<string, unknown>) => {
      const client = await mustReachNode(await configFrom(options))
      await parseResponse(client.v1.peers[':peer'][name].$post({ param: { peer: encodeURIComponent(peer) } }))
      say(`${peer}: ${done}`)
    })
  }
}
