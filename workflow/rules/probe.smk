# One job per embedding, for a cluster; with `job_size: task` one job per task (below).
rule predict:
    input:
        task=lambda w: paths.manifest(STUDY, w.task),
        features=lambda w: paths.embedding_inputs(STUDY, job_embeddings(w), w.task),
    output:
        update("results/{study}/predictions/{probe}/{embedding}/{task}/seed{seed}.npz"),
    log:
        "logs/{study}/predict/{probe}.{task}.{embedding}.seed{seed}.log",
    benchmark:
        "logs/{study}/predict/{probe}.{task}.{embedding}.seed{seed}.tsv"
    priority: events_first
    conda:
        ENVIRONMENT
    threads: STUDY.config["threads"]["predict"]
    resources:
        mem_mb=8000,  # make plan: 6 GiB at most in the paper's study
        runtime=2880,
    params:
        embeddings=lambda w: jobs.predict_entries(STUDY, w.probe, w.task, job_embeddings(w)),
        evaluation=lambda w: PROBES[w.probe].plain,
        protocol=jobs.plain(STUDY.protocol),
        evaluator=STUDY.evaluator,
        mkl_fast_path=STUDY.config["mkl_fast_path"],
        threads=STUDY.config["threads"]["predict"],  # whatever --cores says, so that results are equal
    message:
        "predict: {wildcards.probe}, {wildcards.task}, {wildcards.embedding}, seed {wildcards.seed}"
    script:
        "../scripts/predict.py"


# One job scores all models of a task by all probes: what models share is scored once. This rule is
# what score_scene and score_event share; if it matched files itself, Snakemake would build a job
# with all inputs for each of them, only to prefer the others.
rule score:
    input:
        predictions=lambda w: paths.all_predictions(STUDY, w.task),
        code=code_of("score"),
    output:
        "results/{study}/scores/{model}/{task}.json",
    log:
        "logs/{study}/score/{task}.{model}.log",
    wildcard_constraints:
        model="none",
    conda:
        ENVIRONMENT
    params:
        evaluations=lambda w: jobs.score_entries(STUDY, w.task),
        category=lambda w: STUDY.tasks[w.task].category,
    message:
        "score: {wildcards.task}, {wildcards.model}"
    script:
        "../scripts/score.py"


if "scene" in STUDY.kinds:

    use rule score as score_scene with:
        output:
            paths.score_files(STUDY, "scene"),
        log:
            "logs/{study}/score/{task}.log",
        wildcard_constraints:
            task="|".join(STUDY.tasks_of("scene")),
        message:
            "score_scene: {wildcards.task}"


if "event" in STUDY.kinds:

    use rule score as score_event with:
        output:
            paths.score_files(STUDY, "event"),
        log:
            "logs/{study}/score/{task}.log",
        wildcard_constraints:
            task="|".join(STUDY.tasks_of("event")),
        message:
            "score_event: {wildcards.task}"


if STUDY.config["job_size"] == "task" and "scene" in STUDY.kinds:

    ruleorder: predict_scene > predict

    use rule predict as predict_scene with:
        output:
            update(paths.prediction_files(STUDY, "scene")),
        log:
            "logs/{study}/predict/{probe}.{task}.seed{seed}.log",
        benchmark:
            "logs/{study}/predict/{probe}.{task}.seed{seed}.tsv"
        wildcard_constraints:
            task="|".join(STUDY.tasks_of("scene")),
            probe="|".join(map(re.escape, paths.probes(STUDY, "scene"))),
        message:
            "predict_scene: {wildcards.probe}, {wildcards.task}, seed {wildcards.seed}"


if STUDY.config["job_size"] == "task" and "event" in STUDY.kinds:

    ruleorder: predict_event > predict

    use rule predict as predict_event with:
        output:
            update(paths.prediction_files(STUDY, "event")),
        log:
            "logs/{study}/predict/{probe}.{task}.seed{seed}.log",
        benchmark:
            "logs/{study}/predict/{probe}.{task}.seed{seed}.tsv"
        wildcard_constraints:
            task="|".join(STUDY.tasks_of("event")),
            probe="|".join(map(re.escape, paths.probes(STUDY, "event"))),
        message:
            "predict_event: {wildcards.probe}, {wildcards.task}, seed {wildcards.seed}"
