"""So that `snakemake --cores N` works from a clone; the workflow is workflow/Snakefile."""


include: "workflow/Snakefile"
