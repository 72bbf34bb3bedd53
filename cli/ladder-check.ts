/**
 * `reelmesh ladder check`: whether a ladder is right, who can encode it, and what it costs. Of the mesh of the local node; where none runs, of this
 * machine's ffmpeg. Exit code 1 where nobody can encode it.
 */
import { Argument, type Command } from 'commander'
import { parseResponse } from 'hono/client'
import type { Config } from '../node/config.ts'
import type { ControlClient } from '../node/http/control-client.ts'
import { cpuSeconds, relativeCost } from '../node/ladders/ladder-cost.ts'
import { findLadder } from '../node/ladders/named-ladders.ts'
import { heldPresets, type KnownPeer, type WhoCan, whoCan, whyNobody } from '../node/ladders/who-can.ts'
import { PRESENT_MS } from '../protocol/limits.ts'
import { workingFolder } from './arguments.ts'
import { columns, wrap } from './columns.ts'
import { ladderLines } from './ladders.ts'
import { addConfigOptions, configFrom } from './options.ts'
import { printable, say, sayJson } from './output.ts'
import { localNode, nodeLadders } from './reach.ts'

/** A peer with the speeds that it has measured. */
type MeasuredPeer = KnownPeer & { readonly speeds: Readonly<Record<string, number>> }

/** Most lines about one rendition. */
const LINES_MAX = 4

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
    const peers = client ? await peersOf(client) : [await thisMachine(config)]
    const [parts, why] = [whoCan(ladder, peers), whyNobody(ladder, peers)]
    const cpu = peers
      .filter(({ slots }) => slots > 0)
      .map((peer) => ({ peer: peer.name, seconds: cpuSeconds(ladder, peer) }))
    if (options.json)
      sayJson({ ladder, why, renditions: parts, relative_cost: relativeCost(ladder), cpu_per_minute: cpu })
    else
      for (const line of [
        ...ladderLines(ladder, text),
        '',
        'Who can encode it:',
        ...partLines(parts),
        ...heldPresets(ladder, parts).flatMap((sentence) => wrap(sentence, columns(), LINES_MAX)),
        ...wrap(cpuText(cpu), columns(), LINES_MAX),
        ...wrap(
          why ?? (client ? 'This mesh can encode it.' : 'This machine can encode it; no node runs here.'),
          columns(),
          LINES_MAX,
        ),
      ])
        say(line)
    process.exitCode = why === null ? 0 : 1
  })
}

async function peersOf(client: ControlClient): Promise<MeasuredPeer[]> {
  const { peers } = await parseResponse(client.v1.status.$get())
  return peers
    .filter(({ state }) => state !== 'leaving')
    .map((peer) => {
      const name = peer.name || peer.peer.slice(-8)
      return { ...peer, name: peer.heard_s * 1000 > PRESENT_MS ? `${name} (silent)` : name }
    })
}

async function thisMachine(config: Config): Promise<MeasuredPeer> {
  const { testMedia } = await import('../node/compose-media.ts')
  const { slotsFor } = await import('../node/node-options.ts')
  const { selfTestReport } = await testMedia(config, AbortSignal.timeout(120_000))
  const { encoders } = selfTestReport
  return { name: 'this machine', roles: [], slots: slotsFor(selfTestReport), encoders, renditions: 'all', speeds: {} }
}

/** Who can encode which parts; parts of which the same is to say stand together. */
function partLines(parts: readonly WhoCan[]): string[] {
  return [...Map.groupBy(parts, whoText)].flatMap(([who, some]) =>
    wrap(printable(`${some.map(({ part }) => part).join(', ')}: ${who}`), columns() - 2, LINES_MAX).map(
      (line) => `  ${line}`,
    ),
  )
}

function whoText({ encoder, able, unable }: WhoCan): string {
  return [
    able.length > 0 ? `${encoder === null ? '' : `${encoder} on `}${able.join(', ')}` : 'nobody',
    ...unable.map(({ name, lacks }) => `${name} has ${lacks}`),
  ].join('; ')
}

function cpuText(cpu: readonly { readonly peer: string; readonly seconds: number | null }[]): string {
  const known = cpu.flatMap(({ peer, seconds }) => (seconds === null ? [] : [`${Math.round(seconds)} s on ${peer}`]))
  if (known.length === 0) return 'CPU time: not measured yet, as nobody here has encoded with these settings.'
  return `CPU time for a minute of a 1080p source, as measured: ${known.join(', ')}.`
}
