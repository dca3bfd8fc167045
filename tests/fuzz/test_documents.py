"""Every operation of every document, asked with what it allows and with what it does not."""

import pytest
from tests.fuzz.asking import ask_everything
from tests.fuzz.surfaces import ON_LINUX

pytestmark = [pytest.mark.slow, ON_LINUX]


def test_no_operation_is_answered_with_a_server_error(surface, budget):
    with surface.listener.no_larger_than(200):
        assert ask_everything(surface, examples=budget.examples) > 3
