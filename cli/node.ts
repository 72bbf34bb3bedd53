/** `reelmesh node`: runs one peer until a signal stops it. */
import type { Command } from 'commander'
import { HTTP_FLAGS } from './http-flags.ts'
import { addConfigOptions, type ConfigKey, configFrom } from './options.ts'
import { say } from './output.ts'
import { untilStopped } from './signals.ts'
import { WEBHOOK_FLAGS } from './webhook-option.ts'

/** Settings that only `run` passes to its processes: they are no flags. */
type Internal = 'store_dir' | 'self_test_dir' | 'trials_on_request' | 'parent_channel'

/** All of the configuration, with the form of each value. */
const FLAGS: Record<Exclude<ConfigKey, Internal>, string> = {
  ledger: '<address>',
  ledger_file: '<file>',
  data_dir: '<dir>',
  name: '<name>',
  machine: '<name>',
  roles: '<list>',
  renditions: '<list>',
  slots: '<n>',
  listen: '<list>',
  announce: '<list>',
  bulk_port: '<auto|off|port>',
  ...HTTP_FLAGS,
  join: '<list>',
  mdns: '',
  swarm_key: '<file>',
  open_mesh: '',
  ffmpeg: '<path>',
  ffprobe: '<path>',
  ffmpeg_stall_ms: '<ms>',
  ffmpeg_memory_mb: '<mb>',
  shared: '<NAME=/path>',
  sandbox: '<auto|off>',
  input: '<dir>',
  output: '<dir>',
  input_renditions: '<list>',
  input_preset: '<name>',
  input_crf: '<n>',
  input_ladder: '<name|file>',
  input_strict: '',
  input_container: '<mp4|mkv>',
  input_package: '<list>',
  input_package_only: '',
  input_segments: '',
  input_hls_key: '<file>',
  input_hls_key_url: '<url>',
  input_hls_encryption: '<method>',
  input_within: '<duration>',
  input_deadline: '<time>',
  ladders: '<NAME=FILE>',
  ...WEBHOOK_FLAGS,
  webhooks: '<list>',
  webhook_events: '<list>',
  input_webhooks: '<list>',
  audit: '<share>',
  drain_timeout_ms: '<ms>',
  launcher: '<kind>',
  docker: '<socket>',
  scale_min: '<n>',
  scale_max: '<n>',
  scale_target_s: '<s>',
  scale_cooldown_s: '<s>',
  scale_image: '<image>',
  scale_network: '<list>',
  scale_volumes: '<list>',
  scale_labels: '<list>',
  scale_cpus: '<n>',
  scale_memory_mb: '<mb>',
  otlp_endpoint: '<url>',
  log_level: '<level>',
}

/** Adds the verb `node` to the program. */
export function addNode(program: Command): void {
  const command = program.command('node')
  addConfigOptions(command, FLAGS)
  for (const option of ['--store-dir <dir>', '--self-test-dir <dir>', '--trials-on-request', '--parent-channel'])
    command.addOption(command.createOption(option).hideHelp())
  command.action(async (options: Record<string, unknown>) => {
    const config = await configFrom(options)
    const { startNode } = await import('../node/compose.ts')
    const node = await startNode(config)
    if (!config.parent_channel) {
      say(`${config.name} is up: peer ${node.face.self}`)
      for (const address of node.addresses()) say(`  ${address}`)
      if (node.http() !== null) say(`  ${node.http()}`)
    }
    await untilStopped({
      parentChannel: config.parent_channel,
      onInput: node.runAllTrials,
      drained: node.drained,
      stop: node.stop,
    })
  })
}
