from snakemake.utils import min_version

min_version("9.25")


configfile: "config/config.yaml"


report: "workflow/report/workflow.rst"


include: "workflow/rules/common.smk"
include: "workflow/rules/downloads.smk"
include: "workflow/rules/tasks.smk"
include: "workflow/rules/models.smk"
include: "workflow/rules/features.smk"
include: "workflow/rules/probe.smk"
include: "workflow/rules/official.smk"
include: "workflow/rules/exhibits.smk"
include: "workflow/rules/compare.smk"
include: "workflow/rules/leaderboard.smk"
include: "workflow/rules/measure.smk"
include: "workflow/rules/report.smk"
include: "workflow/rules/reproduction.smk"
include: "workflow/rules/pretrain.smk"


rule all:
    input:
        STUDY.exhibits(),
        STUDY.report,
        OFFICIAL.exhibits(),
        OFFICIAL.report,
