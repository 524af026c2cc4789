# make        install into .venv and run the default study; ARGS=... is passed to Snakemake
# make test   install; check format, lint and types; run the tests
# make fast   the tests that take seconds; make format lint types tests: one part of make test
# make provenance Snakemake's own report of the default study (ARGS=... as for make)
# make environment  write environment.yml from requirements.txt
# make heareval  install the reference evaluator into .venv-heareval, for evaluator=heareval
# make plan   hours, disk and memory of CONFIG=... and of smaller studies, before it is run
# make sizes  clips, sources and expected interval widths of the generated tasks of CONFIG=...
# make status how far CONFIG=... is while it runs: jobs, clips and fits of how many, time left
#             (these three, verify and publish take --config key=value in ARGS=...)
# make rehearse  rehearse config/paper.yaml on stand-ins, in rehearsal/: 30 minutes, 2 GiB
# make verify every link of CONFIG=..., once run, from archives to figures, by hash and samples
# make publish  tables, claims and figures of CONFIG=..., once run, into docs/<study>/
# make export  CONFIG=..., run if it was not, for other tools: RO-Crate, Croissant, scores as JSON
# make readme write the default study's tables and pictures into README.md and docs/
# make docs   the pages of docs/ as a site, site/index.html
# Python: the first of these that runs (a shim of pyenv may not) and whose tarfile has extraction
# filters (3.11 from 3.11.4 on), else python3; PYTHON=... takes another
VERSIONS = 3.11 3.12 3.13 3.14
PYTHON ?= $(shell for v in $(VERSIONS); do python$$v -c 'import tarfile; tarfile.data_filter' 2> /dev/null && echo python$$v && exit; done; echo python3)
CORES ?= 2
ARGS ?=
CONFIG ?= config/config.yaml
BIN = .venv/bin
INSTALLED = .venv/.installed
DOCS_INSTALLED = .venv/.installed-docs

.PHONY: run install test format lint types tests fast readme provenance environment heareval
.PHONY: plan sizes status rehearse publish export docs verify
run: $(INSTALLED)
	@$(BIN)/python -m workflow.commands.launch --cores $(CORES) $(ARGS)

install: $(INSTALLED)

test: format lint types tests

format: $(INSTALLED)
	$(BIN)/ruff format --check .
	$(BIN)/snakefmt --check Snakefile workflow

lint: $(INSTALLED)
	$(BIN)/ruff check .
	$(BIN)/codespell
	$(BIN)/snakemake --lint

types: $(INSTALLED)
	$(BIN)/mypy

tests: $(DOCS_INSTALLED)
	$(BIN)/python -m pytest -n $(CORES) --dist worksteal

fast: $(INSTALLED)
	$(BIN)/python -m pytest -n $(CORES) --dist worksteal -m "not slow"

provenance: run
	@$(BIN)/python -m workflow.commands.launch --cores 1 --report results/provenance.html $(ARGS)

plan: $(INSTALLED)
	@$(BIN)/python -m workflow.commands.plan --configfile $(CONFIG) $(ARGS)

sizes: $(INSTALLED)
	@$(BIN)/python -m workflow.commands.sizes --configfile $(CONFIG) $(ARGS)

status: $(INSTALLED)
	@$(BIN)/python -m workflow.commands.status --configfile $(CONFIG) $(ARGS)

verify: $(INSTALLED)
	@$(BIN)/python -m workflow.commands.verify --cores $(CORES) --configfile $(CONFIG) $(ARGS)

publish: $(INSTALLED)
	@$(BIN)/python -m workflow.commands.publish --configfile $(CONFIG) $(ARGS)

export: $(INSTALLED)
	@$(BIN)/python -m workflow.commands.launch --cores $(CORES) export --configfile $(CONFIG) $(ARGS)

rehearse: $(INSTALLED)
	@$(BIN)/python -m workflow.commands.rehearse --cores $(CORES)

readme: run
	@$(BIN)/python -m workflow.commands.readme

docs: $(DOCS_INSTALLED)
	@NO_MKDOCS_2_WARNING=1 $(BIN)/python -m mkdocs build --strict
	@echo 'make: site/index.html'

environment: $(INSTALLED)
	@$(BIN)/python -m workflow.commands.environment

heareval: .venv-heareval/.installed

.venv-heareval/.installed: workflow/envs/heareval.txt
	@test -x .venv-heareval/bin/python || $(PYTHON) -m venv .venv-heareval
	@echo 'make: installing heareval into .venv-heareval'
	@.venv-heareval/bin/python -m pip install --quiet --disable-pip-version-check -r $<
	@.venv-heareval/bin/python -m pip install --quiet --disable-pip-version-check --no-deps heareval==2021.1.3
	@touch $@

$(INSTALLED): requirements.txt requirements-models.txt
	@$(PYTHON) -c 'import sys, tarfile; v = "%d.%d" % sys.version_info[:2]; sys.exit(v not in "$(VERSIONS)".split() and "make: expected Python " + ", ".join("$(VERSIONS)".split()) + ", found " + v + "; PYTHON=... takes another" or not hasattr(tarfile, "data_filter") and "make: expected Python 3.11.4 or later, whose tarfile has extraction filters, found " + sys.version.split()[0] + "; PYTHON=... takes another")'
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv
	@echo 'make: installing into .venv'
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements.txt
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps -r requirements-models.txt
	@touch $@

$(DOCS_INSTALLED): requirements-docs.txt $(INSTALLED)
	@echo 'make: installing what the pages need into .venv'
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements-docs.txt
	@touch $@

# Environments of the references, for the benchmarks: the last line of their requirements without
# what it asks for.
.envs/hear21passt: workflow/envs/hear21passt.txt
	$(PYTHON) -m venv $@
	@$@/bin/python -m pip install --quiet --disable-pip-version-check $$(grep -v -e '^#' -e hear21passt $<)
	@$@/bin/python -m pip install --quiet --disable-pip-version-check --no-deps $$(grep '^hear21passt' $<)
	@touch $@
