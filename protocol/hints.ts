/**
 * Work hints inside one node: who changes the ledger publishes a hint, who can use it subscribes. What is published reaches the
 * listeners of this node and, through `send`, the mesh; what the mesh brings reaches the same listeners.
 *
 * Promises: `publish` and `receive` never throw and call every listener once, in the order of subscription. A hint makes things
 * faster and decides nothing: each listener stays right when hints are lost, doubled, late or false.
 */
import type { Hint } from './hint.ts'

/** What happened, such as `tasks` or `video`. */
export type HintKind = Hint['what']

/** A hint before it is sent. */
export type NewHint = Omit<Hint, 'v'>

/** Quick, and never throws. */
export type HintListener = (hint: Hint) => void

/** What every part of a node is given: publish a hint, or handle those of others. */
export interface Hints {
  /** Best effort, never waits: to this node's own listeners and to the mesh. */
  publish(hint: NewHint): void
  /** Calls the listener for every hint of these kinds, published here or received. The answer unsubscribes. */
  on(kinds: readonly HintKind[], listener: HintListener): () => void
}

/** The hints of a node, and how those of other peers come in. */
export interface HintChannel extends Hints {
  /** Takes in a hint that the mesh brought. */
  receive(hint: Hint): void
}

/** `send` hands a hint to the mesh; it must not throw. Without it hints stay in this process. */
export function createHints(send: (hint: Hint) => void = () => {}): HintChannel {
  const subscriptions = new Set<{ kinds: readonly HintKind[]; listener: HintListener }>()
  const receive = (hint: Hint): void => {
    for (const { kinds, listener } of subscriptions) if (kinds.includes(hint.what)) listener(hint)
  }
  return {
    receive,
    publish(given) {
      const hint: Hint = { v: 1, ...given }
      send(hint)
      receive(hint)
    },
    on(kinds, listener) {
      const subscription = { kinds, listener }
      subscriptions.add(subscription)
      return () => subscriptions.delete(subscription)
    },
  }
}
