"""`cog weights`: from sources to a lock, a registry, another machine, and into runs."""

import gzip
import io
import json
import os
import re
import shutil
import signal
import subprocess
import tarfile
import threading
import time
import urllib.request
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from tests.acceptance.conftest import Person

pytestmark = [pytest.mark.acceptance, pytest.mark.slow, pytest.mark.timeout(300)]

CONFIG = """\
build:
  python_version: "{version}"
predict: "predict.py:Predictor"
model: alice/weighty
weights:
  - name: base
    target: /src/weights
    source:
      uri: files
      exclude: ["*.txt", "old/"]
"""
PREDICT = """\
from pathlib import Path
from cog import BasePredictor

class Predictor(BasePredictor):
    def setup(self) -> None:
        self.found = sorted(f"{{it.relative_to({target!r})}}={{it.read_text('latin-1')[:9]}}"
                            for it in Path({target!r}).rglob("*") if it.is_file())

    def predict(self) -> str:
        return " ".join(self.found)
"""
FOUND = "a.json={} b/c.bin=weights"
COMMIT = "5" * 40
LARGE_BYTES = 70 * 1024**2


@pytest.fixture
def hub(start_hub, tmp_path):
    hub = start_hub(tmp_path / "data")
    hub.run("user", "create", "alice")
    return hub


@pytest.fixture
def project(environ, hub, python_version, tmp_path) -> Person:
    """A project with weights in a folder, whose author is logged in."""
    folder = tmp_path / "project"
    (folder / "files" / "b").mkdir(parents=True)
    (folder / "files" / "old").mkdir()
    (folder / "files" / "a.json").write_text("{}")
    (folder / "files" / "b" / "c.bin").write_text("weights")
    (folder / "files" / "notes.txt").write_text("no")
    (folder / "files" / "old" / "c.bin").write_text("no")
    (folder / "cog.yaml").write_text(CONFIG.format(version=python_version))
    (folder / "predict.py").write_text(PREDICT.format(target="weights"))
    person = Person(folder, machine(environ, tmp_path / "one"))
    logged_in(person, hub)
    return person


def machine(environ, home: Path) -> dict[str, str]:
    """Return the environment of a machine with a store of its own, and the models' environments."""
    (home / "cache").mkdir(parents=True)
    (home / "cache" / "coghub").symlink_to(environ["COG_CACHE_DIR"])
    return {
        **environ,
        "XDG_CACHE_HOME": str(home / "cache"),
        "COG_CACHE_DIR": "",
        "DOCKER_CONFIG": str(home / "docker"),
        "COG_DATA_DIR": str(home / "data"),
    }


def logged_in(person: Person, hub) -> None:
    token = hub.run("token", "create", "alice").strip()
    done = person("login", "--token-stdin", hub.address, stdin=token)
    assert done.returncode == 0, done.stderr


def ran(person: Person, *arguments: str, **environ: str) -> subprocess.CompletedProcess[str]:
    done = person(*arguments, **environ)
    assert done.returncode == 0, done.stderr
    return done


def lock_of(person: Person) -> dict:
    return json.loads((person.folder / "weights.lock").read_text())


def store_of(person: Person) -> Path:
    return Path(person.environ["XDG_CACHE_HOME"], "cog", "weights")


def files_in(person: Person) -> int:
    return len(list(store_of(person).glob("files/sha256/*/*")))


def traces(person: Person) -> list[str]:
    """Return what is left of runs."""
    folder = person.folder / ".cog" / "mounts"
    left = [it.name for it in folder.iterdir()] if folder.exists() else []
    return left + (["weights"] if os.path.lexists(person.folder / "weights") else [])


