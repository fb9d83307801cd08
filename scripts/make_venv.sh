#!/bin/sh
# make_venv.sh DIR: makes a virtual environment in DIR, unless one with a good Python is there.
# PYTHON chooses the interpreter; else the default python3 if it suits, else the newest suitable one.
set -eu
dir=$1

# the versions that torch and the others ship wheels for; a newer one is taken only where nothing else is there
supported='import sys, venv, ensurepip; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 14))'
new_enough='import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))'

can() { "$1" -c "$2" >/dev/null 2>&1; }

if can "$dir/bin/python" "$new_enough"; then
  exit 0
fi

find_python() {
  if [ -n "${PYTHON:-}" ]; then
    can "$PYTHON" "$new_enough" && echo "$PYTHON"
    return
  fi
  for candidate in python3 python3.13 python3.12 python3.14 python3.11 python; do
    if can "$candidate" "$supported"; then echo "$candidate"; return; fi
  done
  if can python3 "$new_enough"; then echo python3; fi
}

python=$(find_python || true)
if [ -z "$python" ]; then
  found=$("${PYTHON:-python3}" --version 2>/dev/null || echo "none")
  echo "Python 3.11 or newer, with its venv module, is needed; found: ${PYTHON:-python3}, $found." >&2
  echo "Install it from python.org or your package manager (Debian, Ubuntu: python3 and python3-venv)," >&2
  echo "or name one: make PYTHON=/path/to/python3.12 ..." >&2
  exit 1
fi
echo "Making $dir with $("$python" --version)"
"$python" -m venv --clear "$dir"
