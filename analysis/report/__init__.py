"""The report of a study: one self-contained HTML file with every exhibit, a function of a list.

`EXHIBITS` lists what a report can show; `read_exhibits` takes those whose files a study has, and
`render_report` sets the page. Nothing in the page loads anything: figures are inside it, links are
relative and lead to the files that the numbers come from.
"""

from __future__ import annotations

from analysis.report.exhibits import EXHIBITS, Exhibit, exhibits_among
from analysis.report.page import Facts, render_report
from analysis.report.trace import read_trace

__all__ = ["EXHIBITS", "Exhibit", "Facts", "exhibits_among", "read_trace", "render_report"]
