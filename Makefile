# Every target sets up what it needs by itself. Nothing has to be typed first.
PYTHON ?= python3
VENV   ?= .venv
BIN    := $(VENV)/bin
READY  := $(VENV)/.ready
# A screen, or a virtual one with software OpenGL where there is none.
SCREEN  = $(if $(DISPLAY)$(WAYLAND_DISPLAY)$(filter Darwin,$(shell uname)),,xvfb-run -a -s "-screen 0 1366x768x24")

.PHONY: help demo test lint check bench screenshots clean

help:            ## this list
	@grep -E '^[a-z]+: .*##' $(MAKEFILE_LIST) | sed 's/:.*##/\t/'

$(READY): pyproject.toml constraints.txt tools/system-packages
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check uv
	$(BIN)/uv pip install --quiet --python $(BIN)/python --constraint constraints.txt --editable ".[dev]"
	sh tools/system-packages
	touch $@

demo: $(READY)   ## the whole job on the sample study, into ./demo
	$(SCREEN) $(BIN)/napari-cellseg demo --output demo $(if $(DISPLAY)$(WAYLAND_DISPLAY),--show,)

test: $(READY)   ## all tests, on a virtual screen where there is no real one
	$(SCREEN) $(BIN)/python -m pytest $(ARGS)

lint: $(READY)   ## style, types, layering, docstrings
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python -m numpydoc.hooks.validate_docstrings $$(git ls-files 'src/*.py')

check: lint test ## what has to pass before a change is merged

bench: $(READY)  ## measure quality, speed and responsiveness (see benchmarks/)
	$(SCREEN) $(BIN)/python -m benchmarks

screenshots: $(READY)  ## renew the pictures of the user guide from the running program
	$(SCREEN) $(BIN)/python -m docs.take_screenshots

clean:           ## remove the virtual environment and what was built
	rm -rf $(VENV) dist build demo
