/** The engine that scripts/test-docker.ts has found or started, asked with the `docker` command. */
import { type ExecaError, execa } from 'execa'

const host = process.env.DOCKER_HOST ?? ''
/** What the launcher is given: the path of a socket, or an address. */
export const SOCKET = host.startsWith('unix://') ? host.slice('unix://'.length) : host || '/var/run/docker.sock'

/** The output of a command. Rejects with all output of Docker. */
export async function docker(...args: string[]): Promise<string> {
  return await dockerWith({}, ...args)
}

export async function dockerWith(env: Record<string, string>, ...args: string[]): Promise<string> {
  try {
    return (await execa('docker', args, { stdin: 'ignore', env })).stdout.trim()
  } catch (error) {
    const { stderr, stdout, shortMessage } = error as ExecaError
    throw new Error(`docker ${args.join(' ')} failed: ${String(stderr || stdout || shortMessage).trim()}`, {
      cause: error,
    })
  }
}
