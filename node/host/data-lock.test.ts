/** One process owns a data folder, and a dead one owns nothing. */
import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { afterEach, beforeEach, describe, it } from 'node:test'
import { UsageError } from '../../protocol/errors.ts'
import { lockDataDir } from './data-lock.ts'

const LOCKER = `
  import { lockDataDir } from ${JSON.stringify(new URL('./data-lock.ts', import.meta.url).href)}
  globalThis.lock = await lockDataDir(process.argv[1])
  console.log('locked')
  setInterval(() => {}, 1000)
`

describe('the lock of a data folder', () => {
  let dir = ''
  let child: ChildProcess | null = null
  beforeEach(async () => {
    dir = await mkdtemp(join(tmpdir(), 'reelmesh-lock-'))
  })
  afterEach(async () => {
    if (child?.exitCode === null && child.signalCode === null) {
      child.kill('SIGKILL')
      await once(child, 'exit')
    }
    child = null
    await rm(dir, { recursive: true, force: true })
  })

  /** Resolves when another process has the lock. */
  async function lockElsewhere(): Promise<ChildProcess> {
    child = spawn(process.execPath, ['--input-type=module', '-e', LOCKER, dir], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    await once(child.stdout!, 'data')
    return child
  }

  it('refuses a second process and names the first', async () => {
    const { pid } = await lockElsewhere()
    await assert.rejects(lockDataDir(dir), (error: unknown) => {
      assert.ok(error instanceof UsageError)
      assert.ok(error.message.includes(`process ${pid}`) && error.message.includes(dir), error.message)
      return true
    })
  })

  it('is free again after kill -9', async () => {
    const first = await lockElsewhere()
    first.kill('SIGKILL')
    await once(first, 'exit')
    const lock = await lockDataDir(dir)
    lock.release()
  })

  it('is free again after its release, and may be released twice', async () => {
    const first = await lockDataDir(dir)
    await assert.rejects(lockDataDir(dir), UsageError)
    first.release()
    first.release()
    ;(await lockDataDir(dir)).release()
  })

  it('makes the folder where it is missing', async () => {
    ;(await lockDataDir(join(dir, 'deep', 'er'))).release()
  })

  it('says which folder cannot be used', async () => {
    await writeFile(join(dir, 'file'), '')
    await assert.rejects(
      lockDataDir(join(dir, 'file')),
      (error: Error) => error instanceof UsageError && error.message.includes('file cannot be used'),
    )
  })

  it('is refused in a folder of another version, old or new, and takes nothing from it', async () => {
    const first = await lockDataDir(dir)
    first.release()
    const again = await lockDataDir(dir)
    again.release()
    for (const [version, says] of [
      [0, /^the data folder .* was made by an older Reelmesh .* delete it, or use another folder with --data-dir$/],
      [99, /^the data folder .* was made by a newer Reelmesh .* use that version, or another folder with --data-dir$/],
    ] as const) {
      const database = new DatabaseSync(join(dir, 'lock.db'))
      database.exec(`PRAGMA user_version = ${version}`)
      database.close()
      await assert.rejects(lockDataDir(dir), (error) => error instanceof UsageError && says.test(error.message))
    }
  })
})
