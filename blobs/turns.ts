/** Turns: how many of one kind of work run at once. */

/** A semaphore of `count`, first come first served. The returned function releases the turn. Waiting rejects with the reason of the signal. */
export function createTurns(count: number): (signal: AbortSignal) => Promise<() => void> {
  let free = count
  const waiting: (() => void)[] = []
  const release = () => {
    const next = waiting.shift()
    if (next) next()
    else free++
  }
  return async (signal) => {
    signal.throwIfAborted()
    if (free > 0) {
      free--
      return release
    }
    const { promise, resolve } = Promise.withResolvers<void>()
    waiting.push(resolve)
    const leave = () => {
      const at = waiting.indexOf(resolve)
      if (at >= 0) waiting.splice(at, 1)
    }
    signal.addEventListener('abort', leave, { once: true })
    await orAborted(promise, signal)
    signal.removeEventListener('abort', leave)
    return release
  }
}

/** The promise, unless the signal aborts first: then it rejects with its reason. */
export async function orAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  signal.throwIfAborted()
  const { promise: aborted, reject } = Promise.withResolvers<never>()
  const onAbort = () => reject(signal.reason)
  signal.addEventListener('abort', onAbort, { once: true })
  try {
    return await Promise.race([promise, aborted])
  } finally {
    signal.removeEventListener('abort', onAbort)
  }
}
