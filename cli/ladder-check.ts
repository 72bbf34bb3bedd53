/** `reelmesh ladder check`: whether a ladder is right, who can encode it, and what it costs. */
import type { Command } from 'commander'
import { Argument } from 'commander'
import { findLadder } from '../node/ladders/named-ladders.ts'
import { workingFolder } from './arguments.ts'
import { ladderLines } from './ladders.ts'
import { addConfigOptions, configFrom } from './options.ts'
import { say } from './output.ts'
import { localNode, nodeLadders } from './reach.ts'

/** Adds the verb `ladder` to the program. */
export function addLadder(program: Command): void {
  const command = program
    .command('ladder')
    .addArgument(new Argument('<check>', 'what to do').choices(['check']))
    .argument('<ladder>', 'a name, as `reelmesh ladders` lists it, or a file')
    .option('--json', 'as JSON')
  addConfigOptions(command, { data_dir: '<dir>', ffmpeg: '<path>', ffprobe: '<path>' })
  command.action(async (_check: string, text: string, options: { json?: boolean } & Record<string, unknown>) => {
    const config = await configFrom(options)
    const client = await localNode(config)
    const ladder = await findLadder(text, client ? await nodeLadders(client) : config.ladders, workingFolder())
    say(ladderLines({ ...ladder, name: text, built_in: true }, 80).join('\n'))
  })
}
