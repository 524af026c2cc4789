rule score_official:
    message:
        "score_official: the HEAR 2021 leaderboard, checked and normalized"
    input:
        scores=OFFICIAL.source,
        tasks=OFFICIAL.tasks,
        code=code("analysis/tables/official.py", "analysis/tables/normalize.py", "analysis/tables/scores.py"),
    output:
        scores="results/official/scores.csv",
        summary="results/official/summary.csv",
        maxima="results/official/maxima.csv",
    localrule: True
    log:
        "logs/official/score_official.log",
    conda:
        ENVIRONMENT
    script:
        "../scripts/score_official.py"
