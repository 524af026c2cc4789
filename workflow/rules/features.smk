rule make_environment:
    output:
        "resources/environments/{environment}/environment.json",
    log:
        "logs/make_environment/{environment}.log",
    wildcard_constraints:
        environment="[0-9a-f]+",
    localrule: True  # it installs, which nodes of a cluster often cannot
    conda:
        ENVIRONMENT
    params:
        environment=lambda w: jobs.environment(STUDY, w.environment),
    message:
        "make_environment: {wildcards.environment}, for models with packages of their own"
    script:
        "../scripts/make_environment.py"


rule validate:
    input:
        environments=lambda w: jobs.environments(STUDY, [(w.model, "")]),
        weights=lambda w: jobs.weights(STUDY, w.model),
    output:
        "results/{study}/models/{model}.json",
    log:
        "logs/{study}/validate/{model}.log",
    benchmark:
        "logs/{study}/validate/{model}.tsv"
    wildcard_constraints:
        model="|".join(STUDY.validated) or "none",
    priority: 200  # before anything that takes long, also before the tasks are made or fetched
    conda:
        ENVIRONMENT
    params:
        model=lambda w: jobs.model_arguments(STUDY, w.model),
        checkpoint=lambda w: STUDY.config["checkpoints"].get(w.model),
        requires=lambda w: STUDY.models[w.model].requires if w.model in STUDY.models else [],
        mkl_fast_path=STUDY.config["mkl_fast_path"],
        kinds=STUDY.kinds,
        shortest_s=jobs.shortest_clips_s(STUDY),
        settings=lambda w: jobs.settings(STUDY, w.model),
    message:
        "validate: can {wildcards.model} be loaded, does it follow the HEAR API?"
    script:
        "../scripts/validate.py"


# One job per view, for a cluster; with `job_size: task` one job per task (below), which loads
# torch, weights and audio once.
rule embed_view:
    input:
        task=lambda w: paths.manifest(STUDY, w.task),
        weights=lambda w: [
            file for source, _ in job_views(w) for file in jobs.weights(STUDY, source)
        ],
        validated=lambda w: jobs.validated(STUDY, job_views(w)),
        environments=lambda w: jobs.environments(STUDY, job_views(w)),
    output:
        update(
            multiext("results/{study}/features/{source}/{task}/{view}/", *paths.view_files("MH"))
        ),
    log:
        "logs/{study}/embed/{task}.{source}.{view}.log",
    benchmark:
        "logs/{study}/embed/{task}.{source}.{view}.tsv"
    wildcard_constraints:
        source="|".join(STUDY.checkpoints) or "none",
        view="scene|rf[0-9]+",
    priority: events_first
    conda:
        ENVIRONMENT
    threads: STUDY.config["threads"]["embed"]
    resources:
        mem_mb=8000,
        runtime=2880,  # min; the largest view of the paper on one core (see make plan)
    params:
        mkl_fast_path=STUDY.config["mkl_fast_path"],
        sources=lambda w: jobs.embed_entries(STUDY, w.task, job_views(w)),
    message:
        "embed_view: {wildcards.task}, {wildcards.source}, {wildcards.view}"
    script:
        "../scripts/embed.py"


use rule embed_view as embed_mel with:
    output:
        update(multiext("results/{study}/features/{source}/{task}/{view}/", *paths.view_files("L"))),
    wildcard_constraints:
        source="|".join(STUDY.checkpoints) or "none",
        view="mel",
    message:
        "embed_mel: {wildcards.task}, {wildcards.source}"


use rule embed_view as embed_module with:
    output:
        update(multiext("results/{study}/features/{source}/{task}/{view}/", *paths.view_files("E"))),
    wildcard_constraints:
        source="|".join(STUDY.third_party) or "none",
        view="scene|timestamp",
    message:
        "embed_module: {wildcards.task}, {wildcards.source}, {wildcards.view}"


if STUDY.embeds_by_task and "scene" in STUDY.kinds:

    ruleorder: embed_scene > embed_view > embed_mel > embed_module

    use rule embed_view as embed_scene with:
        output:
            update(paths.feature_files(STUDY, "scene")),
        log:
            "logs/{study}/embed/{task}.log",
        benchmark:
            "logs/{study}/embed/{task}.tsv"
        wildcard_constraints:
            task="|".join(STUDY.tasks_of("scene")),
        message:
            "embed_scene: {wildcards.task}"


if STUDY.embeds_by_task and "event" in STUDY.kinds:

    ruleorder: embed_event > embed_view > embed_mel > embed_module

    use rule embed_view as embed_event with:
        output:
            update(paths.feature_files(STUDY, "event")),
        log:
            "logs/{study}/embed/{task}.log",
        benchmark:
            "logs/{study}/embed/{task}.tsv"
        wildcard_constraints:
            task="|".join(STUDY.tasks_of("event")),
        message:
            "embed_event: {wildcards.task}"
