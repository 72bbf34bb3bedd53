/** What a heartbeat's host word says: a name, and the machine under it, `NAME-XXXXXXXX`. Containers of one machine differ in name. */
export const machineOf = (host: string): string => /-([0-9a-f]{8})$/.exec(host)?.[1] ?? host

/** The machines under these host words. */
export const machinesOf = (hosts: Iterable<string>): ReadonlySet<string> => new Set([...hosts].map(machineOf))
