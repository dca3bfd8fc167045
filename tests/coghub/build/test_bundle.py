"""The local store of bundles."""

import io
import json
import os
import sys
from dataclasses import replace
from pathlib import Path

import pytest

import cog
import coghub
from coghub.build import layers
from coghub.build.bundle import Store
from coghub.build.bundle_content import LARGE_BYTES
from coghub.build.cog_yaml import Build, Command, Config
from coghub.build.events import ignore
from coghub.build.plan import Plan, read_plan, resolve
from coghub.domain.digest import digest_of
from coghub.domain.errors import BundleInvalid, BundleNotFound, ConfigInvalid, ProjectUnreadable
from coghub.settings import Settings

OWN = f"{sys.version_info.major}.{sys.version_info.minor}"
DOCUMENT = {"openapi": "3.0.2", "info": {"title": "Cog"}}
PLAN = Plan(OWN, predict="predict.py:Predictor", config={"predict": "predict.py:Predictor"})


@pytest.fixture
def project(tmp_path: Path) -> Path:
    folder = tmp_path / "project"
    (folder / "lib").mkdir(parents=True)
    (folder / "predict.py").write_text("class Predictor: ...\n")
    (folder / "lib" / "run.sh").write_text("#!/bin/sh\n")
    (folder / "lib" / "run.sh").chmod(0o755)
    (folder / "link").symlink_to("predict.py")
    return folder


@pytest.fixture
def store(settings: Settings) -> Store:
    """A store that finds an empty lock, so that nothing is resolved."""
    return Store(settings)


@pytest.fixture(autouse=True)
def no_lock(monkeypatch: pytest.MonkeyPatch) -> None:
    """Locking is tested with the real uv below; here it would only cost time."""
    monkeypatch.setattr("coghub.build.lock.Locks.lock", lambda *_: ("tiny==1.0 --hash=sha256:aa",))


def test_what_was_unpacked_stays_while_it_is_named_or_runs(
    store: Store, settings: Settings, project: Path
) -> None:
    old = store.write("hello", PLAN, project, DOCUMENT, ignore)
    runs = store.unpack(old)
    left = runs.parent.with_name(f".{runs.parent.name[:16]}.1")
    left.mkdir()
    assert Store(settings).prune() == 0

    (project / "predict.py").write_text("changed = True\n")
    new = store.unpack(store.write("hello", PLAN, project, DOCUMENT, ignore))
    assert Store(settings).prune() == 0
    assert runs.exists()

    store.release()
    assert Store(settings).prune() == 1
    assert (runs.exists(), left.exists(), new.exists()) == (False, False, True)


def test_what_is_written_can_be_found_and_unpacked(store: Store, project: Path) -> None:
    written = store.write("hello", PLAN, project, DOCUMENT, ignore)

    found = store.find("hello:latest")
    folder = store.unpack(found)

    assert found == written == store.find(written.digest)
    assert found.document == DOCUMENT
    assert (folder / "predict.py").read_text() == "class Predictor: ...\n"
    assert os.access(folder / "lib" / "run.sh", os.X_OK)
    assert (folder / "link").readlink() == Path("predict.py")
    assert json.loads((folder / ".cog/openapi_schema.json").read_text()) == DOCUMENT
    assert read_plan(folder) == replace(PLAN, lock=("tiny==1.0 --hash=sha256:aa",))
    assert store.unpack(found) == folder


def test_labels_are_cogs_and_ours(store: Store, project: Path) -> None:
    labels = store.write("hello", PLAN, project, DOCUMENT, ignore).labels

    assert labels == {
        "run.cog.version": cog.__version__,
        "run.cog.config": '{"predict":"predict.py:Predictor"}',
        "run.cog.openapi_schema": '{"openapi":"3.0.2","info":{"title":"Cog"}}',
        "run.cog.pip_freeze": "tiny==1.0",
        "run.cog.bundle": "1",
        "run.coghub.version": coghub.__version__,
    }


def test_equal_projects_have_equal_digests(store: Store, project: Path, tmp_path: Path) -> None:
    """Times, owners and the order on the disk do not count."""
    one = store.write("one", PLAN, project, DOCUMENT, ignore)
    copy = tmp_path / "elsewhere"
    (copy / "lib").mkdir(parents=True, mode=0o700)
    (copy / "link").symlink_to("predict.py")
    for path in ("lib/run.sh", "predict.py"):
        (copy / path).write_bytes((project / path).read_bytes())
        os.utime(copy / path, (1, 1))
    (copy / "lib/run.sh").chmod(0o700)

    other = store.write("other", PLAN, copy, DOCUMENT, ignore)

    assert one.digest == other.digest
    assert [bundle.name for bundle in store.list()] == ["one:latest", "other:latest"]


