# make        install into .venv and run the default study; ARGS=... is passed to Snakemake
# make test   install and run the tests
# make heareval  install the reference evaluator into .venv-heareval, for evaluator=heareval
# make readme write the default study's tables into README.md
PYTHON ?= $(shell command -v python3.11 || command -v python3)
CORES ?= 2
ARGS ?=
BIN = .venv/bin
INSTALLED = .venv/.installed

.PHONY: run test readme heareval
run: $(INSTALLED)
	@$(BIN)/python -m workflow.launch --cores $(CORES) $(ARGS)

test: $(INSTALLED)
	$(BIN)/python -m pytest

readme: run
	@$(BIN)/python -m workflow.readme

heareval: .venv-heareval/.installed

.venv-heareval/.installed: workflow/envs/heareval.txt
	@test -x .venv-heareval/bin/python || $(PYTHON) -m venv .venv-heareval
	@echo 'make: installing heareval into .venv-heareval'
	@.venv-heareval/bin/python -m pip install --quiet --disable-pip-version-check -r $<
	@.venv-heareval/bin/python -m pip install --quiet --disable-pip-version-check --no-deps heareval==2021.1.3
	@touch $@

$(INSTALLED): requirements.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info[:2] != (3, 11) and "make: Python 3.11 is needed, found %d.%d" % sys.version_info[:2])'
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv
	@echo 'make: installing into .venv'
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements.txt
	@touch $@
