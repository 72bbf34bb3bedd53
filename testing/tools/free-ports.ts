/**
 * Ports that nothing listens on just now, from a range below the one that systems hand out for outgoing connections
 * (32,768 and up on Linux): a server that is stopped and started again finds its port still free.
 */
import { randomInt } from 'node:crypto'
import { createServer } from 'node:net'

const RANGE = { from: 20_000, to: 32_000 } as const

export async function freePorts(count: number): Promise<number[]> {
  const ports = new Set<number>()
  for (let tries = 0; ports.size < count; tries++) {
    if (tries > 1_000) throw new Error(`no ${count} free ports between ${RANGE.from} and ${RANGE.to}`)
    const port = randomInt(RANGE.from, RANGE.to)
    if (await isFree(port)) ports.add(port)
  }
  return [...ports]
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer()
    server.once('error', () => resolve(false))
    server.listen({ port, host: '127.0.0.1' }, () => server.close(() => resolve(true)))
  })
}
