/**
 * A MongoDB to develop against: `sh scripts/node.sh scripts/mongod.ts [--members 3]` prints its address and keeps it
 * until Ctrl-C. Its data is gone afterwards.
 */
import { parseArgs } from 'node:util'
import { startMongod } from '../testing/tools/mongod.ts'

const { values } = parseArgs({ options: { members: { type: 'string', default: '1' } } })
if (values.members !== '1' && values.members !== '3') {
  console.error('--members is 1 or 3')
  process.exit(2)
}
const mongod = await startMongod({ members: values.members === '3' ? 3 : 1, owned: true })
console.log(mongod.uri)
console.error(`mongod ${mongod.pids.join(', ')}; Ctrl-C ends it and removes its data`)
await new Promise<void>((resolve) => {
  const keepAlive = setInterval(() => {}, 60_000)
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.once(signal, () => {
      clearInterval(keepAlive)
      resolve()
    })
  }
})
await mongod.stop()
