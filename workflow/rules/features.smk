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
        shard=(0, 1),
    priority: events_first
    threads: config["threads"]["embed"]
    resources:
        mem_mb=8000,
        runtime=2880,  # min; the largest view of the paper on one core (see make plan, shards)
    log:
        f"logs/{STUDY.name}/embed/{{task}}.{{batch}}.log",
    benchmark:
        f"logs/{STUDY.name}/embed/{{task}}.{{batch}}.tsv"
    conda:
        ENVIRONMENT
    script:
        "../scripts/embed.py"


if STUDY.shards:  # large tasks in several jobs, for several GPUs or cluster nodes

    ruleorder: join_shards > embed

    use rule embed as embed_shard with:
        message:
            "embed_shard: {wildcards.task}, {wildcards.batch}, shard {wildcards.shard} of {wildcards.n}"
        output:
            f"{RESULTS}/features/shards/{{task}}.{{batch}}.{{shard}}of{{n}}.json",
        params:
            sources=lambda w: STUDY.embed_entries(w.task, w.batch),
            shard=lambda w: (int(w.shard), int(w.n)),
        wildcard_constraints:
            shard="[0-9]+",
            n="[0-9]+",
        log:
            f"logs/{STUDY.name}/embed/{{task}}.{{batch}}.{{shard}}of{{n}}.log",
        benchmark:
            f"logs/{STUDY.name}/embed/{{task}}.{{batch}}.{{shard}}of{{n}}.tsv"

    rule join_shards:
        message:
            "join_shards: {wildcards.task}, {wildcards.batch}"
        input:
            lambda w: STUDY.shard_lists(w.task, w.batch),
        output:
            f"{RESULTS}/features/{{task}}.{{batch}}.json",
        params:
            sources=lambda w: STUDY.embed_entries(w.task, w.batch),
            n=lambda w: STUDY.shards[w.task],
        wildcard_constraints:
            task="|".join(STUDY.shards),
        localrule: True
        log:
            f"logs/{STUDY.name}/join_shards/{{task}}.{{batch}}.log",
        conda:
            ENVIRONMENT
        script:
            "../scripts/join_shards.py"
