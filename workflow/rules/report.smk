"""One page per study. What it can show: analysis/exhibits/registry.py; what a study makes of that:
its exhibits()."""

for reported in (STUDY, OFFICIAL):

    rule:
        name:
            f"report_{reported.name}"
        message:
            f"report: study {reported.name}"
        input:
            files=report_inputs(reported),
            scores=reported.scores(),
            code=code(*REPORT_CODE),
        output:
            report(
                reported.report,
                caption="../report/report.rst",
                category="Report",
            ),
        params:
            facts=report_facts(reported),
            text=reported.words(),
            logs=[f"logs/{reported.name}", f"logs/{reported.source}"],
        localrule: True
        log:
            f"logs/{reported.name}/report.log",
        conda:
            ENVIRONMENT
        script:
            "../scripts/report.py"
