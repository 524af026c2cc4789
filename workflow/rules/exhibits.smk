rule normalize:
    message:
        "normalize: scores of study {STUDY.name}"
    input:
        scores=STUDY.scores(),
        official=STUDY.official("scores"),
        maxima=STUDY.official("maxima"),
        code=code("analysis/tables/normalize.py", "analysis/tables/scores.py", "analysis/tables/score_files.py"),
    output:
        scores=f"{RESULTS}/scores.csv",
        summary=f"{RESULTS}/summary.csv",
        maxima=f"{RESULTS}/maxima.csv",
    localrule: True
    log:
        f"logs/{STUDY.name}/normalize.log",
    conda:
        ENVIRONMENT
    script:
        "../scripts/normalize.py"


for exhibits in (STUDY, OFFICIAL):

    rule:
        name:
            f"plot_{exhibits.name}"
        message:
            f"plot: figure {{wildcards.figure}} of study {exhibits.name}"
        input:
            summary=f"results/{exhibits.name}/summary.csv",
            code=code(*FIGURE_CODE),
        output:
            pdf=f"results/{exhibits.name}/figures/figure_{{figure}}.pdf",
            png=f"results/{exhibits.name}/figures/figure_{{figure}}.png",
            svg=report(
                f"results/{exhibits.name}/figures/figure_{{figure}}.svg",
                caption="../report/figure.rst",
                category=f"Figures, study {exhibits.name}",
                labels={"figure": "{figure}"},
            ),
            csv=f"results/{exhibits.name}/figures/figure_{{figure}}.csv",
        params:
            label=exhibits.label(),
            normalization=exhibits.normalization,
            model_labels=exhibits.model_labels(),
            task_labels=exhibits.task_labels(),
            event_tasks=exhibits.tasks_of("event"),
            highlight=exhibits.highlight,
        localrule: True
        log:
            f"logs/{exhibits.name}/plot/figure_{{figure}}.log",
        conda:
            ENVIRONMENT
        script:
            "../scripts/plot.py"

    rule:
        name:
            f"tabulate_{exhibits.name}"
        message:
            f"tabulate: study {exhibits.name}"
        input:
            summary=f"results/{exhibits.name}/summary.csv",
            tasks=exhibits.task_table,
            code=code("analysis/tables/tabulate.py"),
        output:
            tasks_csv=f"results/{exhibits.name}/tables/table_1.csv",
            tasks_md=f"results/{exhibits.name}/tables/table_1.md",
            scores_csv=f"results/{exhibits.name}/tables/scores.csv",
            scores_md=f"results/{exhibits.name}/tables/scores.md",
        params:
            label=exhibits.label(),
            model_labels=exhibits.model_labels(),
        localrule: True
        log:
            f"logs/{exhibits.name}/tabulate.log",
        conda:
            ENVIRONMENT
        script:
            "../scripts/tabulate.py"
