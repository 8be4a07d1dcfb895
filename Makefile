# Needs make, a POSIX shell and one Python of PYTHONS; everything else is installed into VENV.
#
#   make chat ARGS="--now 2026-03-01T09:00:00Z"   further arguments for what is started
#   make chat PYTHON=/opt/python/bin/python3      this Python and no other
#   make test PYTHONS=3.11 VENV=.venv-3.11        beside the everyday environment

VENV    = .venv
PYTHONS = 3.13 3.12 3.11
PYTHON ?=
ARGS    =
PY      = $(VENV)/bin/python

.PHONY: help chat setup dev test coverage lint types bench clean lock python
.NOTPARALLEL:

help:  ## this list
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/make \1|\2/p' Makefile | while IFS='|' read -r a b; do printf '%-12s %s\n' "$$a" "$$b"; done

chat: setup  ## talk to Viva in this terminal
	@exec $(PY) -m bot chat $(ARGS)

setup:  ## the virtual environment with what Viva needs to run
	@$(make_venv)
	@$(call install,run,packages,half a minute the first time)

dev: setup  ## the same with what its tests and checks need
	@$(call install,dev,packages for tests and checks,MongoDB among them)

test: dev  ## the tests
	@$(PY) -m pytest $(ARGS)

coverage: dev  ## the tests three times as slowly, and the lines none of them ran
	@$(PY) -m pytest $(ARGS) --cov

lint: dev types  ## format, lint and types: says what is wrong, changes nothing
	@$(PY) -m ruff format --check .
	@$(PY) -m ruff check .

types: dev  ## mypy --strict
	@$(PY) -m mypy

bench: dev  ## the benchmarks: tables here, JSON in bench/results
	@$(PY) -m bench $(ARGS)

clean:  ## remove environments and caches; what students said stays
	rm -rf .venv* .pytest_cache .mypy_cache .ruff_cache .hypothesis .coverage
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

lock:  ## write requirements/ anew from pyproject.toml; ARGS=--upgrade takes the newest of everything
	@$(lock)

python:  ## the Python that setup would take
	@$(find_python) && echo "$$found"

# Prints the interpreter behind a name if it has what we need: a venv can be made, SQLite and TLS are compiled in,
# and it has the GIL (there are few wheels without).
PROBE = import ensurepip, sqlite3, ssl, sys, sysconfig, venv; \
	version = "%d.%d" % sys.version_info[:2]; \
	fit = version in sys.argv[1:] if sys.argv[1:] else sys.version_info >= (3, 11); \
	sys.exit(1) if sysconfig.get_config_var("Py_GIL_DISABLED") or not fit else print(sys._base_executable)

WHICH = import sys; print(sys.base_prefix, sys.version)

# Sets $$found. Names are tried by running them: a pyenv shim stands on the PATH for versions that are not switched on,
# and hides a working Python of the same name further on.
define find_python
if [ -n "$(PYTHON)" ]; then \
	found=$$("$(PYTHON)" -c '$(PROBE)') || { echo "PYTHON=$(PYTHON) will not do: Viva needs a complete Python 3.11 or newer." >&2; exit 1; }; \
else \
	found=$$(IFS=:; set -f; set -- $$PATH; set +f; unset IFS; \
		for version in $(PYTHONS); do \
			for dir in "$$@" "$${PYENV_ROOT:-$$HOME/.pyenv}/versions/$$version"*/bin; do \
				for name in python$$version python3 python; do \
					[ -x "$$dir/$$name" ] && "$$dir/$$name" -c '$(PROBE)' $$version 2>/dev/null && exit; \
				done; \
			done; \
		done); \
	[ -n "$$found" ] || { \
		echo "No Python of $(PYTHONS) that works was found, on the PATH or in pyenv." >&2; \
		echo "On Debian or Ubuntu: apt-get install python3 python3-venv. Or name one: make PYTHON=/path/to/python3" >&2; \
		exit 1; }; \
fi
endef

# Anew when there is none or half of one, when its Python is gone or became another version (pip is then not found in
# it), or when PYTHON asks for another.
define make_venv
if [ -e $(VENV)/complete ] && $(PY) -c 'import pip' 2>/dev/null; then \
	[ -n "$(PYTHON)" ] || exit 0; \
	$(find_python); \
	[ "$$("$$found" -c '$(WHICH)')" != "$$($(PY) -c '$(WHICH)')" ] || exit 0; \
else \
	$(find_python); \
fi; \
[ ! -e $(VENV) ] || [ -e $(VENV)/pyvenv.cfg ] || { echo "$(VENV) is in the way: no virtual environment" >&2; exit 1; }; \
echo "Making $(VENV) with $$("$$found" -V)"; \
rm -rf $(VENV); \
"$$found" -m venv $(VENV) && touch $(VENV)/complete
endef

# $(1): run or dev, $(2): what these are, $(3): a remark. The lock is copied into the environment once it holds all of
# it, so a changed lock and an interrupted installation are both seen.
define install
cmp -s requirements/$(1).txt $(VENV)/$(1).txt || { \
	echo "Installing the $(2) ($(3))"; \
	PIP_USER=0 $(PY) -m pip install -q --no-input --disable-pip-version-check --no-deps --require-hashes \
		-r requirements/$(1).txt >$(VENV)/install.log 2>&1 || { cat $(VENV)/install.log; exit 1; }; \
	cp requirements/$(1).txt $(VENV)/$(1).txt; \
}
endef

# One lock for every system and for 3.11 upwards; it names no package index, so that yours is used.
define lock
set -e; $(find_python); \
tools=$$(mktemp -d); trap 'rm -rf "$$tools"' EXIT; \
"$$found" -m venv "$$tools"; "$$tools/bin/pip" install -q --disable-pip-version-check uv; \
compile() { "$$tools/bin/uv" pip compile -q --universal --python-version 3.11 --generate-hashes \
	--no-emit-index-url --custom-compile-command 'make lock' $(ARGS) pyproject.toml "$$@"; }; \
compile -o requirements/run.txt; \
compile --group dev -c requirements/run.txt -o requirements/dev.txt
endef
