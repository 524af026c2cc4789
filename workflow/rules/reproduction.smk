"""Only for the real tasks with the released weights: nothing else can be judged by these scores."""

if STUDY.judged_model:

    rule check_reproduction:
        message:
            "check_reproduction: PaSST base of study {STUDY.name} against the published scores"
        input:
            summary=f"{RESULTS}/summary.csv",
            reference="resources/passt_reference_scores.csv",
            code=code("analysis/tables/reproduction.py"),
        output:
            csv=f"{RESULTS}/tables/reproduction.csv",
            md=f"{RESULTS}/tables/reproduction.md",
        params:
            model=STUDY.judged_model,
            label=STUDY.label(),
        localrule: True
        log:
            f"logs/{STUDY.name}/check_reproduction.log",
        conda:
            ENVIRONMENT
        script:
            "../scripts/check_reproduction.py"
