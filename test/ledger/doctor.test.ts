/** `reelmesh doctor` at real databases that cannot serve: one sentence that says what to do, exit code 1; a node at its start says the same. */
import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { ReplyEater } from '../../ledger/mongo/reply-eater.fixture.ts'
import { atEnd } from '../../testing/tools/at-end.ts'
import { bareMongod, guardedMongod, TLS_PEM } from '../../testing/tools/bare-mongod.ts'
import { folder } from '../../testing/tools/folder.ts'
import { freePorts } from '../../testing/tools/free-ports.ts'
import { startMongod } from '../../testing/tools/mongod.ts'
import { type CliResult, runCli } from '../../testing/tools/run-cli.ts'

interface Finding {
  readonly what: string
  readonly level: string
  readonly text: string
}

async function doctor(t: TestContext, ledger: string, env: NodeJS.ProcessEnv = {}): Promise<Finding[] & CliResult> {
  const dir = await folder(t)
  const result = await runCli(['doctor', '--json', '--ledger', ledger], { cwd: dir, dataDir: `${dir}/data`, env })
  return Object.assign(JSON.parse(result.stdout) as Finding[], result)
}

/** The ledger is all that is wrong here, in this sentence, which a node says, too, before it ends with this code. */
async function refuses(t: TestContext, ledger: string, sentence: RegExp, code: 2 | 3 = 2): Promise<void> {
  const findings = await doctor(t, ledger)
  assert.equal(findings.code, 1)
  const bad = findings.filter(({ level }) => level === 'bad')
  assert.deepEqual(
    bad.map(({ what }) => what),
    ['ledger'],
  )
  assert.match(bad[0]?.text ?? '', sentence)
  assert.doesNotMatch(findings.stdout, /s3cret/)
  const dir = await folder(t)
  const node = await runCli(['node', '--ledger', ledger], { cwd: dir, dataDir: `${dir}/data` })
  assert.equal(node.code, code)
  assert.equal(node.stderr, `reelmesh: ${bad[0]?.text}\n`)
}

test('a database that is not there, or no replica set', async (t) => {
  const [port] = await freePorts(1)
  await refuses(
    t,
    `mongodb://127.0.0.1:${port}/x?serverSelectionTimeoutMS=700`,
    /^no MongoDB answers .*: start it, or/,
    3,
  )
  const single = await bareMongod(t)
  await refuses(t, `mongodb://${single}/x`, /^the MongoDB .* is a single server.*start it with --replSet rs0/)
})

test('a wrong password, and a user that may only read', async (t) => {
  const host = await guardedMongod(t)
  const query = 'films?authSource=admin&serverSelectionTimeoutMS=2000'
  await refuses(t, `mongodb://root:wrong-s3cret@${host}/${query}`, /refuses the user or password .*: correct them/)
  await refuses(t, `mongodb://reader:s3cret@${host}/${query}`, /may not read and write the database films .*: grant/)
  const fine = await doctor(t, `mongodb://root:s3cret@${host}/${query}`)
  assert.equal(fine.code, 0, fine.stdout)
})

test('TLS that only the server speaks', async (t) => {
  const host = await bareMongod(t, '--replSet', 'rs0', '--tlsMode', 'requireTLS', '--tlsCertificateKeyFile', TLS_PEM)
  await refuses(t, `mongodb://${host}/x?serverSelectionTimeoutMS=700`, /only takes TLS: add tls=true/)
})

test('a database that is too old, and a clock that is wrong', async (t) => {
  await using mongod = await startMongod({ owned: true })
  const old = await ReplyEater.start(mongod.members[0]!.host)
  atEnd(t, () => old.stop())
  old.rewrite('maxWireVersion', 13)
  await refuses(t, old.url('old'), /is older than 6\.0 \(it says 6\.\d.*\): upgrade it.*Reelmesh needs 6\.0 or newer/)

  const shift = 'const now = Date.now; Date.now = () => now() + 90_000'
  const env = { NODE_OPTIONS: `--import=data:text/javascript,${encodeURIComponent(shift)}` }
  const findings = await doctor(t, mongod.freshUri(), env)
  const bad = findings.filter(({ level }) => level === 'bad')
  assert.deepEqual(
    bad.map(({ what }) => what),
    ['clock'],
  )
  assert.match(bad[0]?.text ?? '', /clock is (?:89|90)\.\d s ahead of the ledger's: .*; set up NTP/)
  assert.equal(findings.code, 1)
  assert.equal((await doctor(t, mongod.freshUri())).code, 0)
})
