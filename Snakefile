"""So that `snakemake --cores N` works in a clone: all that it does is in workflow/Snakefile."""


include: "workflow/Snakefile"


rule default:
    default_target: True
    input:
        rules.all.input,
    message:
        "default: all that `all` makes"