def test_a_bundle_is_an_image_that_says_what_it_is(store: Store, project: Path) -> None:
    bundle = store.write("hello", PLAN, project, DOCUMENT, ignore)

    manifest = store.layout.read_json(bundle.digest)
    config = store.layout.read_json(manifest["config"]["digest"])
    index = json.loads((store.folder / "index.json").read_text())

    assert manifest["artifactType"] == "application/vnd.coghub.bundle.v1"
    assert config["config"]["WorkingDir"] == "/src"
    assert "cog-predict" in config["config"]["Entrypoint"][0]
    assert config["rootfs"]["diff_ids"] == [layer["digest"] for layer in manifest["layers"]]
    assert json.loads((store.folder / "oci-layout").read_text()) == {"imageLayoutVersion": "1.0.0"}
    assert index["manifests"][0]["annotations"] == {
        "org.opencontainers.image.ref.name": "hello:latest"
    }
    for blob in (store.folder / "blobs/sha256").iterdir():
        assert digest_of(blob.read_bytes()) == f"sha256:{blob.name}"


def test_a_large_file_has_a_layer_that_a_change_of_code_leaves_alone(
    store: Store, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (project / "weights.bin").write_bytes(b"w" * LARGE_BYTES)
    first = layers_of(store, store.write("hello", PLAN, project, DOCUMENT, ignore).digest)
    written: list[str] = []
    real = layers._add
    monkeypatch.setattr(
        layers, "_add", lambda archive, file: (written.append(file.path), real(archive, file))
    )
    (project / "predict.py").write_text("class Predictor: pass\n")

    second = layers_of(store, store.write("hello", PLAN, project, DOCUMENT, ignore).digest)

    assert first[1:] == second[1:]
    assert len(second) == 2
    assert first[0] != second[0]
    assert "weights.bin" not in written
    assert sum(layer["size"] for layer in second[:1]) < 20_000


def layers_of(store: Store, digest: str) -> list[dict]:
    return store.layout.read_json(digest)["layers"]


def test_a_name_that_moves_on_leaves_no_blobs_behind(store: Store, project: Path) -> None:
    store.write("hello", PLAN, project, DOCUMENT, ignore)
    (project / "predict.py").write_text("changed")
    store.write("hello", PLAN, project, DOCUMENT, ignore)

    blobs = list((store.folder / "blobs/sha256").iterdir())

    assert len(blobs) == 3  # a manifest, a config, a layer


def test_the_names_that_are_there_are_told(store: Store, project: Path) -> None:
    store.write("hello:v1", PLAN, project, DOCUMENT, ignore)

    with pytest.raises(BundleNotFound) as caught:
        store.find("hello")

    assert caught.value.hint == "Build it with `cog build -t hello`; there are: hello:v1"


@pytest.mark.parametrize(
    "name", ["nothing", "nothing:v1", f"sha256:{'0' * 64}", f"a.b/c/d@sha256:{'0' * 64}"]
)
def test_a_name_that_is_not_there_is_named(store: Store, name: str) -> None:
    with pytest.raises(BundleNotFound, match=f"No bundle named `{name}` on this machine"):
        store.find(name)


def test_an_empty_store_has_no_bundles(store: Store) -> None:
    assert store.list() == ()


@pytest.mark.parametrize("content", ["", "{}", '{"manifests": [{}]}'])
def test_a_damaged_index_is_told(store: Store, content: str) -> None:
    store.folder.mkdir(parents=True)
    (store.folder / "index.json").write_text(content)

    with pytest.raises(BundleInvalid, match="The store's index is damaged"):
        store.list()


def test_a_damaged_manifest_is_told(store: Store, project: Path) -> None:
    bundle = store.write("hello", PLAN, project, DOCUMENT, ignore)
    store.layout.path_of(bundle.digest).write_text("{}")

    with pytest.raises(BundleInvalid, match="is not what its digest says"):
        store.find("hello")


@pytest.mark.parametrize("is_gone", [False, True])
def test_a_damaged_bundle_does_not_stand_in_the_way_of_others(
    store: Store, project: Path, *, is_gone: bool
) -> None:
    damaged = store.layout.path_of(store.write("old", PLAN, project, DOCUMENT, ignore).digest)
    damaged.unlink() if is_gone else damaged.write_text("{}")
    (project / "predict.py").write_text("class Predictor: pass\n")

    store.write("new", PLAN, project, DOCUMENT, ignore)

    assert [bundle.name for bundle in store.list()] == ["new:latest"]
    assert store.unpack(store.find("new")).is_dir()


def test_a_file_that_grows_while_it_is_read_is_named(
    store: Store, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Growing(io.FileIO):
        def read(self, size: int | None = -1, /) -> bytes:
            with (project / "predict.py").open("a") as other:
                other.write("more")
            return super().read(size)

    monkeypatch.setattr(layers, "_opened", Growing)

    with pytest.raises(ProjectUnreadable, match=r"File changed while it was read: predict\.py"):
        store.write("hello", PLAN, project, DOCUMENT, ignore)


def test_a_file_that_shrinks_while_it_is_read_is_named(
    store: Store, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Shrinking(io.FileIO):
        def read(self, size: int | None = -1, /) -> bytes:
            os.truncate(self.name, 0)
            return super().read(size)

    monkeypatch.setattr(layers, "_opened", Shrinking)

    with pytest.raises(ProjectUnreadable, match=r"File changed while it was read: lib/run\.sh"):
        store.write("hello", PLAN, project, DOCUMENT, ignore)


def test_a_file_that_vanishes_is_named(
    store: Store, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = layers._opened

    def vanish(path: Path):
        (project / "predict.py").unlink(missing_ok=True)
        return real(path)

    monkeypatch.setattr(layers, "_opened", vanish)

    with pytest.raises(ProjectUnreadable, match=r"Could not read predict.py: No such file"):
        store.write("hello", PLAN, project, DOCUMENT, ignore)


def test_a_project_with_too_many_files_says_what_to_do(
    store: Store, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(layers, "MAX_FILES", 3)

    with pytest.raises(ProjectUnreadable) as caught:
        store.write("hello", PLAN, project, DOCUMENT, ignore)

    assert caught.value.message == "The project has more than 3 files: 4"
    assert ".dockerignore" in (caught.value.hint or "")


@pytest.mark.parametrize(
    ("reference", "ignored"), [("predict.py:P", "*.py\n"), ("outside.py:P", ""), ("../a.py:P", "")]
)
def test_a_bundle_without_its_code_is_refused(
    store: Store, project: Path, reference: str, ignored: str
) -> None:
    (project / ".dockerignore").write_text(ignored)
    (project / "outside.py").symlink_to(project.parent / "other.py")

    with pytest.raises(ProjectUnreadable, match="The bundle would lack what"):
        store.write("hello", replace(PLAN, predict=reference), project, DOCUMENT, ignore)


def test_code_behind_a_link_is_in_the_bundle(store: Store, project: Path) -> None:
    (project / "lib" / "model.py").touch()
    (project / "src").symlink_to("lib")

    store.write("hello", replace(PLAN, predict="./src/model.py:P"), project, DOCUMENT, ignore)


def test_a_command_of_two_lines_is_refused(store: Store, project: Path) -> None:
    plan = replace(PLAN, run=(Command("one\ntwo"),))

    with pytest.raises(ConfigInvalid) as caught:
        store.write("hello", plan, project, DOCUMENT, ignore)

    text = "One of the commands in 'run' contains a new line, which won't work."
    assert caught.value.message.startswith(text)


def test_a_command_that_ends_with_a_new_line_is_one_line(store: Store, project: Path) -> None:
    plan = replace(PLAN, run=(Command("one\n"),))

    assert store.write("hello", plan, project, DOCUMENT, ignore).name == "hello:latest"


def test_a_bundle_without_a_schema_says_so(store: Store, project: Path) -> None:
    bundle = replace(store.write("hello", PLAN, project, DOCUMENT, ignore), labels={})

    with pytest.raises(BundleInvalid, match="`hello:latest` carries no schema"):
        _ = bundle.document


def test_odd_names_survive(store: Store, project: Path) -> None:
    odd = ["späße", "new\nline", "\udcff", "x" * 200]
    for name in odd:
        (project / name).write_bytes(name.encode("utf-8", "surrogateescape"))

    folder = store.unpack(store.write("hello", PLAN, project, DOCUMENT, ignore))

    for name in odd:
        assert (folder / name).read_bytes() == name.encode("utf-8", "surrogateescape")


def test_a_whole_project_goes_the_whole_way(store: Store, project: Path) -> None:
    build = Build(python_version=OWN, python_packages=("numpy",))
    plan = resolve(Config(build, predict="predict.py:Predictor"), project)

    folder = store.unpack(store.write("a/b:c", plan, project, DOCUMENT, ignore))

    assert read_plan(folder).requirements == plan.requirements
