# One job for all tasks: what it computes takes seconds, and a job's start as long.
rule resample:
    message:
        "resample: {params.n_replicates} times the test clips of every task of study {STUDY.name}"
    input:
        predictions=[path for task in STUDY.tasks for path in STUDY.predicted(task)],
        code=code("hear/scores/bootstrap.py", "hear/metrics/weighted.py", "hear/metrics/clips.py", "hear/metrics/events.py", "hear/metrics/frames.py", "hear/scores/score.py"),
    output:
        f"{RESULTS}/replicates.npz",
    params:
        predictions={task: STUDY.task_predictions(task) for task in STUDY.tasks},
        **config["statistics"],
    log:
        f"logs/{STUDY.name}/resample.log",
    benchmark:
        f"logs/{STUDY.name}/resample.tsv"
    conda:
        ENVIRONMENT
    script:
        "../scripts/resample.py"


for exhibits in (STUDY, OFFICIAL):

    rule:
        name:
            f"compare_{exhibits.name}"
        message:
            f"compare: models of study {exhibits.name}, with intervals"
        input:
            summary=f"results/{exhibits.name}/summary.csv",
            maxima=f"results/{exhibits.name}/maxima.csv",
            **exhibits.replicates(),
            code=code("analysis/statistics/estimates.py", "analysis/statistics/cells.py", "analysis/statistics/intervals.py"),
        output:
            f"results/{exhibits.name}/statistics.csv",
        params:
            embeddings=exhibits.task_embeddings(),
            baseline=BASELINE,
            study=exhibits.name,
        localrule: True
        log:
            f"logs/{exhibits.name}/compare.log",
        conda:
            ENVIRONMENT
        script:
            "../scripts/compare.py"

    rule:
        name:
            f"judge_{exhibits.name}"
        message:
            f"judge: the paper's claims by study {exhibits.name}"
        input:
            summary=f"results/{exhibits.name}/summary.csv",
            maxima=f"results/{exhibits.name}/maxima.csv",
            **exhibits.replicates(),
            **exhibits.measured(),
            claims=config["claims"],
            code=code(*CLAIM_CODE, "analysis/statistics/cells.py", "analysis/statistics/intervals.py", "workflow/study/claims.py"),
        output:
            f"results/{exhibits.name}/claims.csv",
        params:
            embeddings=exhibits.task_embeddings(),
            baseline=BASELINE,
            known=STUDY.known_names(),
            study=exhibits.name,
            label=exhibits.label(),
        localrule: True
        log:
            f"logs/{exhibits.name}/judge.log",
        conda:
            ENVIRONMENT
        script:
            "../scripts/judge.py"

    rule:
        name:
            f"plot_ranks_{exhibits.name}"
        message:
            f"plot_ranks: mean ranks of the models of study {exhibits.name}"
        input:
            statistics=f"results/{exhibits.name}/statistics.csv",
            code=code(*FIGURE_CODE, "analysis/statistics/estimates.py"),
        output:
            multiext(f"results/{exhibits.name}/figures/ranks", pdf=".pdf", png=".png", svg=".svg", csv=".csv"),
        params:
            label=exhibits.label(),
            normalization=exhibits.normalization,
            model_labels=exhibits.model_labels(),
        localrule: True
        log:
            f"logs/{exhibits.name}/plot/ranks.log",
        conda:
            ENVIRONMENT
        script:
            "../scripts/plot_ranks.py"
