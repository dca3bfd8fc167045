"""A hub with models in containers: a real `coghub up`, real pushes, and what the engine sees."""

import pytest
from tests.acceptance.hub_process import HubProcess

pytestmark = [pytest.mark.acceptance, pytest.mark.timeout(600)]


def test_bundles_and_images_both_run_in_containers(started, docker_engine):
    there = started()
    bundle = there.push("bundled")
    image = there.push("imaged", "--image")

    ran = [there.predict(version, do=f"echo {version[:4]}") for version in (bundle, image)]

    assert [one["output"] for one in ran] == [f"echo {bundle[:4]}", f"echo {image[:4]}"]
    assert "weights are loaded" in ran[0]["logs"]
    assert len(there.containers()) == 2
    there.hub.stop()
    assert there.containers() == []


def test_a_container_has_no_rights_and_nothing_of_the_hubs_environment(started):
    there = started()
    version = there.push("probe")

    rights = there.predict(version, do="rights")["output"]
    names = there.predict(version, do="environment")["output"]

    assert "CapEff:\t0000000000000000" in rights
    assert "NoNewPrivs:\t1" in rights
    assert "COGHUB" not in names
    assert there.predict(version, do="home")["output"] == "x"


def test_memory_above_the_limit_ends_in_a_reason(started):
    there = started(hardware_limits="cpu:cpus=1,memory=256MiB")
    version = there.push("probe")

    done = there.predict(version, do="memory")

    assert done["status"] == "failed"
    assert "out of memory" in done["error"].lower()


def test_without_a_network_models_still_reach_the_hub(started):
    there = started(docker_network="none")
    version = there.push("probe")

    done = there.predict(version, do="internet")

    assert done["status"] == "failed"
    assert "unreachable" in done["error"] or "timed out" in done["error"]
    assert there.predict(version, do="echo")["output"] == "echo"


def test_containers_of_a_killed_hub_are_gone_after_its_next_start(started, docker_engine):
    there = started()
    version = there.push("probe")
    there.predict(version, do="echo")
    before = there.containers()
    assert len(before) == 1

    there.hub.kill()
    there.hub.restart()

    assert there.predict(version, do="echo")["output"] == "echo"
    assert not set(before) & set(there.containers())


def test_a_hub_without_an_engine_says_so_and_ends(environ, docker_engine, tmp_path):
    own = {"DOCKER_HOST": f"unix://{tmp_path}/none.sock", "COGHUB_EXECUTOR": "docker"}

    with pytest.raises(AssertionError) as ended:
        HubProcess(tmp_path / "hub", {**environ, **docker_engine.environ, **own})

    assert "Cannot connect to the Docker daemon" in str(ended.value)
    assert "Traceback" not in str(ended.value)
