/**
 * Work hints inside one node: the part that changes the ledger publishes a hint, the parts that can use it subscribe. A published hint
 * reaches the listeners of this node and, through `send`, the mesh; a hint of another peer reaches the same listeners.
 *
 * Promises: `publish` and `receive` never throw and call every listener once, in the order of subscription. A hint makes things
 * faster and decides nothing: each listener stays right when hints are lost, doubled, late or false.
 */
import type { Hint } from './hint.ts'

/** The kind of a hint: what changed, such as `tasks` or `video`. */
export type HintKind = Hint['what']

/** A hint before it is sent. */
export type NewHint = Omit<Hint, 'v'>

/** Handles a hint. It must be quick and never throw. */
export type HintListener = (hint: Hint) => void

/** Publishes hints and subscribes to them; each part of a node is given this. */
export interface Hints {
  /** Best effort, never waits: to this node's own listeners and to the mesh. */
  publish(hint: NewHint): void
  /** Calls the listener for every hint of these kinds, published here or received. The returned function unsubscribes. */
  on(kinds: readonly HintKind[], listener: HintListener): () => void
}

/** The hints of a node, with the entry for those of other peers. */
export interface HintChannel extends Hints {
  /** Passes a hint of another peer to the listeners of this node. */
  receive(hint: Hint): void
}

/** A channel without listeners. `send` passes a hint to the mesh and must not throw; without it hints stay in this process. */
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
