#!/usr/bin/env bash
# requirements-models.txt for `snakemake --sdm conda`, written by
# `python -m workflow.commands.environment`.
set -euo pipefail
python -m pip install --no-deps torchcrepe==0.0.24 Resemblyzer==0.1.4 hearvalidator==2021.0.2
