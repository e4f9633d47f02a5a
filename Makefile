# `make` lists what there is. Every target first does what is missing of the set-up. Written for GNU make 3.81 and later.

PYTHON ?= python3
# a PYTHON that was asked for is the one that is used; without one, a newer Python than python3 is looked for where that is too old
PYTHONS = $(PYTHON) $(if $(filter file,$(origin PYTHON)),python3.13 python3.12 python3.11)
BIN = .venv/bin
PIP = $(BIN)/python -m pip install --disable-pip-version-check
READY = .venv/ready
FIRST = $(firstword $(wildcard notebooks/00_start_here.ipynb) notebooks/01_query_key_value.ipynb)

.PHONY: help lab test test-long check notebooks slides stale lint format pins clean

help:
	@echo 'make lab        open JupyterLab on the first notebook (OPTIONS="--no-browser --port 9999": passed on)'
	@echo 'make test       run what every change has to pass: lint, the unit tests, every notebook'
	@echo 'make test-long  run what is slow and rarely breaks: runs that are killed, a full install of the wheel'
	@echo 'make check      check one page: lint, guard, drawings, cells, deck (ONLY="07": which; no network is needed)'
	@echo 'make notebooks  make notebooks, exercises and solutions from notebooks/src (ONLY="07 09": these; FORCE=1: also those that agree)'
	@echo 'make slides     make a deck of each notebook: slides/*.html, each one file to open with no network (ONLY="04": that one)'
	@echo 'make stale      list what is out of step with what it rests on, and how to rebuild it'
	@echo 'make lint       check the style, the layout and the types of the code'
	@echo 'make format     lay the code out as lint wants it'
	@echo 'make pins       choose the versions in requirements.txt anew, from pyproject.toml'
	@echo 'make clean      delete .venv and all caches'

# a learner works on copies of the exercises; one that is there is never overwritten
lab: $(READY)
	@mkdir -p notebooks/my
	@for stub in notebooks/exercises/*.ipynb; do \
	  copy=notebooks/my/$${stub##*/}; if [ -e "$$stub" ] && [ ! -e "$$copy" ]; then cp "$$stub" "$$copy"; fi; done
	cd $(dir $(FIRST)) && JUPYTER_CONFIG_PATH="$(CURDIR)/.jupyter$${JUPYTER_CONFIG_PATH:+:$$JUPYTER_CONFIG_PATH}" \
	  ../$(BIN)/python -m jupyterlab $(OPTIONS) $(notdir $(FIRST))

test: $(READY)
	@$(BIN)/python tools/check.py

test-long: $(READY)
	@$(BIN)/python tools/check.py long

check: $(READY)
	@$(BIN)/python tools/check.py page $(ONLY)

notebooks: $(READY)
	@$(BIN)/python tools/build_notebooks.py $(if $(ONLY),--only $(ONLY)) $(if $(FORCE),--force)

slides: $(READY)
	@$(BIN)/python tools/slides.py $(if $(ONLY),--only $(ONLY))

stale: $(READY)
	@$(BIN)/python tools/stale.py

lint: $(READY)
	@$(BIN)/python tools/check.py lint

format: $(READY)
	@$(BIN)/python -m ruff format

# The file is made last, so that an interrupted set-up is not taken for a finished one.
$(READY): requirements.txt pyproject.toml
	@rm -f $@
	@$(BIN)/python -c 'import sys, pip; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || { \
	  met=; for python in $(PYTHONS) ''; do \
	    version=$$("$$python" -c 'import platform; print("Python " + platform.python_version())' 2>/dev/null || echo 'not found'); \
	    if "$$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then break; fi; \
	    met="$$met $$python: $$version;"; \
	  done; \
	  if [ -z "$$python" ]; then \
	    echo "bertnotes needs Python 3.11 or newer; met here:$${met% : not found;}" >&2; \
	    echo 'Install a newer Python (3.11 to 3.13 are tested), then name it: make PYTHON=/path/to/python3.13 lab' >&2; exit 1; fi; \
	  if ! "$$python" -c 'import ensurepip, venv' 2>/dev/null; then \
	    echo "$$python ($$version) lacks venv or ensurepip, which make .venv; bertnotes needs both." >&2; \
	    echo 'Install them (Debian, Ubuntu: apt install python3-venv), or name another Python: make PYTHON=/path/to/python lab' >&2; \
	    exit 1; fi; \
	  echo "Making .venv with $$version"; "$$python" -m venv --clear .venv; }
	@echo 'Installing the packages of requirements.txt into .venv; the first time takes minutes.'
	@if $(PIP) --quiet --no-index -r requirements.txt 2>/dev/null; then \
	  echo 'All of them are there already; the network was not asked.'; \
	else $(PIP) $(if $(CI),--quiet) -r requirements.txt; fi || { \
	  echo "The set-up did not finish: see above. .venv has `$(BIN)/python --version`; 3.11 to 3.13 are tested." >&2; \
	  echo 'For another one: make clean, then make PYTHON=/path/to/python3.13 lab' >&2; exit 1; }
	@$(PIP) --quiet --no-build-isolation --no-deps -e .
	@touch $@

# torch's CUDA packages stay unpinned: some builds of torch need them, others do not, and torch itself names their versions.
# Pins that are still allowed stay as they are; delete a line of requirements.txt to have that one chosen anew.
pins: $(READY)
	$(PIP) --quiet uv
	$(BIN)/python -m uv pip compile --quiet --universal --fork-strategy fewest --no-annotate \
	  --custom-compile-command 'make pins' --extra lab --extra attribution --extra onnx --extra tables --extra test pyproject.toml --output-file requirements.txt
	grep -v -E '^(nvidia-|cuda-|triton=|httpx2-jsfetch=)' requirements.txt > .venv/pins
	mv .venv/pins requirements.txt

clean:
	rm -rf .venv .pytest_cache .ruff_cache .mypy_cache .hypothesis
	find . -name __pycache__ -prune -exec rm -rf {} +
