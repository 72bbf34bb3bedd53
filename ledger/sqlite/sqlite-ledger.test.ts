/** The SQLite adapter against the ledger's contract, with a virtual clock, on real files. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { systemClock, systemRng } from '../../node/host/system-clock.ts'
import type { Clock } from '../../protocol/clock.ts'
import { type LedgerHarness, ledgerConformance } from '../../protocol/conformance/ledger.ts'
import type { Ledger, LedgerOptions } from '../../protocol/ledger.ts'
import { silentLog } from '../../protocol/log.ts'
import { ledgerFromSteps } from '../ledger-from-steps.ts'
import { tornSteps } from '../torn-steps.fixture.ts'
import { sqliteSteps } from './sqlite-ledger.ts'

const harness: LedgerHarness = {
  create: async (options: LedgerOptions) => {
    const dir = await mkdtemp(join(tmpdir(), 'reelmesh-ledger-'))
    const path = join(dir, 'ledger.sqlite')
    let now = 1_700_000_000_000
    // Moves a little at each look, as time does.
    const clock: Clock = { ...systemClock, now: () => now++ }
    const steps = () => sqliteSteps({ path, clock, rng: systemRng, log: silentLog, ...options })
    const opened: Ledger[] = []
    const open = async (ledger: Ledger): Promise<Ledger> => {
      await ledger.open()
      opened.push(ledger)
      return ledger
    }
    return {
      ledger: await open(ledgerFromSteps(steps())),
      second: () => open(ledgerFromSteps(steps())),
      torn: (writes) => open(ledgerFromSteps(tornSteps(steps(), writes))),
      advance: async (ms) => {
        now += ms
      },
      destroy: async () => {
        for (const ledger of opened) await ledger.close()
        await rm(dir, { recursive: true, force: true })
      },
    }
  },
}

const all = process.env.REELMESH_ALL === '1'
ledgerConformance('SQLite', harness, { runs: all ? 1_000 : 60, length: 80, compareEvery: 1 })
