rule fetch_task:
    message:
        "fetch_task: {wildcards.task}"
    input:
        lambda w: STUDY.tasks[w.task].inputs,
    output:
        f"resources/tasks/{STUDY.source}/{{task}}/task.json",
    params:
        generated=lambda w: STUDY.tasks[w.task].is_generated,
        sources=lambda w: [str(path) for path in STUDY.tasks[w.task].sources],
        seed=config["seed"],
        generator=lambda w: STUDY.generator_version(w.task),
        resample=config["resample"],
        expected=lambda w: DOWNLOADS.care(w.task),
        state=lambda w: STUDY.tasks[w.task].state(),
    priority: 100  # all tasks are checked before the first is embedded
    threads: config["threads"].get("fetch", 1)
    resources:
        runtime=720,  # min; unpacks, checks and resamples an archive
    log:
        f"logs/{STUDY.source}/fetch_task/{{task}}.log",
    benchmark:
        f"logs/{STUDY.source}/fetch_task/{{task}}.tsv"
    conda:
        ENVIRONMENT
    script:
        "../scripts/fetch_task.py"


rule list_tasks:
    message:
        "list_tasks: what the study's tasks are"
    input:
        manifests=[STUDY.manifest(task) for task in STUDY.tasks],
        code=code("hear/tasks/manifest.py", "hear/tasks/chance.py"),
    output:
        STUDY.task_table,
    params:
        categories={task: spec.category for task, spec in STUDY.tasks.items()},
        names=STUDY.task_labels(),
    localrule: True
    log:
        f"logs/{STUDY.name}/list_tasks.log",
    conda:
        ENVIRONMENT
    script:
        "../scripts/list_tasks.py"


rule tabulate_tasks:
    message:
        "tabulate_tasks: how hard the tasks of study {STUDY.name} are"
    input:
        tasks=STUDY.task_table,
        summary=f"{RESULTS}/summary.csv",
        code=code("analysis/tables/tabulate.py"),
    output:
        csv=f"{RESULTS}/tables/tasks.csv",
        md=f"{RESULTS}/tables/tasks.md",
    params:
        models={"passt_m_hop10_random": "M random-init", BASELINE: "log-mel", "passt_m_hop10": "M"},
        label=STUDY.label(),
    localrule: True
    log:
        f"logs/{STUDY.name}/tabulate_tasks.log",
    conda:
        ENVIRONMENT
    script:
        "../scripts/tabulate_tasks.py"
