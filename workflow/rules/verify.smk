# On request: snakemake --cores 2 verify. Without inputs, so that no other rule runs first.
rule verify:
    log:
        f"logs/{STUDY.name}/verify.log",
    localrule: True
    conda:
        ENVIRONMENT
    threads: lambda wildcards: workflow.cores
    message:
        "verify: every link of the finished study, by hash and a sample by value"
    script:
        "../scripts/verify.py"
