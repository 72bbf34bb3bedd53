/** Wraps every statement of a ledger alike: what lines with faults, audits and sabotage have in common. */
import type { Steps } from '../../ledger/steps.ts'

export type StepName = Exclude<keyof Steps, 'open' | 'close' | 'description' | 'takeUnfit'>
const NO_STATEMENTS: ReadonlySet<string> = new Set<Exclude<keyof Steps, StepName>>([
  'open',
  'close',
  'description',
  'takeUnfit',
])
export type Around = (name: StepName, given: readonly unknown[], call: () => Promise<unknown>) => Promise<unknown>

export function stepsAround(steps: Steps, around: Around): Steps {
  const wrapped = Object.entries(steps).map(([name, step]) => {
    if (NO_STATEMENTS.has(name)) return [name, step]
    const call = step as (...given: unknown[]) => Promise<unknown>
    return [name, (...given: unknown[]) => around(name as StepName, given, () => call(...given))]
  })
  return Object.fromEntries(wrapped) as Steps
}
