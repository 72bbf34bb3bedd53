/** What `open` says when MongoDB cannot serve: one sentence, never the password; and what it makes when it can. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { MongoClient } from 'mongodb'
import { systemClock, systemRng } from '../../node/host/system-clock.ts'
import { LedgerUnavailable, ReelmeshError, UsageError } from '../../protocol/errors.ts'
import { silentLog } from '../../protocol/log.ts'
import { bareMongod, guardedMongod, TLS_PEM } from '../../testing/tools/bare-mongod.ts'
import { freePorts } from '../../testing/tools/free-ports.ts'
import { startMongod } from '../../testing/tools/mongod.ts'
import { databaseName, describeUrl } from './address.ts'
import { FERRET, NAMELESS, NX, SECANTUS, startLookAlike, WIRE_OF_4_2 } from './look-alike.fixture.ts'
import { createMongoLedger } from './mongo-ledger.ts'
import { ReplyEater } from './reply-eater.fixture.ts'

const ledgerAt = (url: string) => createMongoLedger({ url, clock: systemClock, rng: systemRng, log: silentLog })

async function refused(url: string, sentence: RegExp, as: typeof UsageError | typeof LedgerUnavailable = UsageError) {
  const ledger = ledgerAt(url)
  await assert.rejects(ledger.open(), (error) => {
    assert.ok(error instanceof as, String(error))
    assert.match(error.message, sentence)
    assert.doesNotMatch(error.message, /s3cret|\n/)
    return true
  })
  await ledger.close()
}

test('addresses are shown without credentials, with their ports and database', () => {
  assert.equal(describeUrl('mongodb://me:s3cret@a,b:1/films?x=1'), 'a:27017,b:1')
  assert.equal(describeUrl('mongodb+srv://me:s3cret@cluster.example/films'), 'cluster.example')
  for (const password of ['s3@cret', 's3/cret', 's3?cret', 's3/c@ret', 's3/c?r@et']) {
    const url = `mongodb://me:${password}@host/films`
    assert.doesNotMatch(describeUrl(url) + databaseName(url), /s3|cret|ret|me:/, url)
  }
  assert.deepEqual(['mongodb://a/', 'mongodb://a', 'mongodb://a/films?x'].map(databaseName), [
    'reelmesh',
    'reelmesh',
    'films',
  ])
})

test('an address of another kind, and one where no server answers', async () => {
  await refused('postgres://me:s3cret@host/x', /neither a file nor an address like mongodb/)
  await refused('mongodb://me:s3cret@127.0.0.1:1/x?nonsense=1', /address \(127\.0\.0\.1:1\) is not valid/)
  const [port] = await freePorts(1)
  await refused(
    `mongodb://me:s3cret@127.0.0.1:${port}/x?serverSelectionTimeoutMS=500`,
    new RegExp(`no MongoDB answers at 127.0.0.1:${port} .*refused`, 'i'),
    LedgerUnavailable,
  )
})

test('a single server, and a set that was never initiated', async (t) => {
  const single = await bareMongod(t)
  await refused(`mongodb://${single}/x`, /is a single server, not a replica set.*rs\.initiate/)
  const named = `mongodb://${single}/x?replicaSet=rs0&serverSelectionTimeoutMS=700`
  await refused(named, /is a single server, not a replica set.*rs\.initiate/)
  await refused(
    `mongodb://127.0.0.1:1/x?replicaSet=rs0&serverSelectionTimeoutMS=700`,
    /no MongoDB answers/,
    LedgerUnavailable,
  )
  const ghost = await bareMongod(t, '--replSet', 'rs0')
  await refused(`mongodb://${ghost}/x?serverSelectionTimeoutMS=700`, /never initiated/)
})

test('a wrong password, and a user without rights', async (t) => {
  const host = await guardedMongod(t)
  await refused(
    `mongodb://reader:wrong-s3cret@${host}/films?authSource=admin&serverSelectionTimeoutMS=2000`,
    /refuses the user or password/,
  )
  await refused(`mongodb://reader:s3cret@${host}/films?authSource=admin`, /may not read and write the database films/)
})

test('TLS that only one side speaks, and a certificate that is not trusted here', async (t) => {
  const guarded = await bareMongod(t, '--replSet', 'rs0', '--tlsMode', 'requireTLS', '--tlsCertificateKeyFile', TLS_PEM)
  const shortTimeout = 'serverSelectionTimeoutMS=1000'
  await refused(`mongodb://${guarded}/x?${shortTimeout}`, /hangs up at the first word.*add tls=true/)
  await refused(
    `mongodb://${guarded}/x?tls=true&${shortTimeout}`,
    /is not trusted here \(self-signed certificate\).*tlsCAFile=PATH/,
  )
  const trusted = `mongodb://${guarded}/x?tls=true&tlsCAFile=${TLS_PEM}&${shortTimeout}`
  await refused(trusted, /never initiated/)
  await refused(`${trusted}&directConnection=true`, /never initiated/)
  const plain = await bareMongod(t)
  await refused(`mongodb://${plain}/x?tls=true&${shortTimeout}`, /does not speak TLS.*leave tls=true out/)
})

for (const [name, kind, sentence] of [
  [
    'SecantusDB',
    SECANTUS,
    /is SecantusDB 0\.7\.0b3, though it says it is MongoDB 8\.2\.11, and answers otherwise \(\$\$NOW in a filter\): Reelmesh needs MongoDB itself, 6\.0 or newer$/,
  ],
  [
    'FerretDB',
    FERRET,
    /is FerretDB v1\.24\.2, though it says it is MongoDB 7\.0\.42, and answers otherwise \("partialFilterExpression" is not implemented yet\): Reelmesh needs MongoDB itself/,
  ],
  ['NX-27017', NX, /is NX-27017, though it says it is MongoDB 7\.0\.0: Reelmesh needs MongoDB itself, 6\.0 or newer$/],
  [
    'a server without a name',
    NAMELESS,
    /says it is MongoDB 7\.0\.5, and answers otherwise \(it takes an index that does not exist\): Reelmesh needs MongoDB/,
  ],
  ['a server of the wire version of MongoDB 4.2', WIRE_OF_4_2, /is older than 6\.0 \(it says 4\.2\): upgrade it/],
] as const)
  test(`${name} is named as what it is, with the name of a set or without`, async (t) => {
    const host = await startLookAlike(t, kind)
    await refused(`mongodb://${host}/films?serverSelectionTimeoutMS=2000`, sentence)
    if (kind.hello.setName === undefined)
      await refused(`mongodb://${host}/films?serverSelectionTimeoutMS=700&replicaSet=rs0`, sentence)
  })

test('an older server and a ledger of another version are refused; many may open at once; events are capped', async () => {
  await using mongod = await startMongod({ owned: true })
  await using old = Object.assign(await ReplyEater.start(mongod.members[0]!.host), {
    [Symbol.asyncDispose]: () => old.stop(),
  })
  old.rewrite('maxWireVersion', 13)
  await refused(old.url('old'), /is older than 6\.0 \(it says 6\.0\.5\): upgrade it/)
  const other = mongod.uriOf('films').replace(/replicaSet=\w+/, 'replicaSet=other&serverSelectionTimeoutMS=700')
  await refused(other, /is of the replica set reelmesh, not of other: correct replicaSet=/)
  const many = Array.from({ length: 6 }, () => ledgerAt(mongod.uriOf('films')))
  await Promise.all(many.map((ledger) => ledger.open()))
  await Promise.all(many.map((ledger) => ledger.close()))
  const client = new MongoClient(mongod.uri)
  const films = client.db('films')
  for (const { name } of await films.listCollections().toArray())
    assert.equal(await films.collection(name).countDocuments(), name === 'schema' ? 1 : 0, `the self-test left ${name}`)
  const [events] = await films.listCollections({ name: 'events' }).toArray()
  assert.partialDeepStrictEqual(events, { options: { capped: true, size: 16 * 1024 * 1024, max: 20_000 } })
  assert.deepEqual((await films.collection('chunks').indexes()).map(({ name }) => name).sort(), [
    '_id_',
    'backup',
    'claim',
    'done',
    'expired',
    'tried',
    'video',
  ])
  const schema = films.collection<{ _id: string; version: number }>('schema')
  for (const [version, says] of [
    [9, /made by a newer Reelmesh \(schema 9/],
    [1, /made by an older Reelmesh \(schema 1;.* delete it, or use another database$/],
  ] as const) {
    await schema.updateOne({ _id: 'schema' }, { $set: { version } })
    await refused(mongod.uriOf('films'), says)
  }
  await client.close()
})

/** Replies of one opening, those to the driver's own questions too, are fewer. */
const REPLIES_MAX = 80

