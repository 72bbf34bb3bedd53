# One peer of a Reelmesh mesh: Node, Debian's ffmpeg, and the program as one file.
#
#   docker build -t reelmesh .
#   docker run reelmesh node --ledger mongodb://… --swarm-key /keys/mesh.key --join /dns4/other/tcp/4001
#
# Every option is also a variable (REELMESH_LEDGER …). State is in /data: give it a volume where a peer that is created again
# should be the same peer. The image declares none: what a container without one leaves would be nobody's to remove.
# SIGTERM ends it cleanly: tini hands it on and reaps what ffmpeg leaves.

# With a digest where one is known: --build-arg NODE_IMAGE=node:26-bookworm-slim@sha256:…
ARG NODE_IMAGE=node:26-bookworm-slim
FROM ${NODE_IMAGE} AS build
WORKDIR /build
COPY package.json package-lock.json .npmrc ./
# No scripts: the bundle has no native code. --omit=optional would leave out esbuild's own binary.
RUN npm ci --ignore-scripts --loglevel=error
COPY . .
RUN node scripts/build.ts

FROM ${NODE_IMAGE}
RUN apt-get update \
 && apt-get install -y --no-install-recommends ffmpeg tini \
 && rm -rf /var/lib/apt/lists/* \
 && mkdir -p /data /keys /self-tests /videos/input /videos/outputs \
 && chown node:node /data /keys /self-tests /videos /videos/input /videos/outputs \
 && chmod 700 /data \
 && ln -s /app/bin/reelmesh /usr/local/bin/reelmesh
COPY --from=build /build/bin /app/bin
COPY --from=build /build/dist /app/dist
COPY LICENSE /app/
ENV NODE_ENV=production \
    REELMESH_DATA_DIR=/data \
    REELMESH_SELF_TEST_DIR=/self-tests \
    REELMESH_LISTEN=/ip4/0.0.0.0/tcp/4001
USER node
WORKDIR /data
EXPOSE 4001
# The socket answers while the peer lives, also when its ledger is away: that heals by itself, a restart would not help.
HEALTHCHECK --interval=10s --timeout=5s --start-period=60s --retries=3 CMD ["node", "-e", "require('http').get({ socketPath: process.env.REELMESH_DATA_DIR + '/control.sock', path: '/healthz' }, (r) => process.exit(r.statusCode === 200 ? 0 : 1)).on('error', () => process.exit(1))"]
ENTRYPOINT ["tini", "--", "reelmesh"]
CMD ["node"]
