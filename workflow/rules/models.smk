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
