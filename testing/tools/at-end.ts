/**
 * What a test undoes when it ends, last first, so that a folder goes after those who write to it: the test runner's own hooks run in
 * the order of their registration. One that fails holds up none of the others.
 */
export interface Ends {
  after(act: () => Promise<void>): void
}

type Act = () => unknown

/** Ends of a group of tests, for what its `before` makes. `after`: the hook, in that group. */
export function endsOf(after: (act: () => Promise<void>) => void): Ends {
  const own: (() => Promise<void>)[] = []
  after(async () => {
    for (const act of own) await act()
  })
  return { after: (act) => void own.push(act) }
}

const acts = new WeakMap<Ends, Act[]>()

export function atEnd(t: Ends, act: Act): void {
  const known = acts.get(t)
  if (known) return void known.push(act)
  const own = [act]
  acts.set(t, own)
  t.after(async () => {
    const failed: unknown[] = []
    for (const each of own.reverse()) await (async () => each())().catch((error) => failed.push(error))
    if (failed.length > 0) throw failed[0]
  })
}