def test_weights_go_from_a_folder_to_a_lock_a_registry_and_a_run(project, hub):
    done = ran(project, "weights", "import", "-v")

    assert "experimental" in done.stderr
    assert "Building 1 weight(s)..." in done.stderr
    assert "  base -> /src/weights (1 layer(s), 9 B" in done.stderr
    assert "Pushed 1 weight artifact(s) to alice/weighty" in done.stderr
    [weight] = lock_of(project)["weights"]
    assert [it["path"] for it in weight["files"]] == ["a.json", "b/c.bin"]
    assert weight["sources"][0]["uri"] == "file://./files"
    assert weight["sources"][0]["fingerprint"] == weight["setDigest"]
    assert f"base: digest: {weight['digest']}\n" == done.stdout
    assert ran(project, "predict").stdout == f"{FOUND}\n"
    assert traces(project) == []


def test_what_is_in_the_registry_is_an_artifact_of_cogs_form(project, hub):
    ran(project, "weights", "import")
    [weight] = lock_of(project)["weights"]

    def get(path: str) -> bytes:
        bare = urllib.request.Request(
            f"{hub.address}/v2/alice/weighty/{path}",
            headers={"Accept": "application/vnd.oci.image.manifest.v1+json"},
        )
        with urllib.request.urlopen(authorised(bare, project, hub)) as response:
            return response.read()

    manifest = json.loads(get(f"manifests/cog-weight.base.{weight['digest'][7:19]}"))
    assert manifest["artifactType"] == "application/vnd.cog.weight.v1"
    assert manifest["annotations"] == {
        "run.cog.weight.name": "base",
        "run.cog.weight.target": "/src/weights",
        "run.cog.weight.set-digest": weight["setDigest"],
    }
    [layer] = manifest["layers"]
    content = gzip.decompress(get(f"blobs/{layer['digest']}"))
    assert layer["annotations"]["run.cog.weight.size.uncompressed"] == str(len(content))
    with tarfile.open(fileobj=io.BytesIO(content)) as archive:
        members = archive.getmembers()
        assert [(it.name, it.mode, it.mtime, it.uid) for it in members] == [
            ("a.json", 0o644, 0, 0),
            ("b/c.bin", 0o644, 0, 0),
        ]
    config = json.loads(get(f"blobs/{manifest['config']['digest']}"))
    assert config["files"] == weight["files"]


def authorised(request, person: Person, hub):
    document = json.loads(Path(person.environ["DOCKER_CONFIG"], "config.json").read_text())
    [auth] = [it["auth"] for it in document["auths"].values()]
    request.add_header("Authorization", f"Basic {auth}")
    return request


def test_importing_again_changes_and_sends_nothing(project):
    ran(project, "weights", "import")
    before = (project.folder / "weights.lock").read_bytes()

    again = ran(project, "weights", "import")

    assert (project.folder / "weights.lock").read_bytes() == before
    assert "Confirmed 1 weight artifact(s)" in again.stderr


def test_a_dry_run_says_what_would_be_done_and_does_nothing(project):
    new = ran(project, "weights", "import", "--dry-run")
    assert not (project.folder / "weights.lock").exists()
    ran(project, "weights", "import")
    same = ran(project, "weights", "import", "--dry-run")
    (project.folder / "files" / "a.json").write_text("[]")
    changed = ran(project, "weights", "import", "--dry-run")

    assert new.stdout == "base -> /src/weights: new (2 files)\n"
    assert same.stdout == "base -> /src/weights: unchanged (2 files)\n"
    assert changed.stdout == "base -> /src/weights: changed (2 files)\n"


