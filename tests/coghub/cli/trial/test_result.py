import io

from coghub.cli.output import Console
from coghub.cli.trial.result import Result, tell, tell_sum


def told(*results, is_result=True):
    out, err = io.StringIO(), io.StringIO()
    console = Console(out, err)
    for result in results:
        tell(console, result, is_result=is_result)
    tell_sum(console, results, is_result=is_result)
    return out.getvalue(), err.getvalue()


def test_the_report_goes_to_stdout_and_what_the_model_printed_to_stderr():
    failed = Result("b", ("first\nline", "second"), "said\nmore\n", 1.234)

    assert told(Result("a", logs="quiet", duration_s=0.5), failed) == (
        "✓ a (0.50 s)\n✗ b (1.23 s)\n    first\n    line\n    second\n1 passed, 1 failed\n",
        "    What the model printed in `b`:\n    | said\n    | more\n",
    )


def test_inside_of_another_command_all_goes_to_stderr():
    assert told(Result("a"), is_result=False) == ("", "✓ a\n1 passed\n")


def test_of_drawn_inputs_only_faults_are_told_and_all_are_counted():
    assert told(Result("fuzz 1", kind="fuzz"), Result("fuzz 2", ("died",), kind="fuzz")) == (
        "✗ fuzz 2\n    died\n1 passed, 1 failed\n",
        "",
    )


def test_what_a_model_says_cannot_move_the_terminal():
    out, err = told(Result("a", ("bad \x1b[31m",), "\x1b[2J\ttab\u202eright\x07"))

    assert out == "✗ a\n    bad \\x1b[31m\n0 passed, 1 failed\n"
    assert err.endswith("    | \\x1b[2J\ttab\\u202eright\\x07\n")
