"""Flags and environment."""

import sys

import pytest

from cog.server.settings import LEVELS, Settings, read_settings

REFERENCE = {"COG_PREDICT_TYPE_STUB": "predict.py:Predictor"}


def settings(*flags: str, **environ: str) -> Settings:
    return read_settings(flags, REFERENCE | environ)


def test_the_defaults_are_cogs():
    found = settings()

    assert (found.host, found.port, found.mode) == ("0.0.0.0", 5000, "predict")
    assert found.worker_python == sys.executable
    assert not found.await_explicit_shutdown
    assert found.setup_timeout_s is None
    assert found.throttle_s == 0.5


@pytest.mark.parametrize("word", ["false", "False", "0", "no", ""])
def test_explicit_shutdown_can_be_told_to_be_off(word):
    """In Cog any text means on."""
    assert not settings("--await-explicit-shutdown", word).await_explicit_shutdown
    assert settings("--await-explicit-shutdown", "true").await_explicit_shutdown


@pytest.mark.parametrize("text", ["0", "-1", "soon", "inf", ""])
def test_a_setup_timeout_that_makes_no_sense_is_none(text):
    assert settings(COG_SETUP_TIMEOUT=text).setup_timeout_s is None


def test_an_ignored_number_is_named(capsys):
    assert settings(COG_STREAM_HISTORY_CAPACITY="many").stream_history == 1024
    assert "COG_STREAM_HISTORY_CAPACITY" in capsys.readouterr().err


@pytest.mark.parametrize("text", ["eighty", "-1", "65536", "5000.0"])
def test_a_port_must_be_a_port(text):
    with pytest.raises(SystemExit, match=f"ERROR: PORT is not a port number: {text}"):
        settings(PORT=text)


def test_a_socket_may_be_named_by_a_flag_or_the_environment():
    assert settings().unix_socket is None
    assert settings(COG_UNIX_SOCKET="/a").unix_socket == "/a"
    assert settings("--unix-socket", "/b", COG_UNIX_SOCKET="/a").unix_socket == "/b"


def test_levels_and_formats():
    assert settings(COG_LOG_LEVEL="WARNING").log_level == LEVELS["warn"]
    assert settings(COG_LOG_LEVEL="loud").log_level == LEVELS["info"]
    assert settings(LOG_FORMAT="console").is_console
    assert settings(KUBERNETES_SERVICE_HOST="x").ready_file == "/var/run/cog/ready"


def test_old_flags_are_still_taken():
    assert settings("--threads", "4", "--upload-url", "http://x").upload_url == "http://x"


def test_the_version_is_printed(capsys):
    with pytest.raises(SystemExit):
        read_settings(["--version"], REFERENCE, version="0.23.1")

    assert capsys.readouterr().out == "cog 0.23.1\n"


@pytest.mark.parametrize(
    ("line", "reference"),
    [
        ('predict: "predict.py:Predictor"', "predict.py:Predictor"),
        ("run: my-dir/run.py:Runner  # comment", "my-dir/run.py:Runner"),
        ("predict: 'p.py'", "p.py"),
    ],
)
def test_old_images_name_their_model_in_cog_yaml_alone(tmp_path, monkeypatch, line, reference):
    (tmp_path / "cog.yaml").write_text(f"build:\n  python_version: '3.11'\n{line}\n")
    monkeypatch.chdir(tmp_path)

    assert read_settings([], {}).reference == reference


@pytest.mark.parametrize("mode", ["predict", "train"])
def test_nothing_to_run_is_one_clear_error(tmp_path, monkeypatch, mode):
    monkeypatch.chdir(tmp_path)

    with pytest.raises(SystemExit) as caught:
        read_settings(["--x-mode", mode], {})

    expected = f"ERROR: COG_{mode.upper()}_TYPE_STUB environment variable is not set."
    assert str(caught.value).startswith(expected)