def test_another_machine_pulls_what_the_lock_says(project, hub, tmp_path, environ):
    large = os.urandom(1024) * (LARGE_BYTES // 1024)
    (project.folder / "files" / "large.safetensors").write_bytes(large)
    ran(project, "weights", "import")
    other = Person(project.folder, machine(environ, tmp_path / "two"))
    logged_in(other, hub)
    shutil.rmtree(project.folder / "files")

    refused = other("predict")
    before = other("weights", "status")
    pulled = ran(other, "weights", "pull")
    again = ran(other, "weights", "pull")

    assert refused.returncode == 1
    assert "is not fully cached locally (missing" in refused.stderr
    assert "run 'cog weights pull' first" in refused.stderr
    assert (before.returncode, before.stdout.split()[:3]) == (
        1, ["base", "/src/weights", "incomplete"]
    )  # fmt: skip
    assert "Pulled 1 weight(s)" in pulled.stderr
    assert "All 1 weight(s) already cached." in again.stderr
    assert ran(other, "weights", "status").returncode == 0
    assert "a.json={} b/c.bin=weights large.safetensors=" in ran(other, "predict").stdout
    assert files_in(other) == 3
    assert not list((store_of(other) / "layers").iterdir())


def test_status_tells_of_each_weight_in_json(project):
    pending = project("weights", "status", "--json")
    ran(project, "weights", "import")
    ready = ran(project, "weights", "status", "--json")
    config = project.folder / "cog.yaml"
    config.write_text(config.read_text().replace("/src/weights", "/src/other"))
    stale = project("weights", "status", "--json")
    config.write_text(config.read_text().replace("name: base", "name: new"))
    orphaned = project("weights", "status", "--json")

    def states(done) -> dict:
        return {it["name"]: it["status"] for it in json.loads(done.stdout)["weights"]}

    assert (pending.returncode, states(pending)) == (1, {"base": "pending"})
    assert "not all weights are ready" in pending.stderr
    assert (ready.returncode, states(ready)) == (0, {"base": "ready"})
    assert (stale.returncode, states(stale)) == (1, {"base": "stale"})
    assert states(orphaned) == {"new": "pending", "base": "orphaned"}
    [row] = json.loads(ready.stdout)["weights"]
    assert (row["fileCount"], row["layerCount"], row["size"]) == (2, 1, 9)


@pytest.mark.parametrize("command", ["predict", "build", "exec"])
def test_a_lock_that_says_something_else_stops_every_command(project, command):
    words = {"build": ("build", "-t", "x"), "exec": ("exec", "true")}.get(command, (command,))
    none = project(*words)
    ran(project, "weights", "import")
    config = project.folder / "cog.yaml"
    config.write_text(config.read_text().replace("/src/weights", "/src/other"))

    drifted = project(*words)

    assert none.returncode == drifted.returncode == 1
    assert "weights.lock not found (run 'cog weights import' first)" in none.stderr
    assert "weights.lock is out of sync with cog.yaml:" in drifted.stderr
    assert '- "base": config changed (target: /src/weights → /src/other)' in drifted.stderr
    assert "Run 'cog weights import' to update." in drifted.stderr


def test_a_served_model_has_its_weights_until_it_ends_also_beside_a_prediction(project):
    ran(project, "weights", "import")
    serving = project.serve()
    try:
        assert ran(project, "predict").stdout == f"{FOUND}\n"
        assert serving.predict()["output"] == FOUND
        assert (project.folder / "weights" / "a.json").exists()
    finally:
        serving.stop()

    wait_until(lambda: traces(project) == [])


def test_what_a_killed_command_has_left_goes_with_the_next(project):
    ran(project, "weights", "import")
    script = "import time; print('begun', flush=True); time.sleep(60)"
    (project.folder / "predict.py").write_text(
        (project.folder / "predict.py").read_text().replace("    def predict",
            f"        exec({script!r})\n\n    def predict")
    )  # fmt: skip
    running = project.start("predict")
    wait_until((project.folder / "weights").exists)
    os.killpg(running.pid, signal.SIGKILL)
    with running:
        running.wait()
    assert traces(project)
    (project.folder / "predict.py").write_text(PREDICT.format(target="weights"))

    assert ran(project, "predict").stdout == f"{FOUND}\n"
    assert traces(project) == []


def wait_until(is_so) -> None:
    for _ in range(600):
        if is_so():
            return
        time.sleep(0.1)
    raise AssertionError("it never came to be")


def test_a_target_that_is_taken_is_left_alone(project):
    ran(project, "weights", "import")
    (project.folder / "weights").mkdir()
    (project.folder / "weights" / "mine").write_text("mine")

    done = project("predict")

    assert done.returncode == 1
    assert 'weight "base" cannot be at' in done.stderr
    assert (project.folder / "weights" / "mine").read_text() == "mine"


def test_a_target_that_is_the_source_itself_stays_as_it_is(project):
    (project.folder / "files").rename(project.folder / "weights")
    config = project.folder / "cog.yaml"
    config.write_text(config.read_text().replace("uri: files", "uri: weights"))
    ran(project, "weights", "import")
    (project.folder / "weights" / "notes.txt").unlink()
    shutil.rmtree(project.folder / "weights" / "old")

    assert ran(project, "predict").stdout == f"{FOUND}\n"
    ran(project, "build", "-t", "weighty")
    shutil.rmtree(project.folder / "weights")
    assert ran(project, "predict", "weighty").stdout == f"{FOUND}\n"


def test_a_target_outside_of_src_is_a_link_where_it_says(project, tmp_path):
    target = tmp_path / "elsewhere" / "weights"
    config = project.folder / "cog.yaml"
    config.write_text(config.read_text().replace("/src/weights", str(target)))
    (project.folder / "predict.py").write_text(PREDICT.format(target=str(target)))
    ran(project, "weights", "import")

    assert ran(project, "predict").stdout == f"{FOUND}\n"
    assert not os.path.lexists(target)


@pytest.fixture
def docker(project, docker_engine) -> Person:
    """The project at a shell where Docker answers, with its weights outside of /src."""
    config = project.folder / "cog.yaml"
    text = re.sub("python_version.*", 'python_version: "3.11"', config.read_text())
    config.write_text(text.replace("/src/weights", "/weights"))
    (project.folder / "predict.py").write_text(PREDICT.format(target="/weights"))
    ran(project, "weights", "import")
    own = {"COG_DATA_DIR": project.environ["COG_DATA_DIR"]}
    return Person(project.folder, {**project.environ, **docker_engine.environ, **own})


def test_a_container_has_them_mounted_and_cannot_write(project, docker):
    assert ran(docker, "predict").stdout == f"{FOUND}\n"
    refused = docker("exec", "touch", "/weights/a.json")
    assert refused.returncode != 0
    assert "Read-only file system" in refused.stderr
    wait_until(lambda: traces(project) == [])


REPOSITORY = {"config.json": b"{}", "a/model.bin": b"model", "README.md": b"#"}


class Site(BaseHTTPRequestHandler):
    """Hugging Face, and a host of one file."""

    protocol_version = "HTTP/1.1"
    etag = '"one"'

    def log_message(self, *_: object) -> None:
        """Say nothing."""

    def do_GET(self) -> None:
        if self.path == "/api/models/ada/style/revision/main":
            names = [{"rfilename": it} for it in REPOSITORY]
            self.reply(json.dumps({"sha": COMMIT, "siblings": names}).encode())
        elif self.path.startswith(f"/ada/style/resolve/{COMMIT}/"):
            self.reply(REPOSITORY[self.path.partition(f"{COMMIT}/")[2]])
        elif self.path == "/one.bin":
            self.reply(self.etag.encode())
        else:
            self.send_error(404)

    def reply(self, content: bytes) -> None:
        wanted = re.fullmatch(r"bytes=(\d+)-(\d+)", self.headers["Range"] or "")
        self.send_response(206 if wanted else 200)
        if wanted:
            start, last = int(wanted[1]), min(int(wanted[2]), len(content) - 1)
            self.send_header("Content-Range", f"bytes {start}-{last}/{len(content)}")
            content = content[start : last + 1]
        self.send_header("ETag", Site.etag)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)


