rule measure:
    input:
        published=shipped_path("resources/paper_costs.csv"),
        code=code_of("measure"),
    output:
        "results/{study}/measure.csv",
    log:
        "logs/{study}/measure.log",
    benchmark:
        "logs/{study}/measure.tsv"
    conda:
        ENVIRONMENT
    threads: STUDY.config["measure"]["threads"]
    params:
        mkl_fast_path=STUDY.config["mkl_fast_path"],
        settings=STUDY.config["measure"],
    message:
        "measure: speed and memory of training and inference at each hop"
    script:
        "../scripts/measure.py"
