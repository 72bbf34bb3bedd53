import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Command } from 'commander'
import { ALL, addVerbs, VERBS } from './verbs.ts'

const programWith = async (named: string | typeof ALL | undefined): Promise<Command> => {
  const program = new Command('reelmesh').configureHelp({ sortSubcommands: false, showGlobalOptions: false })
  await addVerbs(program, named)
  return program
}

test('the list of verbs is the same whether what they do is loaded or not', async () => {
  const loaded = (await programWith(ALL)).helpInformation()
  assert.equal((await programWith(undefined)).helpInformation(), loaded)
  assert.equal((await programWith('cancel')).helpInformation(), loaded)
})

test('the verb that is named has its options and its arguments', async () => {
  for (const { name, usage } of VERBS) {
    const command = (await programWith(name)).commands.find((each) => each.name() === name)
    const argumentsIn = (text = '') => text.replace('[options]', '').trim()
    assert.equal(argumentsIn(command?.usage()), argumentsIn(usage))
    assert.equal((command?.options.length ?? 0) > 0, usage.includes('[options]'))
  }
})
