/** Maps that remember a bounded number of entries: the oldest ones are dropped. Pure. */

/** Sets the entry as the newest of the map, and drops the oldest one beyond `most`: a number of entries, at least 1. */
export function remember<Key, Value>(map: Map<Key, Value>, key: Key, value: Value, most: number): void {
  map.delete(key)
  map.set(key, value)
  if (map.size <= most) return
  for (const oldest of map.keys()) {
    map.delete(oldest)
    return
  }
}