@pytest.fixture
def site() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Site) as server:
        threading.Thread(target=server.serve_forever).start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()


def with_source(project: Person, *lines: str) -> None:
    config = project.folder / "cog.yaml"
    head = config.read_text().partition("    source:")[0]
    config.write_text(head + "    source:\n" + "".join(f"      {it}\n" for it in lines))


def test_a_repository_of_hugging_face_is_taken_at_one_commit(project, site):
    with_source(project, "uri: hf://ada/style", 'exclude: ["*.md"]')

    ran(project, "weights", "import", HF_ENDPOINT=site)

    [weight] = lock_of(project)["weights"]
    assert [it["path"] for it in weight["files"]] == ["a/model.bin", "config.json"]
    assert weight["sources"][0]["fingerprint"] == f"commit:{COMMIT}"
    assert ran(project, "predict").stdout == "a/model.bin=model config.json={}\n"


def test_a_file_at_a_url_is_fetched_again_when_it_has_changed(project, site):
    with_source(project, f"uri: {site}/one.bin")
    ran(project, "weights", "import")
    first = lock_of(project)["weights"][0]
    Site.etag = '"two"'
    try:
        dry = ran(project, "weights", "import", "--dry-run")
        ran(project, "weights", "import")
    finally:
        Site.etag = '"one"'
    second = lock_of(project)["weights"][0]

    assert first["sources"][0]["fingerprint"] == "etag:one"
    assert "changed" in dry.stdout
    assert second["sources"][0]["fingerprint"] == "etag:two"
    assert first["setDigest"] != second["setDigest"]
    assert ran(project, "predict").stdout == 'one.bin="two"\n'


