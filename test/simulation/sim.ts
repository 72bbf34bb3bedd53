/**
 * `node test/simulation/sim.ts --seeds 1000 [--seed S] [--peers N] [--trace]`: runs seeds S, S+1 …; prints each failing one
 * with the command that replays exactly it. Exits 1 if any failed.
 */
import { parseArgs } from 'node:util'
import { PEERS_MAX, runSeed } from './simulation.ts'

const { values } = parseArgs({
  options: {
    seeds: { type: 'string', default: '1' },
    seed: { type: 'string', default: '1' },
    peers: { type: 'string', default: String(PEERS_MAX) },
    trace: { type: 'boolean', default: false },
  },
})
const [seeds, first, peers] = [Number(values.seeds), Number(values.seed), Number(values.peers)]
const started = performance.now()
let [failed, virtualMs, events] = [0, 0, 0]
for (let seed = first; seed < first + seeds; seed++) {
  const { ok, violations, traceHash, stats } = await runSeed(seed, {
    peers,
    ...(values.trace && { trace: (line) => console.log(line) }),
  })
  virtualMs += stats.virtualMs
  events += stats.events
  if (seeds === 1) console.log(`seed ${seed}: trace ${traceHash}`, stats)
  if (ok) continue
  failed++
  console.log(`seed ${seed} failed after ${stats.virtualMs} ms of virtual time:`)
  for (const violation of violations) console.log(`  ${violation}`)
  console.log(`  replay: node test/simulation/sim.ts --seed ${seed} --peers ${peers} --trace`)
}
const seconds = (performance.now() - started) / 1000
console.log(
  `${seeds - failed} of ${seeds} seeds held; ${Math.round(virtualMs / 1000)} s simulated in ${seconds.toFixed(1)} s (${Math.round(virtualMs / 1000 / seconds)} s/s, ${Math.round(events / seconds)} events/s)`,
)
process.exit(failed === 0 ? 0 : 1)
