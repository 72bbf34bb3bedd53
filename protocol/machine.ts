/** What a heartbeat's host word says: a name, and the machine under it, `NAME-XXXXXXXX`. Containers of one machine differ in name. */
export const machineOf = (hostId: string): string => /-([0-9a-f]{8})$/.exec(hostId)?.[1] ?? hostId

/** The machines under these host words. */
export const machinesOf = (hostIds: Iterable<string>): ReadonlySet<string> => new Set([...hostIds].map(machineOf))
