"""On request, not part of `all`: the run fails, with every reason, where a study has no such row.

    snakemake --cores 1 results/<study>/leaderboard_row.csv
"""

rule write_leaderboard_row:
    message:
        "write_leaderboard_row: {params.entry[model]} of study {STUDY.name}"
    input:
        summary=f"{RESULTS}/summary.csv",
        code=code("analysis/tables/leaderboard.py"),
    output:
        f"{RESULTS}/leaderboard_row.csv",
    params:
        entry=config["leaderboard"],
        real_tasks=[task for task, spec in STUDY.tasks.items() if spec.is_official],
        deviations=STUDY.protocol.deviations(),
    localrule: True
    log:
        f"logs/{STUDY.name}/write_leaderboard_row.log",
    conda:
        ENVIRONMENT
    script:
        "../scripts/write_leaderboard_row.py"
