rule validate:
    message:
        "validate: does {wildcards.model} follow the HEAR API?"
    input:
        weights=lambda w: STUDY.weights(w.model),
    output:
        f"{RESULTS}/models/{{model}}.json",
    params:
        model=lambda w: STUDY.module_entry(w.model),
        kinds=STUDY.kinds(),
        settings=lambda w: STUDY.fingerprint(w.model),
    wildcard_constraints:
        model="|".join(STUDY.third_party()) or "none",
    priority: 200  # before anything that takes long, also before the tasks are made or fetched
    log:
        f"logs/{STUDY.name}/validate/{{model}}.log",
    benchmark:
        f"logs/{STUDY.name}/validate/{{model}}.tsv"
    conda:
        ENVIRONMENT
    script:
        "../scripts/validate.py"


rule rank:
    message:
        "rank: models of study {STUDY.name}"
    input:
        summary=f"{RESULTS}/summary.csv",
        code=code("analysis/tables/ranks.py"),
    output:
        csv=f"{RESULTS}/tables/compare.csv",
        md=f"{RESULTS}/tables/compare.md",
    params:
        label=STUDY.label(),
        model_labels=STUDY.model_labels(),
    localrule: True
    log:
        f"logs/{STUDY.name}/rank.log",
    conda:
        ENVIRONMENT
    script:
        "../scripts/rank.py"
