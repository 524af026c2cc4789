"""What a study can show: analysis/exhibits/registry.py; one entry and its drawing add an exhibit."""


rule draw:
    input:
        unpack(lambda w: exhibit_inputs(w, f"figures/{w.figure}")),
        metrics="results/{study}/metrics.csv",
    output:
        multiext("results/{study}/figures/{figure}", ".pdf", ".png", ".csv"),
        svg=report(
            "results/{study}/figures/{figure}.svg",
            caption="../report/figure.rst",
            category="Figures, study {study}",
            labels={"figure": "{figure}"},
        ),
    log:
        "logs/{study}/draw/{figure}.log",
    wildcard_constraints:
        figure="|".join(exhibit.stem for exhibit in EXHIBITS if exhibit.rule == "draw"),
    localrule: True
    conda:
        ENVIRONMENT
    params:
        text=lambda w: words.words(STUDIES[w.study]),
    message:
        "draw: {wildcards.figure} of study {wildcards.study}"
    script:
        "../scripts/draw.py"


rule tabulate:
    input:
        unpack(lambda w: exhibit_inputs(w, f"tables/{w.table}")),
        metrics="results/{study}/metrics.csv",
    output:
        multiext("results/{study}/tables/{table}", ".csv", ".md"),
    log:
        "logs/{study}/tabulate/{table}.log",
    wildcard_constraints:
        table="|".join(exhibit.stem for exhibit in EXHIBITS if exhibit.rule == "tabulate"),
    localrule: True
    conda:
        ENVIRONMENT
    params:
        text=lambda w: words.words(STUDIES[w.study]),
    message:
        "tabulate: {wildcards.table} of study {wildcards.study}"
    script:
        "../scripts/tabulate.py"


rule report:
    input:
        files=lambda w: exhibits.report_inputs(STUDIES[w.study]),
        metrics="results/{study}/metrics.csv",
        scores=lambda w: paths.scores(STUDIES[w.study]),
        code=code_of("report", [module for ex in EXHIBITS for module in ex.modules]),
        page=exhibits.page_files(),
    output:
        report(
            "results/{study}/report.html",
            caption="../report/report.rst",
            category="Report",
        ),
    log:
        "logs/{study}/report.log",
    localrule: True
    conda:
        ENVIRONMENT
    params:
        facts=lambda w: report_facts(STUDIES[w.study]),
        text=lambda w: words.words(STUDIES[w.study]),
        logs=lambda w: paths.log_folders(STUDIES[w.study]),
    message:
        "report: study {wildcards.study}"
    script:
        "../scripts/report.py"


# On request, not part of `all`: snakemake --cores 2 export
rule export:
    input:
        results=exports.results(STUDY),
        scores=paths.scores(STUDY),
        manifests=[paths.manifest(STUDY, task) for task in STUDY.tasks],
        tidy=f"results/{STUDY.name}/scores.csv",
        summary=f"results/{STUDY.name}/summary.csv",
        estimates=f"results/{STUDY.name}/estimates.csv",
        metrics=f"results/{STUDY.name}/metrics.csv",
        sources=list(exports.files(STUDY)["sources"].values()),
        code=code_of("export"),
    output:
        list(exports.files(STUDY)["croissant"].values()),
        # One output: of hundreds Snakemake's records would take forty seconds
        folder=directory(exports.directory_of(STUDY)),
        crate=f"results/{STUDY.name}/{exports.CRATE_FILE}",
    log:
        f"logs/{STUDY.name}/export.log",
    localrule: True
    conda:
        ENVIRONMENT
    params:
        facts=exports.facts(STUDY),
        files=exports.files(STUDY),
        logs=paths.log_folders(STUDY),
    message:
        f"export: study {STUDY.name} as RO-Crate, Croissant, Every Eval Ever, MTEB and leaderboard"
    script:
        "../scripts/export.py"
