/** `reelmesh ladders`: what videos can be made into, by name. */
import type { Command } from 'commander'
import { stringify } from 'yaml'
import { relativeCost } from '../node/ladders/ladder-cost.ts'
import { allLadders, namedLadder } from '../node/ladders/named-ladders.ts'
import { type Ladder, textOf } from '../protocol/ladder.ts'
import { audioText, codecText, rateText } from '../protocol/settings-text.ts'
import { columns, fit, wrap } from './columns.ts'
import { addConfigOptions, configFrom } from './options.ts'
import { printable, say, sayJson } from './output.ts'
import { localNode, nodeLadders } from './reach.ts'
import { tableLines } from './table-lines.ts'

/** Most lines of a description. */
const LINES_MAX = 4

/** Adds the verb `ladders` to the program. */
export function addLadders(program: Command): void {
  const command = program
    .command('ladders')
    .argument('[name]', 'only this one')
    .option('--yaml', 'that one as a ladder file, to start your own from')
    .option('--json', 'as JSON')
  addConfigOptions(command, { data_dir: '<dir>' })
  command.action(async (name: string | undefined, options: { json?: boolean; yaml?: boolean }) => {
    const config = await configFrom({ ...options })
    const client = await localNode(config)
    const own = client ? await nodeLadders(client) : config.ladders
    const one = name === undefined ? null : namedLadder(name, own)
    if (options.yaml && one) return say(stringify(textOf(one)).trimEnd())
    const shown = allLadders(own).filter((each) => one === null || each.name === name)
    if (options.json) return sayJson(shown)
    say(
      shown
        .map((each) => ladderLines(each, each.built_in ? each.name : `${each.name} (configured)`).join('\n'))
        .join('\n\n'),
    )
    if (one === null) say('\n`reelmesh ladders NAME --yaml` prints one as a file to start your own from.')
  })
}

/** A ladder in words: its renditions and what it costs. */
export function ladderLines(ladder: Ladder, title: string): string[] {
  const { description, keyframe_s, renditions, audio } = ladder
  const head = [title, description].filter(Boolean).map(printable).join(': ')
  const rows = renditions.map((each) => [
    each.id,
    `${each.box.width}x${each.box.height}`,
    codecText(each),
    `preset ${each.preset}`,
    rateText(each.rate),
  ])
  const cost = `of a 1080p source ${timesText(relativeCost(ladder))} the CPU of the default ladder`
  const facts = wrap(`keyframes every ${keyframe_s} s; sound ${audioText(audio)}; ${cost}`, columns() - 2, 3)
  return [
    ...wrap(head, columns(), LINES_MAX),
    ...[...tableLines(rows), ...facts.map((line) => `  ${line}`)].map((line) => fit(line, columns()).trimEnd()),
  ]
}

/** A factor for people: `1.3 x`, `12 x`. */
export const timesText = (factor: number): string =>
  `${factor < 0.1 ? 'less than 0.1' : factor.toFixed(factor < 10 ? 1 : 0)} x`
