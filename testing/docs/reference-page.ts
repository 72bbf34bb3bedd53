/** docs/reference.md, made from the verbs of the command line and the schema of the settings. `scripts/docs.ts` writes it, and a structure test compares. */
import { Command, type Option } from 'commander'
import { z } from 'zod'
import { ALL, addVerbs } from '../../cli/verbs.ts'
import { configSchema } from '../../node/config.ts'
import { rows, type Schema } from './status-page.ts'

/** Repository path of the page. */
export const REFERENCE_PAGE = 'docs/reference.md'

const INTRODUCTION = `# Reference

<!-- Made from cli/ and node/config.ts by \`sh scripts/node.sh scripts/docs.ts\`: do not edit. -->

Every verb of the command line with its flags, and every setting. Elsewhere: the routes of the HTTP API, its fields and all events are in
[status.md](status.md), the keys of a ladder in [ladders.md](ladders.md), the lines of \`--json\` in [run-json.md](run-json.md), exit codes in the
[README](../README.md#exit-codes).

## Verbs

Each knows \`--help\`. A flag that is a setting too has its default below.

`

const SETTINGS = `## Settings

A setting is a flag of the verbs that have it, a variable, or a line in \`reelmesh.yaml\` under its name; flags override variables, variables override the
file. Lists are separated by commas, or lists of YAML.

`

/** How a default is written where it is not as the code has it: of the machine, or a share. */
const WRITTEN: Readonly<Record<string, (value: unknown) => string>> = {
  name: () => '',
  audit: (share) => `\`${Number(share) * 100}%\``,
}
/** Settings that only processes of one run give each other. */
export const INTERNAL: ReadonlySet<string> = new Set([
  'store_dir',
  'self_test_dir',
  'trials_on_request',
  'parent_channel',
])

/** The whole page. */
export async function referencePage(): Promise<string> {
  const program = new Command('reelmesh')
  await addVerbs(program, ALL)
  return [INTRODUCTION, ...program.commands.map((command) => verbText(command, '')), SETTINGS, settings(program)].join(
    '',
  )
}

/** A verb with its flags, and those that are below it. */
function verbText(command: Command, above: string): string {
  const name = `${above}${command.name()}`
  const head = `### reelmesh ${name}\n\n\`reelmesh ${name} ${command.usage()}\`: ${command.description()}.\n\n`
  const places = command.registeredArguments.filter(({ description }) => description !== '')
  const body = [
    ...places.map((each) => [`\`${each.name()}\``, '', cell(each.description)]),
    ...command.options
      .filter(({ hidden }) => !hidden)
      .map((option) => [`\`${option.flags.replaceAll('|', '\\|')}\``, defaultText(option), cell(option.description)]),
  ]
  const table = body.length === 0 ? '' : `${rows('flag | default | meaning', body)}\n`
  return head + table + command.commands.map((each) => verbText(each, `${name} `)).join('')
}

function defaultText({ defaultValue, defaultValueDescription, argChoices }: Option): string {
  const choices = argChoices ? `${argChoices.map((each) => `\`${each}\``).join(', ')}` : ''
  const value =
    defaultValueDescription ?? (defaultValue === undefined || defaultValue === false ? '' : String(defaultValue))
  return [value === '' ? '' : `\`${value}\``, choices && `one of ${choices}`].filter(Boolean).join('; ')
}

/** A row for each setting: its name, variable, the verbs that take it as a flag, default and meaning. */
function settings(program: Command): string {
  const schema = z.toJSONSchema(configSchema, { io: 'output', unrepresentable: 'any' }) as Schema
  const verbs = (flag: string) =>
    program.commands.filter(({ options }) => options.some(({ long }) => long === flag)).map((each) => each.name())
  return rows(
    'setting | variable | flag of | default | meaning',
    Object.entries(schema.properties ?? {})
      .filter(([name]) => !INTERNAL.has(name))
      .map(([name, field]) => {
        const by = verbs(`--${name.replaceAll('_', '-')}`)
        const value = (WRITTEN[name] ?? valueText)(field.default)
        return [
          `\`${name}\``,
          `\`REELMESH_${name.toUpperCase()}\``,
          by.join(', '),
          value,
          cell(field.description ?? ''),
        ]
      }),
  )
}

function valueText(value: unknown): string {
  const text = Array.isArray(value) ? value.join(',') : typeof value === 'object' ? '' : String(value ?? '')
  return text === '' ? '' : `\`${text}\``
}

const cell = (text: string): string => text.replace(/[|<]/g, '\\$&').replace(/\s+/g, ' ')
