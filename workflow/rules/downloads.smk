"""Archives and released weights. What is here already has no rule, so that no later change of
the code or the config downloads it again or redoes what was made from it."""

DOWNLOADS = Downloads(STUDY)

if archives := DOWNLOADS.archives():

    rule fetch_archive:
        message:
            "fetch_archive: {wildcards.archive}"
        output:
            "resources/archives/{archive}",
        params:
            download=config["download"],
            needs=DOWNLOADS.space_needs(),
            task=lambda w: archives[w.archive],
        wildcard_constraints:
            archive="|".join(map(re.escape, archives)),
        priority: 100
        localrule: True  # nodes of a cluster rarely reach the internet
        resources:
            downloads=1,
        log:
            "logs/downloads/{archive}.log",
        benchmark:
            "logs/downloads/{archive}.tsv"
        conda:
            ENVIRONMENT
        script:
            "../scripts/fetch_archive.py"


if checkpoints := DOWNLOADS.checkpoints():

    rule fetch_checkpoint:
        message:
            "fetch_checkpoint: {wildcards.weights}"
        output:
            "resources/checkpoints/{weights}",
        params:
            download=config["download"],
            url=lambda w, output: checkpoints[output[0]],
        wildcard_constraints:
            weights="|".join(re.escape(Path(file).name) for file in checkpoints),
        priority: 100
        localrule: True  # nodes of a cluster rarely reach the internet
        resources:
            downloads=1,
        log:
            "logs/downloads/{weights}.log",
        benchmark:
            "logs/downloads/{weights}.tsv"
        conda:
            ENVIRONMENT
        script:
            "../scripts/fetch_checkpoint.py"
