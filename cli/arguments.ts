/** The arguments and the working folder of this process, where Node has replaced bytes that are not UTF-8 by U+FFFD: read again as bytes. */
import { readFileSync, readlinkSync } from 'node:fs'
import { pathText } from '../protocol/path-text.ts'

const REPLACED = '\ufffd'

/** `process.argv` with every byte of its arguments, as `pathText`. Where the system does not show them they stay as Node has them. */
export function argumentsOf(argv: readonly string[], commandLine = '/proc/self/cmdline'): readonly string[] {
  const [node = '', script = '', ...given] = argv
  if (!given.some((argument) => argument.includes(REPLACED))) return argv
  try {
    const all = readFileSync(commandLine, 'latin1').split('\0').slice(0, -1)
    return [node, script, ...all.slice(-given.length).map((argument) => pathText(Buffer.from(argument, 'latin1')))]
  } catch {
    return argv
  }
}

/** The working folder, as `pathText`. */
export function workingFolder(): string {
  const folder = process.cwd()
  if (!folder.includes(REPLACED)) return folder
  try {
    return pathText(readlinkSync('/proc/self/cwd', { encoding: 'buffer' }))
  } catch {
    return folder
  }
}
