rule measure:
    message:
        "measure: speed and memory of training and inference at each hop"
    input:
        published=shipped_path("resources/paper_costs.csv"),
        code=code_of("measure"),
    output:
        "results/{study}/measure.csv",
    params:
        settings=STUDY.config["measure"],
    threads: STUDY.config["measure"]["threads"]
    log:
        "logs/{study}/measure.log",
    benchmark:
        "logs/{study}/measure.tsv"
    conda:
        ENVIRONMENT
    script:
        "../scripts/measure.py"
