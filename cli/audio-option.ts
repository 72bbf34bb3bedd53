/** The option `--audio`: one audio rendition, as words. */
import { type Command, InvalidArgumentError, Option } from 'commander'
import { type AudioRendition, audioRenditionSchema } from '../protocol/audio-rendition.ts'

/** Adds the option to a command; it may be repeated. */
export function addAudioOption(command: Command): Command {
  return command.addOption(
    new Option(
      '--audio <rendition>',
      'sound of the results: aac, opus or copy, then ,channels=2 ,kbps=128 ,languages=eng+deu; may be repeated',
    )
      .argParser(oneMore)
      .default(undefined, 'every track as aac'),
  )
}

const oneMore = (text: string, before: readonly AudioRendition[] | undefined): AudioRendition[] => [
  ...(before ?? []),
  parseAudio(text),
]

/** Throws `InvalidArgumentError`, which commander prints. */
function parseAudio(text: string): AudioRendition {
  const [codec, ...settings] = text.split(',').map((word) => word.trim())
  const given = Object.fromEntries(settings.map(parseSetting))
  const { success, data, error } = audioRenditionSchema.safeParse({ codec, ...given })
  if (success) return data
  const { path, message } = error.issues[0]!
  throw new InvalidArgumentError(`${path.length > 0 ? `${path.join('.')}: ` : ''}${message}.`)
}

function parseSetting(text: string): [string, unknown] {
  const [, key = '', value = ''] = /^(\w+)=(.+)$/.exec(text) ?? []
  if (key === 'languages') return [key, value.split('+')]
  if (key === 'channels' || key === 'kbps') return [key, Number(value)]
  throw new InvalidArgumentError(`${JSON.stringify(text)} is none of channels=, kbps= and languages=.`)
}
