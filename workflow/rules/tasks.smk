rule fetch_task:
    input:
        lambda w: STUDY.tasks[w.task].inputs,
    output:
        "resources/tasks/{collection}/{task}/task.json",
    log:
        "logs/{collection}/fetch_task/{task}.log",
    benchmark:
        "logs/{collection}/fetch_task/{task}.tsv"
    wildcard_constraints:
        collection=re.escape(paths.collection(STUDY)),
        task="|".join(sorted({*STUDY.tasks} - downloads.kept_tasks(STUDY))) or "none",
    priority: 100  # all tasks are checked before the first is embedded
    conda:
        ENVIRONMENT
    threads: STUDY.config["threads"]["fetch"]
    resources:
        runtime=720,  # min; unpacks, checks and resamples an archive
    params:
        generated=lambda w: STUDY.tasks[w.task].is_generated,
        sources=lambda w: [str(path) for path in STUDY.tasks[w.task].sources],
        seed=STUDY.config["seed"],
        scale=STUDY.config["mini_scale"],
        generator=lambda w: jobs.generator(STUDY, w.task),
        resample=STUDY.config["resample"],
        expected=lambda w: downloads.expected_folders(STUDY, w.task),
        is_official=lambda w: STUDY.tasks[w.task].is_official,
        state=lambda w: STUDY.tasks[w.task].state(),
        # Checked when a task is fetched and when it is embedded: other models do not remake it.
        limits=lambda w, threads: jobs.limits(STUDY, w.task),
    message:
        "fetch_task: {wildcards.task}"
    script:
        "../scripts/fetch_task.py"


rule list_tasks:
    input:
        manifests=[paths.manifest(STUDY, task) for task in STUDY.tasks],
        summary="results/{study}/summary.csv",
        metrics="results/{study}/metrics.csv",
        code=code_of("list_tasks"),
    output:
        csv="results/{study}/tables/tasks.csv",
        md="results/{study}/tables/tasks.md",
        findings=multiext("results/{study}/tables/findings", ".csv", ".md"),
    log:
        "logs/{study}/list_tasks.log",
    localrule: True
    conda:
        ENVIRONMENT
    params:
        categories={slug: spec.category for slug, spec in STUDY.tasks.items()},
        text=words.words(STUDY),
    message:
        "list_tasks: the tasks of study {wildcards.study} and how hard they are"
    script:
        "../scripts/list_tasks.py"
