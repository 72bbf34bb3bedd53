/**
 * The nasty sources by hand: `node testing/sources/cli.ts list | make [NAME…] | check SOURCE OUTPUT`. `SOURCE` is a name
 * from the list. Exit code 1 where an output is not exact.
 */
import { checkOutput } from './check.ts'
import { ensureSource, findSource, sources, TOOLS } from './make.ts'

const [verb = '', ...rest] = process.argv.slice(2)

function list(): void {
  for (const { name, file, what, quick } of sources) {
    console.log(`${quick ? '*' : ' '} ${name.padEnd(20)} ${file.padEnd(26)} ${what}`)
  }
  console.log(`\n${sources.length} sources; * are those of the quick tests.`)
}

async function make(names: readonly string[]): Promise<void> {
  for (const name of names.length > 0 ? names : sources.map((source) => source.name)) {
    const started = performance.now()
    console.log(`${await ensureSource(name)} (${Math.round(performance.now() - started)} ms)`)
  }
}

async function check([name = '', output = '']: readonly string[]): Promise<void> {
  const { ok, problems, facts } = await checkOutput({
    source: findSource(name),
    file: await ensureSource(name),
    output,
    ...TOOLS,
  })
  console.log(JSON.stringify(facts, null, 2))
  for (const problem of problems) console.log(`✗ ${problem}`)
  console.log(ok ? 'exact' : `${problems.length} problems`)
  if (!ok) process.exitCode = 1
}

if (verb === 'list') list()
else if (verb === 'make') await make(rest)
else if (verb === 'check' && rest.length === 2) await check(rest)
else {
  console.error('usage: cli.ts list | make [NAME…] | check SOURCE OUTPUT')
  process.exitCode = 2
}
