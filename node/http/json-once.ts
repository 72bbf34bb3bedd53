/** The JSON of an object that many are answered, made once. */
const made = new WeakMap<object, Uint8Array<ArrayBuffer>>()
const encoder = new TextEncoder()

/** Its JSON as bytes, kept as long as the object itself, which nobody changes. */
export function jsonOnce(value: object): Uint8Array<ArrayBuffer> {
  const bytes = made.get(value) ?? encoder.encode(JSON.stringify(value))
  made.set(value, bytes)
  return bytes
}
