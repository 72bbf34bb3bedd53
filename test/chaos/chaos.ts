/**
 * `npm run chaos -- --minutes N --seed S [--json FILE]`: real nodes, MongoDB, network and ffmpeg, hurt for N minutes by the
 * seed's schedule. Prints what it does, then the verdict; exits 1 where a promise was broken. Needs root on Linux.
 * `--plan` prints the schedule alone.
 */
import { writeFile } from 'node:fs/promises'
import { parseArgs } from 'node:util'
import { render, replayCommand, spreads } from './report.ts'
import { runChaos } from './run.ts'
import { describe, scheduleOf } from './schedule.ts'
import { NODES } from './stage.ts'

const { values } = parseArgs({
  options: {
    minutes: { type: 'string', default: '2' },
    seed: { type: 'string', default: '1' },
    json: { type: 'string' },
    plan: { type: 'boolean', default: false },
  },
})
const [minutes, seed] = [Number(values.minutes), Number(values.seed)]
if (!(minutes >= 0.5 && minutes <= 24 * 60) || !Number.isSafeInteger(seed)) {
  console.error('--minutes is a number from 0.5 to 1440, --seed a whole number')
  process.exit(2)
}
if (values.plan) {
  for (const { at, faults } of scheduleOf({ seed, minutes, nodes: NODES }))
    console.log(`${(at / 1000).toFixed(1).padStart(7)} s  ${faults.map(describe).join(' + ')}`)
  process.exit(0)
}
try {
  const result = await runChaos({ minutes, seed, print: (line) => console.log(line) })
  console.log(`\n${render(result)}`)
  if (values.json)
    await writeFile(values.json, `${JSON.stringify({ ...result, spreads: spreads(result.samples) }, null, 2)}\n`)
  process.exit(result.violations.length === 0 ? 0 : 1)
} catch (error) {
  console.error(error)
  console.error(`replay: ${replayCommand({ minutes, seed })}`)
  process.exit(1)
}
