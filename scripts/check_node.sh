#!/bin/sh
# check_node.sh: says what to install where Node.js >= 20 or npm is missing.
set -eu

fail() {
  echo "Node.js 20 or newer is needed to build the widgets' JavaScript: $1" >&2
  echo "Install it from nodejs.org or your package manager (Debian, Ubuntu: nodejs and npm; macOS: brew install node)." >&2
  echo "A published wheel of nsm_widgets carries the built JavaScript and needs no Node.js." >&2
  exit 1
}

command -v node >/dev/null 2>&1 || fail "no 'node' was found."
version=$(node --version)
major=${version#v}
[ "${major%%.*}" -ge 20 ] || fail "found $version."
command -v npm >/dev/null 2>&1 || fail "node was found, but not 'npm', which comes with it or as a package of its own."
