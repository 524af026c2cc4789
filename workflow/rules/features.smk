rule embed:
    message:
        "embed: {wildcards.task}, {wildcards.batch}"
    input:
        task=lambda w: STUDY.manifest(w.task),
        weights=lambda w: STUDY.embed_weights(w.task, w.batch),
        validated=lambda w: STUDY.validated(w.task, w.batch),
    output:
        f"{RESULTS}/features/{{task}}.{{batch}}.json",
    params:
        sources=lambda w: STUDY.embed_entries(w.task, w.batch),
    priority: events_first
    threads: config["threads"]["embed"]
    log:
        f"logs/{STUDY.name}/embed/{{task}}.{{batch}}.log",
    benchmark:
        f"logs/{STUDY.name}/embed/{{task}}.{{batch}}.tsv"
    conda:
        ENVIRONMENT
    script:
        "../scripts/embed.py"
