#!/bin/sh
# make_bench_venv.sh DIR: an environment with what .venv has, and requirements/bench.txt on top, so that the tools
# nsm_widgets is measured against never reach .venv, and torch and JupyterLab are not installed a second time.
set -eu
dir=$1
root=$(pwd)

sh scripts/make_venv.sh "$dir"
packages() { "$1/bin/python" -c 'import sysconfig; print(sysconfig.get_path("purelib"))'; }

# addsitedir, not a bare path: it also follows the link to the project that an editable install leaves
echo "import site; site.addsitedir('$(packages "$root/.venv")')" > "$(packages "$root/$dir")/zz_main_environment.pth"
"$dir/bin/python" -m pip install --quiet --no-deps -r requirements/bench.txt

# JupyterLab looks for itself and its extensions below its own environment, and an export for its widgets' modules
share="$root/$dir/share/jupyter"
link_all() { # link_all FROM TO: what is in FROM and not in TO; a scope (@jupyter-widgets) is a folder of its own
  mkdir -p "$2"
  for one in "$1"/*; do
    case ${one##*/} in
      @*) link_all "$one" "$2/${one##*/}" ;;
      *) [ -d "$2/${one##*/}" ] && [ ! -L "$2/${one##*/}" ] || ln -sfn "$one" "$2/${one##*/}" ;;
    esac
  done
}
mkdir -p "$share"
ln -sfn "$root/.venv/share/jupyter/lab" "$share/lab"
link_all "$root/.venv/share/jupyter/labextensions" "$share/labextensions"
link_all "$root/.venv/share/jupyter/nbextensions" "$share/nbextensions"
