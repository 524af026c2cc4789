"""What stands in the provenance of a result."""

import re

from workflow.provenance import software


def test_the_commit_is_unknown_where_git_is_not_installed(monkeypatch, tmp_path):
    assert re.fullmatch("[0-9a-f]{40}(-dirty)?|unknown", software()["commit"])
    monkeypatch.setenv("PATH", str(tmp_path))
    assert software()["commit"] == "unknown"