test('a connection that is lost at any moment of an opening costs a second try, or one sentence', async () => {
  await using mongod = await startMongod({ owned: true })
  await using proxy = Object.assign(await ReplyEater.start(mongod.members[0]!.host), {
    [Symbol.asyncDispose]: () => proxy.stop(),
  })
  const [opened, unavailable] = [[] as number[], [] as number[]]
  for (let replies = 0; replies < REPLIES_MAX && proxy.cut === replies; replies++) {
    const ledger = ledgerAt(proxy.url('films'))
    proxy.cutAfter(replies)
    await ledger.open().then(
      () => opened.push(replies),
      (error: unknown) => {
        assert.ok(error instanceof LedgerUnavailable, `after ${replies} replies: ${error}`)
        assert.doesNotMatch(error.message, /\n/)
        unavailable.push(replies)
      },
    )
    await ledger.close()
  }
  assert.ok(proxy.cut > 15 && opened.length > unavailable.length, `${opened} opened, ${unavailable} did not`)
})

test('a command that the database refuses is one of our errors, in one sentence; lost rights may come back', async (t) => {
  const host = await guardedMongod(t)
  const root = new MongoClient(`mongodb://root:s3cret@${host}/films?authSource=admin`)
  t.after(() => root.close())
  await root.db('admin').command({ grantRolesToUser: 'reader', roles: [{ role: 'readWrite', db: 'films' }] })
  const ledger = ledgerAt(`mongodb://reader:s3cret@${host}/films?authSource=admin`)
  t.after(() => ledger.close())
  await ledger.open()
  await assert.rejects(ledger.video({ $nonsense: 1 } as never), (error) => {
    assert.ok(error instanceof ReelmeshError && error.code === 'ledger_refused', String(error))
    assert.doesNotMatch(error.message, /\n|s3cret/)
    return true
  })
  await root.db('admin').command({ revokeRolesFromUser: 'reader', roles: [{ role: 'readWrite', db: 'films' }] })
  await assert.rejects(ledger.addMember('ann' as never, 1_000), LedgerUnavailable)
})
