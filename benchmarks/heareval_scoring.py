"""Time heareval's event metrics, in its own environment: python -I heareval_scoring.py FILE.

FILE holds ``reference``, ``estimated``, ``labels`` and ``metrics``; printed are value and CPU
seconds per metric.
"""

import json
import sys
import time

from heareval.score import available_scores


def main() -> None:
    """Score each metric once."""
    with open(sys.argv[1]) as stream:
        data = json.load(stream)
    index = {label: i for i, label in enumerate(data["labels"])}
    answers = {}
    for slug in data["metrics"]:
        score = available_scores[slug](label_to_idx=index)
        started = time.process_time()
        value = score(data["estimated"], data["reference"])
        answers[slug] = {"cpu_s": time.process_time() - started, "value": dict(value)}
    print(json.dumps(answers))


if __name__ == "__main__":
    main()
