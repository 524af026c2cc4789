rule predict:
    message:
        "predict: {wildcards.task}, {wildcards.batch}, seed {wildcards.seed}"
    input:
        task=lambda w: STUDY.manifest(w.task),
        features=lambda w: STUDY.embedded(w.task),
    output:
        f"{RESULTS}/predictions/{{task}}.{{batch}}.seed{{seed}}.json",
    params:
        embeddings=lambda w: STUDY.predict_entries(w.task, w.batch),
        protocol=STUDY.protocol_entry(),
        evaluator=STUDY.evaluator,
        threads=config["threads"]["predict"],  # whatever --cores says, so that results are equal
    priority: events_first
    threads: config["threads"]["predict"]
    resources:
        mem_mb=8000,  # make plan: 6 GiB at most in the paper's study
        runtime=2880,
    log:
        f"logs/{STUDY.name}/predict/{{task}}.{{batch}}.seed{{seed}}.log",
    benchmark:
        f"logs/{STUDY.name}/predict/{{task}}.{{batch}}.seed{{seed}}.tsv"
    conda:
        ENVIRONMENT
    script:
        "../scripts/predict.py"


# One job scores all models of a task: embeddings that models share are scored once. Scene and
# timestamp tasks have different models (level L exists at timestamps only), hence two rules.
for kind in STUDY.kinds():

    rule:
        name:
            f"score_{kind}"
        message:
            "score: {wildcards.task}"
        input:
            predictions=lambda w: STUDY.predicted(w.task),
            task=lambda w: STUDY.manifest(w.task),
            code=code("hear/scores/score.py", "hear/metrics/clips.py", "hear/metrics/events.py", "hear/metrics/frames.py"),
        output:
            expand(f"{RESULTS}/scores/{{model}}/{{{{task}}}}.json", model=STUDY.models_of(kind)),
        params:
            models=lambda w: STUDY.score_entries(w.task),
            predictions=lambda w: STUDY.task_predictions(w.task),
            study=STUDY.name,
            category=lambda w: STUDY.tasks[w.task].category,
        wildcard_constraints:
            task="|".join(STUDY.tasks_of(kind)),
        log:
            f"logs/{STUDY.name}/score/{{task}}.log",
        conda:
            ENVIRONMENT
        script:
            "../scripts/score.py"
