/** For tests: steps that die before a given write, as a process that is killed between the two writes of an event does. */
import { Torn } from '../protocol/conformance/ledger.ts'
import type { Steps } from './steps.ts'

const READS: ReadonlySet<string> = new Set([
  'open',
  'close',
  'description',
  'now',
  'takeUnfit',
  'video',
  'videos',
  'plan',
  'task',
  'tasks',
  'progress',
  'completedSince',
  'outcomes',
  'claimableClasses',
  'claimsByToken',
  'claimsOf',
  'lease',
  'videosWithOpenTasks',
  'peers',
  'peer',
  'engines',
  'events',
  'webhook',
  'webhooks',
  'dueWebhooks',
] satisfies (keyof Steps)[])

/** Makes `writes` writes, then none. */
export function tornSteps(steps: Steps, writes: number): Steps {
  let left = writes
  return new Proxy(steps, {
    get: (target, name: string) => {
      const step = Reflect.get(target, name) as unknown
      if (typeof step !== 'function' || READS.has(name)) return step
      return async (...given: unknown[]) => {
        if (left-- <= 0) throw new Torn(`died before ${name}`)
        return (await Reflect.apply(step, target, given)) as unknown
      }
    },
  })
}
