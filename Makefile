# Two commands matter: `make demo` and `make test`. Both need Python 3.11 or newer and nothing else.
PYTHON ?= python3
BIN := .venv/bin
HOME_DIR ?= sightline-data
PORT ?= 8000

.PHONY: install demo test check docs sbom audit bench lock clean

install: .venv/installed

.venv/installed: locks/runtime.txt pyproject.toml
	@$(PYTHON) -c "import sys; sys.exit(sys.version_info < (3, 11))" || { echo "Sightline needs Python 3.11 or newer."; exit 1; }
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r locks/runtime.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

.venv/tested: .venv/installed locks/test.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r locks/test.txt
	@touch $@

demo: install
	$(BIN)/python frontend/build.py
	$(BIN)/sightline demo --home $(HOME_DIR) --port $(PORT)

# Everything CI runs.
test: .venv/tested
	$(BIN)/python frontend/build.py
	$(MAKE) check
	$(BIN)/python -m pytest -n auto --dist loadfile --no-loadscope-reorder -m "not browser"
	$(BIN)/python -m pytest -n auto --dist loadfile --no-loadscope-reorder -m browser
	@if [ -n "$$SIGHTLINE_TEST_POSTGRES" ]; then \
		echo "The application's tests again, on PostgreSQL"; \
		SIGHTLINE_TEST_DATABASE_URL="$$SIGHTLINE_TEST_POSTGRES" $(BIN)/python -m pytest -n auto --dist loadfile --no-loadscope-reorder -m "not browser" -k "web and not leaks"; \
	else \
		echo "Not run: the application's tests on PostgreSQL (set SIGHTLINE_TEST_POSTGRES to a server's address)"; \
	fi
	$(MAKE) docs

check: .venv/tested
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

docs: .venv/tested
	$(BIN)/python -m sightline.cli.reference docs/reference
	$(BIN)/mkdocs build --strict --quiet

# What this release is made of, and whether anything of it is known to be unsafe (says so where it cannot ask).
sbom: .venv/tested
	$(BIN)/python -m security.sbom sbom.cdx.json

audit: .venv/tested
	$(BIN)/python -m security.audit

bench: .venv/tested
	$(BIN)/python -m benchmarks

# Pins every dependency with its hashes (needs uv). No address of a registry is written.
lock:
	uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-annotate --no-header --group build pyproject.toml --extra postgres -o locks/runtime.txt
	uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-annotate --no-header --group build --group test --group docs pyproject.toml --extra postgres -c locks/runtime.txt -o locks/test.txt
	uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-annotate --no-header --group assets -o locks/assets.txt
	uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-annotate --no-header --group reference pyproject.toml -c locks/test.txt -o locks/reference.txt

clean:
	rm -rf .venv site sightline-data test-results sightline/web/static/built