@pytest.mark.parametrize(
    ("lines", "reason"),
    [
        (
            ["uri: s3://bucket/key"],
            'unsupported weight source scheme "s3" in URI "s3://bucket/key"',
        ),
        (["uri: nowhere"], "no such file or directory: file://./nowhere"),
        (["uri: files", 'include: ["*.none"]'], "no files in files that its patterns take"),
        (["uri: files", 'include: ["!a"]'], "negation patterns (starting with '!')"),
        (["uri: http://127.0.0.1:1/a.bin"], "Could not be fetched after 6 attempts"),
        (["{}"], "source needs a uri"),
    ],
)
def test_a_source_that_cannot_be_is_one_clear_error(project, lines, reason):
    with_source(project, *lines)

    done = project("weights", "import")

    assert done.returncode == 1
    assert reason in done.stderr
    assert "Traceback" not in done.stderr
    assert not (project.folder / "weights.lock").exists()


@pytest.mark.parametrize("kind", ["link", "pipe", "whiteout", "hidden"])
def test_a_folder_with_what_no_weight_may_have_is_refused(project, kind):
    place = project.folder / "files"
    match kind:
        case "link":
            (place / "l").symlink_to("/etc/passwd")
        case "pipe":
            os.mkfifo(place / "p")
        case "whiteout":
            (place / ".wh.a").touch()
        case "hidden":
            (place / ".cog").mkdir()

    done = project("weights", "import")

    assert done.returncode == 1
    assert "a weight must not have" in done.stderr


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        ("name: base", "name: Base", "name must be lower-case"),
        ("target: /src/weights", "target: weights", "target must be an absolute path"),
        ("target: /src/weights", "target: /", 'must not be the container root "/"'),
        ("target: /src/weights", "target:", "target is required"),
        ('"old/"', '"[z-a]"', "not a pattern: [z-a]"),
        ("model: alice/weighty", "image: alice/weighty", "not 'image' — rename 'image' to 'model'"),
        ("model: alice/weighty\n", "", "weight commands require a model ref"),
    ],
)
def test_a_config_that_cannot_be_is_one_clear_error(project, old, new, reason):
    config = project.folder / "cog.yaml"
    config.write_text(config.read_text().replace(old, new))

    done = project("weights", "import")

    assert done.returncode == 1
    assert reason in done.stderr


def test_unknown_names_and_no_weights_are_said(project):
    unknown = project("weights", "import", "other")
    config = project.folder / "cog.yaml"
    config.write_text(config.read_text().partition("weights:")[0])
    none = project("weights", "import")

    assert 'weight "other" not found in cog.yaml' in unknown.stderr
    assert "no weights defined in cog.yaml" in none.stderr
    assert unknown.returncode == none.returncode == 1


