"""Archives and released weights that are not here yet."""

if archives := downloads.missing_archives(STUDY):

    rule fetch_archive:
        output:
            "resources/archives/{archive}",
        log:
            "logs/downloads/{archive}.log",
        benchmark:
            "logs/downloads/{archive}.tsv"
        wildcard_constraints:
            archive="|".join(map(re.escape, archives)),
        priority: 100
        localrule: True  # nodes of a cluster rarely reach the internet
        conda:
            ENVIRONMENT
        resources:
            downloads=1,
        params:
            task=lambda w: downloads.task_of_archive(STUDY, w.archive),
        message:
            "fetch_archive: {wildcards.archive}"
        script:
            "../scripts/fetch_archive.py"


if weights := downloads.missing_checkpoints(STUDY):

    rule fetch_checkpoint:
        output:
            "resources/checkpoints/{weights}",
        log:
            "logs/downloads/{weights}.log",
        benchmark:
            "logs/downloads/{weights}.tsv"
        wildcard_constraints:
            weights="|".join(map(re.escape, weights)),
        priority: 100
        localrule: True  # nodes of a cluster rarely reach the internet
        conda:
            ENVIRONMENT
        resources:
            downloads=1,
        params:
            url=lambda w: weights[w.weights],
        message:
            "fetch_checkpoint: {wildcards.weights}"
        script:
            "../scripts/fetch_checkpoint.py"
