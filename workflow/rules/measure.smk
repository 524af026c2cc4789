"""What PaSST costs on this machine; the config's key measure chooses network, device and time."""

rule measure:
    message:
        "measure: speed and memory of training and inference at each hop"
    input:
        published="resources/paper_costs.csv",
        code=code(*sorted(map(str, Path("passt/measure").glob("*.py")))),
    output:
        f"{RESULTS}/measure.csv",
    params:
        settings=config["measure"],
    threads: config["measure"]["threads"]
    log:
        f"logs/{STUDY.name}/measure.log",
    benchmark:
        f"logs/{STUDY.name}/measure.tsv"
    conda:
        ENVIRONMENT
    script:
        "../scripts/measure.py"


rule show_costs:
    message:
        "show_costs: table 2 and figure 3 of study {STUDY.name}"
    input:
        costs=f"{RESULTS}/measure.csv",
        code=code("analysis/tables/costs.py", "analysis/exhibits/figures/speed.py", "analysis/exhibits/style.py"),
    output:
        csv=f"{RESULTS}/tables/table_2.csv",
        md=f"{RESULTS}/tables/table_2.md",
        figure=multiext(f"{RESULTS}/figures/figure_3", ".pdf", ".png", ".svg", ".csv"),
    params:
        study=STUDY.name,
    localrule: True
    log:
        f"logs/{STUDY.name}/show_costs.log",
    conda:
        ENVIRONMENT
    script:
        "../scripts/show_costs.py"
