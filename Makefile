# make        install into .venv and run the default study; ARGS=... is passed to Snakemake
# make test   install and run the tests
# make provenance Snakemake's own report of the default study (ARGS=... as for make)
# make readme write the default study's tables into README.md
PYTHON ?= $(shell command -v python3.11 || command -v python3)
CORES ?= 2
ARGS ?=
BIN = .venv/bin
INSTALLED = .venv/.installed

.PHONY: run test readme provenance
run: $(INSTALLED)
	@$(BIN)/python -m workflow.launch --cores $(CORES) $(ARGS)

test: $(INSTALLED)
	$(BIN)/python -m pytest

provenance: run
	@$(BIN)/python -m workflow.launch --cores 1 --report results/provenance.html $(ARGS)

readme: run
	@$(BIN)/python -m workflow.readme

$(INSTALLED): requirements.txt requirements-models.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info[:2] != (3, 11) and "make: Python 3.11 is needed, found %d.%d" % sys.version_info[:2])'
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv
	@echo 'make: installing into .venv'
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements.txt
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps -r requirements-models.txt
	@touch $@

# Environments of the references, for the benchmarks: the last line of their requirements without
# what it asks for.
.envs/hear21passt: workflow/envs/hear21passt.txt
	$(PYTHON) -m venv $@
	@$@/bin/python -m pip install --quiet --disable-pip-version-check $$(grep -v -e '^#' -e hear21passt $<)
	@$@/bin/python -m pip install --quiet --disable-pip-version-check --no-deps $$(grep '^hear21passt' $<)
	@touch $@
