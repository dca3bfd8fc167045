from coghub.build.docker.container import ContainerSpec, Limits, Mount, run_command


def test_a_container_is_one_command_line():
    spec = ContainerSpec(
        image="sha256:1",
        name="cog-1",
        command=("python", "x.py"),
        environment={"SECRET": "hush"},
        labels={"a": "b c"},
        mounts=(Mount("/a,b", "/src"), Mount("home", "/home", is_volume=True)),
        ports=("127.0.0.1::5000",),
        gpus="all",
        workdir="/src",
        has_init=False,
    )

    words = run_command(spec)

    assert words[-3:] == ["sha256:1", "python", "x.py"]
    assert "--env=SECRET" in words
    assert "hush" not in " ".join(words)
    assert '--mount=type=bind,"source=/a,b",target=/src' in words
    assert "--mount=type=volume,source=home,target=/home" in words
    assert {"--rm", "--init", "--gpus=all", "--publish=127.0.0.1::5000"} <= set(words)


def test_limits_shut_a_container_in():
    limits = Limits(cpus=1.5, memory_bytes=1024, processes=9, is_read_only=True, drops_rights=True)

    words = run_command(ContainerSpec("i", "n", limits=limits))

    assert {
        "--cpus=1.5",
        "--memory=1024",
        "--memory-swap=1024",
        "--pids-limit=9",
        "--read-only",
        "--cap-drop=ALL",
        "--security-opt=no-new-privileges",
    } <= set(words)


def test_without_limits_nothing_is_said_of_them():
    words = " ".join(run_command(ContainerSpec("i", "n")))

    assert not any(word in words for word in ("--cpus", "--memory", "--read-only", "--cap-drop"))
