"""Patchout training of checkpoints; not part of the study, which uses the shipped ones.

snakemake --cores 2 results/pretrain/mini_hop10/weights.safetensors
"""


rule make_pretraining_clips:
    output:
        "resources/pretraining/mini/index.csv",
    log:
        "logs/pretrain/make_pretraining_clips.log",
    benchmark:
        "logs/pretrain/make_pretraining_clips.tsv"
    conda:
        ENVIRONMENT
    params:
        n_clips=12000,
        n_valid=400,
        seed=0,
    message:
        "make_pretraining_clips: tagged clips, their sounds disjoint from the mini tasks'"
    script:
        "../scripts/make_pretraining_clips.py"


# A killed training leaves its state beside these files; the next run resumes from it. The
# bytes depend on the number of threads.
rule pretrain:
    input:
        recipe=lambda w: shipped_path(f"config/pretrain_{w.recipe}.yaml"),
        needed=lambda w: recipe_inputs(w.recipe),
    output:
        weights="results/pretrain/{recipe}_{hop}/weights.safetensors",
        record="results/pretrain/{recipe}_{hop}/record.json",
    log:
        "logs/pretrain/{recipe}_{hop}.log",
    benchmark:
        "logs/pretrain/{recipe}_{hop}.tsv"
    wildcard_constraints:
        recipe="[a-z0-9]+",
        hop="hop10|hop5|hop3",
    conda:
        ENVIRONMENT
    threads: 1
    resources:
        mem_mb=8000,
        runtime=2880,
    params:
        mkl_fast_path=STUDY.config["mkl_fast_path"],
    message:
        "pretrain: {wildcards.hop}, recipe {wildcards.recipe}"
    script:
        "../scripts/pretrain.py"
