/** Finds a node to go on at when the one that served the page has ended. */
import type { PeerStatus } from '../../../protocol/status.ts'

const [ANSWER_MS, ROUND_MS] = [2_000, 2_000]
/** The node may only have been busy: it is asked for this long first, ms. */
const PATIENCE_MS = 3_000

/** The origin of another node that answers; null where none is known. Ended by the signal. */
export async function findOtherNode(peers: readonly PeerStatus[], signal: AbortSignal): Promise<string | null> {
  const others = peers.flatMap(({ self, http }) => (http && !self && http !== location.origin ? http : []))
  for (let pause = PATIENCE_MS; others.length > 0; pause = ROUND_MS) {
    await new Promise((resolve) => setTimeout(resolve, pause))
    for (const other of others) {
      if (signal.aborted) return null
      if (await answers(other)) return other
    }
  }
  return null
}

/** Pages of other nodes read only what players do: also that there is no such film is an answer. */
const answers = (node: string): Promise<boolean> =>
  fetch(`${node}/watch/${'0'.repeat(16)}/about.json`, { signal: AbortSignal.timeout(ANSWER_MS) }).then(
    () => true,
    () => false,
  )
