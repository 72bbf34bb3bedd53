/** Which machine a peer runs on, by the `host` of its heartbeat. */

/**
 * The machine named in a heartbeat's `host`, `NAME-XXXXXXXX`: its last 8 hex digits, or the whole text without them. Containers of one
 * machine differ in the name only.
 */
export const machineOf = (hostId: string): string => /-([0-9a-f]{8})$/.exec(hostId)?.[1] ?? hostId

/** The different machines among these `host` texts. */
export const machinesOf = (hostIds: Iterable<string>): ReadonlySet<string> => new Set([...hostIds].map(machineOf))
