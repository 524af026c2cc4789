from snakemake.utils import min_version

min_version("9.25")


configfile: "config/config.yaml"


include: "workflow/rules/common.smk"
include: "workflow/rules/downloads.smk"
include: "workflow/rules/tasks.smk"
include: "workflow/rules/features.smk"
include: "workflow/rules/probe.smk"
include: "workflow/rules/official.smk"
include: "workflow/rules/exhibits.smk"
include: "workflow/rules/judge.smk"
include: "workflow/rules/pretrain.smk"


rule all:
    input:
        STUDY.exhibits(),
        OFFICIAL.exhibits(),
