/**
 * Brings what the tests of players, hosts and containers need beyond `npm test`, and runs none of them: .ci/run has it done while other tests run. What
 * cannot be brought is printed: those tests try again, and fail of it.
 */
import { join } from 'node:path'
import { ensureNetworkTools } from '../testing/hosts/tools.ts'
import { ensureChromium } from '../testing/tools/chromium.ts'
import { bringEngine, bringImages } from './docker/bring.ts'

process.chdir(join(import.meta.dirname, '..'))
for (const [what, bring] of Object.entries({
  Chromium: ensureChromium,
  'the tools of networks': ensureNetworkTools,
  'an engine of containers': bringEngine,
  'images of containers': bringImages,
})) {
  const began = performance.now()
  try {
    await bring()
    console.log(`✔ ${what}  ${((performance.now() - began) / 1000).toFixed(1)} s`)
  } catch (error) {
    console.log(`✖ ${what}: ${error instanceof Error ? error.message : String(error)}`)
  }
}
