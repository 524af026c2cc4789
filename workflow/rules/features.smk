rule embed:
    message:
        "embed: {wildcards.task} by {wildcards.source}, view {wildcards.view}"
    input:
        task=lambda w: STUDY.manifest(w.task),
        weights=lambda w: STUDY.weights(w.source),
    output:
        f"{RESULTS}/features/{{source}}/{{task}}/{{view}}/index.json",
    params:
        checkpoint=lambda w: STUDY.checkpoint_entry(w.source),
        model=lambda w: STUDY.module_entry(w.source),
        fingerprint=lambda w: STUDY.fingerprint(w.source),
    threads: config["threads"]["embed"]
    log:
        f"logs/{STUDY.name}/embed/{{source}}.{{task}}.{{view}}.log",
    benchmark:
        f"logs/{STUDY.name}/embed/{{source}}.{{task}}.{{view}}.tsv"
    conda:
        ENVIRONMENT
    script:
        "../scripts/embed.py"
