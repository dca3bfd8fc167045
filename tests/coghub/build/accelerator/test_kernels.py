import pytest

from coghub.build.accelerator.kernels import capabilities, kernel_warning


@pytest.mark.parametrize(
    ("cuda", "capability", "is_warned"),
    [
        ("12.4", "8.6", False),
        ("12.4", "9.0", False),
        ("11.7", "9.0", True),
        ("11.7", "8.9", True),
        ("11.8", "9.0", False),
        ("12.6", "12.0", True),
        ("12.6", "10.0", True),
        ("12.8", "12.0", False),
        ("12.6", "6.1", False),
        ("12.8", "6.1", True),
        ("12.8", "7.0", False),
        ("13.0", "7.0", True),
        ("13.0", "7.5", False),
    ],
)
def test_a_gpu_that_the_wheels_have_no_kernels_for_is_warned_of(cuda, capability, is_warned):
    warning = kernel_warning("2.4.1", cuda, [capability])

    assert (warning is not None) is is_warned
    assert warning is None or capability in warning


def test_no_gpu_is_no_reason_to_warn():
    assert kernel_warning("2.4.1", "12.4", []) is None


def test_the_driver_is_asked_for_what_is_there(tmp_path):
    program = tmp_path / "nvidia-smi"
    program.write_text('#!/bin/sh\necho 8.6\necho " 12.0"\necho 8.6\n')
    program.chmod(0o755)
    environ = {"PATH": f"{tmp_path}:/usr/bin:/bin"}

    assert capabilities(environ) == ("8.6", "12.0")
    assert capabilities({**environ, "COG_SKIP_GPU_CHECK": "1"}) == ()
    assert capabilities({"PATH": "/nonexistent"}) == ()


def test_a_driver_that_fails_tells_nothing(tmp_path):
    program = tmp_path / "nvidia-smi"
    program.write_text("#!/bin/sh\necho 'NVIDIA-SMI has failed'\nexit 9\n")
    program.chmod(0o755)

    assert capabilities({"PATH": f"{tmp_path}:/usr/bin:/bin"}) == ()
