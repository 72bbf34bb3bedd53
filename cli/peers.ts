/** `reelmesh pause`, `resume` and `drain`: stop a peer's work for a while, or for good. */
import type { Command } from 'commander'
import { parseResponse } from 'hono/client'
import { addConfigOptions, configFrom } from './options.ts'
import { say } from './output.ts'
import { mustReachNode } from './reach.ts'

const VERBS = [
  {
    name: 'pause',
    description: 'take a peer off the work; it stays in the mesh and gives back what it runs',
    done: 'paused; `reelmesh resume` puts it back to work',
  },
  { name: 'resume', description: 'put a paused peer back to work', done: 'back to work' },
  {
    name: 'drain',
    description: 'let a peer finish what it runs, then leave the mesh and exit',
    done: 'draining; it exits when nothing runs there any more',
  },
] as const

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
