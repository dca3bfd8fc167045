"""What is kept of a log: its head, its end, and the count of what was between."""

import re

from hypothesis import given
from hypothesis import strategies as st

from coghub.scheduler.log_budget import LogBudget


@given(st.lists(st.text(alphabet="ab\n", max_size=30)), st.integers(1, 40))
def test_head_end_and_gap_are_the_whole_log(pieces, half):
    budget, whole = LogBudget(half), "".join(pieces)

    head = "".join(budget.take(piece) for piece in pieces)
    rest = budget.rest()

    gap = re.match(r"\n\[… (\d+) characters of logs dropped …\]\n", rest)
    tail = rest[gap.end() :] if gap else rest
    assert whole.startswith(head)
    assert whole.endswith(tail)
    assert len(head) + (int(gap[1]) if gap else 0) + len(tail) == len(whole)
    assert max(len(head), len(tail)) <= half
    assert bool(gap) == (len(whole) > 2 * half)
