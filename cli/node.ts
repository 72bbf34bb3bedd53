/** `reelmesh node`: one peer, until it is told to stop. */
import type { Command } from 'commander'
import { addConfigOptions, configFrom } from './options.ts'
import { say } from './output.ts'
import { untilStopped } from './signals.ts'

export function addNode(program: Command): void {
  const command = program.command('node').description('run a peer: it encodes, and may coordinate, until it is stopped')
  addConfigOptions(command, {
    ledger: '<address>',
    data_dir: '<dir>',
    name: '<name>',
    roles: '<list>',
    renditions: '<list>',
    slots: '<n>',
    listen: '<list>',
    announce: '<list>',
    join: '<list>',
    mdns: '',
    swarm_key: '<file>',
    open_mesh: '',
    ffmpeg: '<path>',
    ffprobe: '<path>',
    input: '<dir>',
    output: '<dir>',
    input_renditions: '<list>',
    input_preset: '<name>',
    input_crf: '<n>',
    drain_timeout_ms: '<ms>',
    log_level: '<level>',
  })
  for (const option of ['--store-dir <dir>', '--proof-dir <dir>', '--parent-channel'])
    command.addOption(command.createOption(option).hideHelp())
  command.action(async (options: Record<string, unknown>) => {
    const config = await configFrom(options)
    const { startNode } = await import('../node/compose.ts')
    const node = await startNode(config)
    if (!config.parent_channel) {
      say(`${config.name} is up: peer ${node.self}`)
      for (const address of node.addresses()) say(`  ${address}`)
    }
    await untilStopped({ parentChannel: config.parent_channel, drained: node.drained, stop: node.stop })
  })
}
