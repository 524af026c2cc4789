"""show_costs: the paper's table 2 and figure 3 from what was measured on this machine."""

from pathlib import Path

from analysis.exhibits.figures.speed import figure_3
from analysis.exhibits.style import save_exhibit
from analysis.tables.costs import read_costs, table_2, table_2_notes
from analysis.tables.scores import write_csv, write_text
from analysis.tables.tabulate import to_markdown
from workflow.logs import logged

with logged(snakemake.log[0]):
    costs, study = read_costs(snakemake.input.costs), snakemake.params.study
    table = table_2(costs)
    write_csv(table, snakemake.output.csv)
    write_text(to_markdown(table, table_2_notes(costs, study)), snakemake.output.md)
    save_exhibit(figure_3(costs, study), Path(snakemake.output.figure[0]).with_suffix(""))