@pytest.mark.parametrize(
    ("damage", "reason"),
    [
        (lambda text: "{", "weights.lock cannot be read"),
        (lambda text: text.replace('"version": 1', '"version": 2'),
         "unsupported weights.lock version 2 (want 1)"),
        (lambda text: text.replace('"path": "a.json"', '"path": "../a.json"'), "leads out"),
        (lambda text: text.replace("sha256:", "sha256:../"), "a digest of base is none"),
    ],
)  # fmt: skip
def test_a_damaged_lock_is_refused(project, damage, reason):
    ran(project, "weights", "import")
    lock = project.folder / "weights.lock"
    lock.write_text(damage(lock.read_text()))

    for words in (("predict",), ("weights", "pull"), ("weights", "status")):
        done = project(*words)
        assert done.returncode == 1
        assert reason in done.stderr


def test_the_registry_of_the_variables_wins(project, hub):
    ran(project, "weights", "import", COG_MODEL_REPO="alice/other")
    whole = ran(project, "weights", "import", COG_MODEL=f"{hub.address}/alice/third")

    assert "to alice/third" in whole.stderr


def test_a_registry_that_does_not_answer_loses_no_import(project):
    done = project("weights", "import", COG_MODEL_REGISTRY="127.0.0.1:1")
    status = project("weights", "status")

    assert done.returncode == 1
    assert "127.0.0.1:1" in done.stderr
    assert status.returncode == 0, status.stderr
    assert ran(project, "weights", "import").returncode == 0


def test_a_hub_runs_a_pushed_model_with_its_weights(project, hub, client_of):
    ran(project, "weights", "import")
    pushed = ran(project, "push")
    changed = project.folder / "predict.py"
    changed.write_text(f"# new\n{changed.read_text()}")
    ran(project, "push")

    assert f"{hub.address}/alice/weighty" in pushed.stderr
    assert client_of(hub, hub.run("token", "create", "alice").strip()).run("alice/weighty") == FOUND
    assert traces(project) == []


def test_a_bundle_has_its_weights_wherever_it_runs(project, hub, tmp_path, environ):
    (project.folder / "files" / "large.bin").write_bytes(b"\0" * LARGE_BYTES)
    (project.folder / ".dockerignore").write_text("files\n")
    ran(project, "weights", "import")
    ran(project, "build", "-t", "weighty")
    shutil.rmtree(store_of(project))
    nowhere = Person(tmp_path, project.environ)

    said = ran(nowhere, "predict", "weighty").stdout
    assert said == f"{FOUND} large.bin={chr(0) * 9}\n"
    [layer] = [
        it for it in Path(project.environ["COG_DATA_DIR"]).rglob("blobs/sha256/*")
        if it.stat().st_size > LARGE_BYTES
    ]  # fmt: skip
    assert layer.stat().st_size < LARGE_BYTES + 20_000


def test_what_a_bundle_cannot_have_is_said_before_it_is_written(project):
    ran(project, "weights", "import")
    shutil.rmtree(store_of(project))
    missing = project("build", "-t", "weighty")
    config = project.folder / "cog.yaml"
    config.write_text(config.read_text().replace("/src/weights", "/weights"))
    ran(project, "weights", "import")
    outside = project("build", "-t", "weighty")

    assert missing.returncode == outside.returncode == 1
    assert "is not fully cached locally (missing a.json); run 'cog weights pull'" in missing.stderr
    assert 'weight "base" goes to /weights, and a bundle has only' in outside.stderr
    assert "No bundle named `weighty`" in project("predict", "weighty").stderr


def test_an_argument_beside_a_model_is_refused(project):
    done = project("push", "alice/other")

    assert done.returncode == 1
    assert "The argument alice/other and the model alice/weighty exclude each other" in done.stderr


def test_an_image_has_its_weights_at_any_target(project, docker, docker_engine):
    nowhere = Person(project.folder.parent, docker.environ)
    try:
        ran(docker, "build", "-t", "weighty")
        assert ran(nowhere, "predict", "weighty").stdout == f"{FOUND}\n"
        assert traces(project) == []
    finally:
        docker_engine.run("image", "rm", "-f", "weighty")
