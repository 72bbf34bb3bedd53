/** A mongod of one test with these very arguments: no member of a set, or one that demands TLS or a login. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { MongoClient } from 'mongodb'
import { atEnd, type Ends } from './at-end.ts'
import { freePorts } from './free-ports.ts'
import { ensureMongod } from './mongod-binary.ts'

/** Self-signed for 127.0.0.1, its key beside it; both for tests alone. */
export const TLS_PEM = join(import.meta.dirname, 'loopback.pem')

/** `host:port`. The argument `KEYFILE` becomes a file with a key that members of a set share. */
export async function bareMongod(t: Ends, ...args: string[]): Promise<string> {
  const dir = await mkdtemp(join(tmpdir(), 'reelmesh-bare-'))
  const [port] = await freePorts(1)
  const key = join(dir, 'key')
  await writeFile(key, 'c2VjcmV0a2V5b2Z0ZXN0cw==', { mode: 0o600 })
  const common = ['--dbpath', dir, '--port', String(port), '--bind_ip', '127.0.0.1', '--nounixsocket']
  const small = ['--wiredTigerCacheSizeGB', '0.25', '--oplogSize', '64']
  const named = args.map((each) => each.replace('KEYFILE', key))
  const child = spawn(await ensureMongod(), [...common, ...small, ...named], { stdio: 'ignore' })
  atEnd(t, async () => {
    if (child.exitCode === null) {
      child.kill('SIGKILL')
      await once(child, 'exit')
    }
    await rm(dir, { recursive: true, force: true })
  })
  const host = `127.0.0.1:${port}`
  const tls = args.includes('--tlsMode') ? `&tls=true&tlsCAFile=${TLS_PEM}` : ''
  const client = new MongoClient(`mongodb://${host}/?directConnection=true&serverSelectionTimeoutMS=30000${tls}`)
  await client.connect()
  await client.close()
  return host
}

/** A set of one that demands a login: `root` may everything, `reader` reads the database `films`; the password is `s3cret`. */
export async function guardedMongod(t: Ends): Promise<string> {
  const host = await bareMongod(t, '--replSet', 'rs0', '--keyFile', 'KEYFILE')
  const client = new MongoClient(`mongodb://${host}/?directConnection=true`)
  const admin = client.db('admin')
  await admin.command({ replSetInitiate: { _id: 'rs0', members: [{ _id: 0, host }] } })
  while (!(await admin.command({ hello: 1 })).isWritablePrimary) await new Promise((resolve) => setTimeout(resolve, 20))
  await admin.command({ createUser: 'root', pwd: 's3cret', roles: ['root'] })
  const root = new MongoClient(`mongodb://root:s3cret@${host}/?replicaSet=rs0`)
  await root.db('admin').command({ createUser: 'reader', pwd: 's3cret', roles: [{ role: 'read', db: 'films' }] })
  await Promise.all([root.close(), client.close()])
  return host
}
