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

# JupyterLab looks for itself and for its extensions below its own environment
share="$root/$dir/share/jupyter"
mkdir -p "$share/labextensions/@jupyter-widgets"
ln -sfn "$root/.venv/share/jupyter/lab" "$share/lab"
for extension in "$root"/.venv/share/jupyter/labextensions/*; do
  case $extension in
    */@jupyter-widgets) ln -sfn "$extension/jupyterlab-manager" "$share/labextensions/@jupyter-widgets/jupyterlab-manager" ;;
    *) ln -sfn "$extension" "$share/labextensions/${extension##*/}" ;;
  esac
done
