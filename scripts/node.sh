#!/bin/sh
# sh scripts/node.sh [node flags] script.ts [arguments]: runs a script of this checkout with a Node that runs TypeScript
# as it stands, on any machine that has npm and some Node. It installs the dependencies where they are missing or other
# than package-lock.json says (it prints one line), and is done in 0.1 s where all is there.
#
# A relative script is looked for in the checkout, so that this works from any folder; arguments stay as they are.
set -eu

root=$(CDPATH= cd -- "$(dirname -- "$0")/.." && pwd -P)
stamp=$root/node_modules/.reelmesh-lock

# The lock's checksum, as cksum says it on every system: written when node_modules was last seen to agree with it.
lock=$(cksum <"$root/package-lock.json")

# Whether what is installed is what the lock names, whoever installed it: npm keeps its own list. Optional packages of
# other machines may be missing.
is_installed() {
  [ -f "$root/node_modules/.package-lock.json" ] && node -e '
    const [want, have] = process.argv.slice(1).map((file) => JSON.parse(require("fs").readFileSync(file, "utf8")).packages)
    const isThere = ([path, { version, optional }]) => !path || (have[path] ? have[path].version === version : optional)
    process.exit(Object.entries(want).every(isThere) ? 0 : 1)
  ' "$root/package-lock.json" "$root/node_modules/.package-lock.json" 2>/dev/null
}

if [ "$(cat "$stamp" 2>/dev/null)" != "$lock" ]; then
  if ! is_installed; then
    if ! command -v npm >/dev/null; then
      echo "reelmesh needs npm to install its dependencies: install Node with npm." >&2
      exit 1
    fi
    echo "reelmesh: installing the dependencies (npm ci)" >&2
    if ! (cd "$root" && npm ci --include=dev --include=optional --loglevel=error >&2 </dev/null); then
      echo "reelmesh: npm ci failed (see above); nothing else was changed." >&2
      exit 1
    fi
  fi
  echo "$lock" >"$stamp"
fi

. "$root/bin/find-node.sh"
find_node "$root/node_modules" || exit 1
PATH=$(dirname "$node"):$PATH
export PATH

# What is experimental in Node (SQLite, or stripping types in 24.0) is our decision; all other warnings stay.
set -- --disable-warning=ExperimentalWarning "$@"
# The script is the first argument that is not a flag: make it absolute, leave the order as it is.
count=$#
found=
while [ "$count" -gt 0 ]; do
  argument=$1
  shift
  case $found$argument in
    -*) ;;
    "$argument")
      found=yes
      case $argument in
        /*) ;;
        *) [ -f "$root/$argument" ] && argument=$root/$argument ;;
      esac
      ;;
  esac
  set -- "$@" "$argument"
  count=$((count - 1))
done
exec "$node" "$@"
