rule normalize:
    input:
        scores=paths.scores(STUDY),
        official=["results/official/scores.csv"] if STUDY.is_real else [],
        maxima=["results/official/maxima.csv"] if STUDY.is_real else [],
        code=code_of("normalize"),
    output:
        scores="results/{study}/scores.csv",
        summary="results/{study}/summary.csv",
        maxima="results/{study}/maxima.csv",
        metrics="results/{study}/metrics.csv",
    log:
        "logs/{study}/normalize.log",
    wildcard_constraints:
        study=STUDY.name,
    localrule: True
    conda:
        ENVIRONMENT
    params:
        controls=STUDY.controls,
    message:
        "normalize: scores of study {wildcards.study}"
    script:
        "../scripts/normalize.py"


rule score_official:
    input:
        scores=shipped_path("resources/hear2021_scores.csv"),
        tasks=shipped_path("config/tasks.tsv"),
        code=code_of("score_official"),
    output:
        scores="results/official/scores.csv",
        summary="results/official/summary.csv",
        maxima="results/official/maxima.csv",
        metrics="results/official/metrics.csv",
    log:
        "logs/official/score_official.log",
    localrule: True
    conda:
        ENVIRONMENT
    message:
        "score_official: the HEAR 2021 leaderboard, checked and normalized"
    script:
        "../scripts/score_official.py"


# One job for all tasks: what it computes takes seconds, and a job's start as long.
rule bootstrap:
    input:
        predictions=lambda w: sum(bootstrapped(w).values(), []),
        manifests=lambda w: [paths.manifest(STUDY, task) for task in bootstrapped(w)],
        code=code_of("bootstrap"),
    output:
        "results/{study}/replicates/{probe}.npz",
    log:
        "logs/{study}/bootstrap/{probe}.log",
    benchmark:
        "logs/{study}/bootstrap/{probe}.tsv"
    conda:
        ENVIRONMENT
    params:
        predictions=lambda w: bootstrapped(w),
        manifests=lambda w: {task: paths.manifest(STUDY, task) for task in bootstrapped(w)},
        evaluation=lambda w: PROBES[w.probe].name,
        n_replicates=STUDY.config["statistics"]["n_replicates"],
        seed=STUDY.config["statistics"]["seed"],
    message:
        "bootstrap: {wildcards.probe}, test clips of every task of study {wildcards.study}, drawn {params.n_replicates} times"
    script:
        "../scripts/bootstrap.py"


# One job for all tasks, for the same reason.
rule score_labels:
    input:
        predictions=sum(predictions_of(MAIN).values(), []),
        code=code_of("score_labels"),
    output:
        labels="results/{study}/labels.csv",
        confusions="results/{study}/confusions.csv",
    log:
        "logs/{study}/score_labels.log",
    benchmark:
        "logs/{study}/score_labels.tsv"
    conda:
        ENVIRONMENT
    params:
        predictions=predictions_of(MAIN),
        embeddings=jobs.task_embeddings(STUDY),
    message:
        "score_labels: every label of every task of study {wildcards.study}, and confusions"
    script:
        "../scripts/score_labels.py"


rule sum_costs:
    input:
        costs=[path for task in STUDY.tasks for path in paths.costs(STUDY, task)],
        code=code_of("sum_costs"),
    output:
        "results/{study}/costs.csv",
    log:
        "logs/{study}/sum_costs.log",
    localrule: True
    conda:
        ENVIRONMENT
    params:
        tasks=jobs.cost_entries(STUDY),
    message:
        "sum_costs: cost of the embeddings of every model of study {wildcards.study}"
    script:
        "../scripts/sum_costs.py"


rule estimate:
    input:
        unpack(lambda w: of_run(w, replicates=paths.replicates(STUDY, MAIN))),
        summary="results/{study}/summary.csv",
        maxima="results/{study}/maxima.csv",
        metrics="results/{study}/metrics.csv",
        code=code_of("estimate"),
    output:
        "results/{study}/estimates.csv",
    log:
        "logs/{study}/estimate.log",
    localrule: True
    conda:
        ENVIRONMENT
    params:
        embeddings=lambda w: jobs.task_embeddings(STUDIES[w.study]),
        baseline=BASELINE,
        event_tasks=lambda w: STUDIES[w.study].tasks_of("event"),
    message:
        "estimate: scores, ranks and differences of study {wildcards.study}, with intervals"
    script:
        "../scripts/estimate.py"


# Only where a study has several probes, or trains on less than all clips.
rule estimate_probes:
    input:
        replicates=[paths.replicates(STUDY, one) for one in STUDY.evaluations],
        summary="results/{study}/summary.csv",
        maxima="results/{study}/maxima.csv",
        metrics="results/{study}/metrics.csv",
        code=code_of("estimate_probes"),
    output:
        "results/{study}/probes.csv",
    log:
        "logs/{study}/estimate_probes.log",
    wildcard_constraints:
        study=STUDY.name,
    localrule: True
    conda:
        ENVIRONMENT
    params:
        evaluations=[one.plain for one in STUDY.evaluations],
        embeddings=jobs.task_embeddings(STUDY),
    message:
        "estimate_probes: every probe and training fraction of study {wildcards.study}"
    script:
        "../scripts/estimate_probes.py"


rule judge:
    input:
        unpack(
            lambda w: of_run(
                w,
                replicates=paths.replicates(STUDY, MAIN),
                measured="results/{study}/measure.csv",
                official=f"results/{LEADERBOARD.name}/claims.csv",
            )
        ),
        summary="results/{study}/summary.csv",
        maxima="results/{study}/maxima.csv",
        metrics="results/{study}/metrics.csv",
        claims=STUDY.config["claims"],
        code=code_of("judge"),
    output:
        "results/{study}/claims.csv",
    log:
        "logs/{study}/judge.log",
    localrule: True
    conda:
        ENVIRONMENT
    params:
        embeddings=lambda w: jobs.task_embeddings(STUDIES[w.study]),
        baseline=BASELINE,
        features=FEATURES,
        known=known_names(STUDY),
        label=lambda w: words.label(STUDIES[w.study]),
        traits=lambda w: confounds.traits(STUDIES[w.study]),
        trained_twice=lambda w: confounds.trained_twice(STUDIES[w.study]),
    message:
        "judge: the paper's claims by study {wildcards.study}"
    script:
        "../scripts/judge.py"


# On request, not part of `all`: fails, listing all reasons, if a study has no such row.
#     snakemake --cores 1 --configfile FILE.yaml -- results/<study>/leaderboard_row.csv
rule write_leaderboard_row:
    input:
        summary="results/{study}/summary.csv",
        code=code_of("write_leaderboard_row"),
    output:
        "results/{study}/leaderboard_row.csv",
    log:
        "logs/{study}/write_leaderboard_row.log",
    localrule: True
    conda:
        ENVIRONMENT
    params:
        entry=STUDY.config["leaderboard"],
        real_tasks=[task for task, spec in STUDY.tasks.items() if spec.is_official],
        deviations=[*STUDY.protocol.deviations(), *words.other_probe(STUDY)],
    message:
        "write_leaderboard_row: {params.entry[model]} of study {wildcards.study}"
    script:
        "../scripts/write_leaderboard_row.py"
