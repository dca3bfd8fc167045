"""The official JavaScript client, as its users write it, against a hub on plain http."""

import json
import secrets
import subprocess
from pathlib import Path

import pytest
from tests.acceptance.client_models import MODELS, Receiver, client_hub

pytestmark = [pytest.mark.acceptance, pytest.mark.slow, pytest.mark.timeout(300)]

NAMES = [*MODELS, "learn"]
PRELUDE = """\
import Replicate from "replicate";
const [baseUrl, auth, given] = [process.env.HUB, process.env.TOKEN, JSON.parse(process.env.GIVEN)];
const replicate = new Replicate({ auth, baseUrl: `${baseUrl}/v1` });
const owner = process.env.OWNER;
const tell = (value) => console.log(JSON.stringify(value));
"""


@pytest.fixture(scope="module")
def hub(environ, tmp_path_factory, node_folder):
    with client_hub(tmp_path_factory.mktemp("npm"), environ, names=NAMES) as running:
        yield running


@pytest.fixture
def node(hub, node_folder):
    """Run a script with the client, and return what it told."""

    def run(script, **given):
        path = node_folder / f"{secrets.token_hex(8)}.mjs"  # beside node_modules
        path.write_text(PRELUDE + script)
        environ = {
            "HUB": hub.address,
            "TOKEN": hub.token,
            "OWNER": hub.owner,
            "GIVEN": json.dumps(given),
        }
        done = subprocess.run(
            ["node", path],
            env={"PATH": hub.process.environ["PATH"], **environ},
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        path.unlink()
        assert done.returncode == 0, done.stderr
        return [json.loads(line) for line in done.stdout.splitlines()]

    return run


def test_text_by_version_and_by_model(node, hub):
    script = """
    tell(await replicate.run(given.version, { input: { text: "node" } }));
    const wait = { mode: "poll" };
    tell(await replicate.run(`${owner}/greet`, { input: { text: "poll" }, wait }));
    """

    assert node(script, version=hub.versions["greet"]) == ["hello node", "hello poll"]


def test_the_first_start_may_take_longer_than_the_hold(node, hub):
    script = """
    const wait = { mode: "block", timeout: 1 };
    tell(await replicate.run(given.version, { input: {}, wait }));
    """

    assert node(script, version=hub.versions["slow"]) == ["slept"]


def test_files_go_in_and_come_out(node):
    script = """
    const one = await replicate.run(`${owner}/turn`, { input: { image: Buffer.from("abc") } });
    tell([one.constructor.name, await (await one.blob()).text()]);
    const files = [Buffer.from("abc"), new File(["def"], "d.txt", { type: "text/plain" })];
    for (const file of await replicate.run(`${owner}/turn-all`, { input: { files } })) {
      tell(await (await file.blob()).text());
    }
    """

    assert node(script) == [["FileOutput", "cba"], "cba", "fed"]


def test_a_stream_is_read_to_its_end(node):
    script = """
    const input = { text: "a b" };
    for await (const { event, data } of replicate.stream(`${owner}/words`, { input })) {
      if (event !== "logs") tell([event, data]);
    }
    """

    assert node(script) == [["output", "a "], ["output", "b "], ["done", "{}"]]


def test_files_come_by_stream(node):
    script = """
    const input = { files: [Buffer.from("abc"), Buffer.from("def")] };
    for await (const { event, data } of replicate.stream(`${owner}/turn-all`, { input })) {
      if (event === "output") tell(await (await data.blob()).text());
    }
    """

    assert node(script) == ["cba", "fed"]


def test_a_webhook_is_signed_for_the_clients_own_check(node, hub):
    script = """
    const { validateWebhook } = await import("replicate");
    const secret = (await replicate.webhooks.default.secret.get()).key;
    const { headers, body } = given;
    const sent = { method: "POST", headers, body };
    tell(await validateWebhook(new Request("http://a.example", sent), secret));
    const forged = { method: "POST", headers, body: body + " " };
    tell(await validateWebhook(new Request("http://a.example", forged), secret));
    """
    create = """
    const [, version] = given.version.split(":");
    tell((await replicate.predictions.create({
      version,
      input: { text: "hook" },
      webhook: given.webhook,
      webhook_events_filter: ["completed"],
    })).id);
    """
    with Receiver() as receiver:
        [made] = node(create, version=hub.versions["greet"], webhook=receiver.url)
        headers, body = receiver.received.get(timeout=60)

    signed = {name: value for name, value in headers.items() if name.startswith("webhook-")}
    assert node(script, headers=signed, body=body.decode()) == [True, False]
    assert json.loads(body)["id"] == made


def test_a_prediction_is_canceled(node, hub):
    script = """
    const [, version] = given.version.split(":");
    const made = await replicate.predictions.create({ version, input: { seconds: 600 } });
    tell((await replicate.predictions.cancel(made.id)).status);
    tell((await replicate.predictions.get(made.id)).status);
    """

    assert node(script, version=hub.versions["slow"]) == ["canceled", "canceled"]


def test_every_page_of_predictions_is_found(node, hub):
    script = """
    const [, version] = given.version.split(":");
    const made = [];
    for (let number = 0; number < 101; number++) {
      made.push((await replicate.predictions.create({ version, input: { text: "p" } })).id);
    }
    const found = new Set();
    let pages = 0;
    for await (const page of replicate.paginate(replicate.predictions.list)) {
      pages++;
      page.forEach(({ id }) => found.add(id));
    }
    tell([pages > 1, made.every((id) => found.has(id))]);
    """

    assert node(script, version=hub.versions["greet"]) == [[True, True]]


def test_failures_and_refusals_are_thrown(node):
    script = """
    const failed = async (name, input) => {
      try { await replicate.run(name, { input }); } catch (error) { return error; }
    };
    tell((await failed(`${owner}/greet`, { text: "fail" })).message);
    tell((await failed(`${owner}/greet`, { count: 10 })).response.status);
    tell((await failed(`${owner}/nothing`, {})).response.status);
    """

    message, refused, missing = node(script)
    assert "no greeting" in message
    assert (refused, missing) == (422, 404)


def test_models_files_and_the_account_are_managed(node, hub):
    script = """
    const [hardware] = await replicate.hardware.list();
    const made = await replicate.models.create(owner, "new", {
      visibility: "private", hardware: hardware.sku, description: "New",
    });
    tell([made.owner, made.name, made.latest_version]);
    tell((await replicate.models.versions.list(owner, "greet")).results.length);
    tell((await replicate.models.search("greet")).results.length);
    const file = await replicate.files.create(Buffer.from("abc"), { a: "b" });
    tell([file.size, file.metadata, await replicate.files.delete(file.id)]);
    tell((await replicate.accounts.current()).username);
    """

    assert node(script) == [[hub.owner, "new", None], 1, 0, [3, {"a": "b"}, True], hub.owner]


def test_models_versions_and_predictions_are_read(node, hub):
    hub.process.run("model", "visibility", hub.model("words"), "public")
    script = """
    const model = await replicate.models.get(owner, "greet");
    tell([model.name, model.latest_version.id === given.version]);
    tell((await replicate.models.list()).results.map(({ name }) => name));
    const version = await replicate.models.versions.get(owner, "greet", given.version);
    tell(version.id === given.version);
    const input = { text: "w" };
    const made = await replicate.predictions.create({ model: `${owner}/greet`, input });
    const ended = await replicate.wait(made, {});
    tell([ended.status, (await replicate.predictions.get(made.id)).output]);
    const { results } = await replicate.predictions.list();
    tell(results.some(({ id }) => id === made.id));
    tell((await (await replicate.request("/account", { method: "GET" })).json()).username);
    """

    told = node(script, version=hub.version_id("greet"))

    assert told == [
        ["greet", True],
        ["words"],
        True,
        ["succeeded", "hello w"],
        True,
        hub.owner,
    ]


def test_collections_are_listed_and_read(node, hub):
    hub.process.run("collection", "create", "texts", "--name", "Texts")
    hub.process.run("collection", "add", "texts", hub.model("greet"))
    script = """
    tell((await replicate.collections.list()).results.map(({ slug }) => slug));
    tell((await replicate.collections.get("texts")).models.map(({ name }) => name));
    """

    assert node(script) == [["texts"], ["greet"]]


def test_files_are_listed_and_read(node):
    script = """
    const file = await replicate.files.create(new Blob(["abc"], { type: "text/plain" }));
    tell((await replicate.files.get(file.id)).size);
    tell((await replicate.files.list()).results.some(({ id }) => id === file.id));
    """

    assert node(script) == [3, True]


def test_no_method_of_the_client_is_left_out(node):
    script = """
    const methods = (at, value) => Object.entries(value).flatMap(([name, it]) =>
      typeof it === "function" ? [`${at}.${name}`]
        : it && typeof it === "object" ? methods(`${at}.${name}`, it) : []);
    const own = Object.getOwnPropertyNames(Object.getPrototypeOf(replicate));
    const spaces = methods("replicate", replicate).filter((it) => it.split(".").length > 2);
    tell([...spaces, ...own.map((name) => `replicate.${name}`)]);
    """
    tried = Path(__file__).read_text()

    [methods] = node(script)

    left_out = {it for it in methods if f"{it}(" not in tried and f"({it})" not in tried}
    assert left_out == {"replicate.constructor"}


def test_a_deployment_is_made_run_changed_and_deleted(node, hub):
    script = """
    const name = "npm";
    const fields = { hardware: "cpu", min_instances: 0, max_instances: 1 };
    const made = await replicate.deployments.create({ name, ...given, ...fields });
    tell([made.owner === owner, made.current_release.number]);
    tell(await replicate.deployments.delete(owner, name));
    const kept = await replicate.deployments.create({ name: "kept", ...given, ...fields });
    const input = { text: "deployed" };
    const prediction = await replicate.deployments.predictions.create(owner, "kept", { input });
    tell((await replicate.wait(prediction)).output);
    const change = { max_instances: 2 };
    const changed = await replicate.deployments.update(owner, "kept", change);
    tell(changed.current_release.configuration);
    tell((await replicate.deployments.list()).results.map((it) => it.name));
    tell((await replicate.deployments.get(owner, "kept")).current_release.number);
    """

    told = node(script, model=hub.model("greet"), version=hub.version_id("greet"))

    assert told == [
        [True, 1],
        True,
        "hello deployed",
        {"hardware": "cpu", "min_instances": 0, "max_instances": 2},
        ["kept"],
        2,
    ]


def test_a_training_is_made_read_listed_and_makes_a_version(node, hub):
    script = """
    await replicate.models.create(owner, "learnt", { visibility: "private", hardware: "cpu" });
    const destination = `${owner}/learnt`;
    const input = { text: "by node" };
    const wanted = { destination, input, webhook: given.webhook };
    wanted.webhook_events_filter = ["completed"];
    const made = await replicate.trainings.create(owner, "learn", given.version, wanted);
    tell([made.status, made.output, made.model === `${owner}/learn`, made.version]);
    const ended = await replicate.wait(made, {});
    const got = await replicate.trainings.get(made.id);
    tell([ended.status, got.status, got.logs.endsWith("learning by node\\n"), got.error]);
    tell(got.output.version.split(":")[0] === destination);
    tell(await replicate.run(got.output.version, { input: {} }));
    tell(await replicate.run(destination, { input: {} }));
    tell((await replicate.trainings.list()).results.some(({ id }) => id === made.id));
    const { results } = await replicate.predictions.list();
    tell(results.some(({ id }) => id === made.id));
    tell((await replicate.predictions.get(made.id)).output.version === got.output.version);
    tell(made.id);
    """
    with Receiver() as receiver:
        told = node(script, version=hub.version_id("learn"), webhook=receiver.url)
        _, body = receiver.received.get(timeout=60)

    *told, training_id = told
    assert told == [
        ["starting", None, True, hub.version_id("learn")],
        ["succeeded", "succeeded", True, None],
        True,
        "learnt by node",
        "learnt by node",
        True,
        False,
        True,
    ]
    assert json.loads(body)["id"] == training_id


def test_trainings_are_canceled_as_trainings_and_as_predictions(node, hub):
    script = """
    await replicate.models.create(owner, "gone", { visibility: "private", hardware: "cpu" });
    const wanted = { destination: `${owner}/gone`, input: { text: "x", seconds: 600 } };
    const make = () => replicate.trainings.create(owner, "learn", given.version, wanted);
    const [first, second] = [await make(), await make()];
    tell((await replicate.trainings.cancel(first.id)).status);
    tell((await replicate.predictions.cancel(second.id)).status);
    tell((await replicate.trainings.get(second.id)).status);
    tell((await replicate.models.get(owner, "gone")).latest_version);
    """

    told = node(script, version=hub.version_id("learn"))

    assert told == ["canceled", "canceled", "canceled", None]


def test_trainings_that_cannot_be_made_are_refused(node, hub):
    script = """
    const refused = async (name, version, wanted) => {
      try { await replicate.trainings.create(owner, name, version, wanted); }
      catch (error) { return [error.response.status, error.message]; }
    };
    const destination = `${owner}/greet`;
    const input = { text: "x" };
    tell(await refused("learn", given.version, { destination: `${owner}/none`, input }));
    tell(await refused("learn", given.version, { destination, input: {} }));
    tell(await refused("learn", "0".repeat(64), { destination, input }));
    tell(await refused("greet", given.other, { destination, input }));
    """
    versions = {"version": hub.version_id("learn"), "other": hub.version_id("greet")}

    told = node(script, **versions)

    assert [status for status, _ in told] == [404, 422, 422, 422]
    assert "The specified training destination does not exist" in told[0][1]
    assert "- input: text is required" in told[1][1]


def test_every_page_of_trainings_is_found(node, hub):
    script = """
    await replicate.models.create(owner, "pages", { visibility: "private", hardware: "cpu" });
    const wanted = { destination: `${owner}/pages`, input: { text: "x", seconds: 600 } };
    const made = [];
    for (let number = 0; number < 101; number++) {
      const { id } = await replicate.trainings.create(owner, "learn", given.version, wanted);
      made.push(id);
    }
    const found = new Set();
    let pages = 0;
    for await (const page of replicate.paginate(replicate.trainings.list)) {
      pages++;
      page.forEach(({ id }) => found.add(id));
    }
    tell([pages, made.every((id) => found.has(id))]);
    for (const id of made.toReversed()) await replicate.trainings.cancel(id);
    """

    assert node(script, version=hub.version_id("learn")) == [[2, True]]
