#!/bin/sh
# install_browser.sh PYTHON: makes sure that the browser tests find a Chromium; tests/browser/harness looks in the same places.
set -eu
python=$1

# a name on PATH may be a stub that only tells how to install a browser
runs() { "$1" --version >/dev/null 2>&1 </dev/null; }

have_browser() {
  [ -n "${NSM_WIDGETS_BROWSER:-}" ] && return 0
  for name in chromium chromium-browser google-chrome google-chrome-stable; do
    if runs "$name"; then return 0; fi
  done
  downloaded=$("$python" - <<'PYTHON'
from playwright.sync_api import sync_playwright
with sync_playwright() as playwright:
    print(playwright.chromium.executable_path)
PYTHON
  ) && runs "$downloaded"
}

have_browser && exit 0

echo "== Installing Chromium for the browser tests"
if [ "$(id -u)" -eq 0 ] && grep -qsx 'ID=debian' /etc/os-release; then
  apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends chromium >/dev/null || true
  have_browser && exit 0
fi
"$python" -m playwright install chromium || true
have_browser && exit 0

echo "The browser tests need Chromium, and none was found or could be installed. Install chromium or google-chrome" >&2
echo "with your package manager, or name one: NSM_WIDGETS_BROWSER=/path/to/chromium make test" >&2
exit 1
