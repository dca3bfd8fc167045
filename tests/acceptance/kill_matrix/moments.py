"""The five moments: each is met, something dies in it, and the prediction may go on.

Storage and connection die while they are needed, so their moments have a file in them.
"""

from collections.abc import Callable, Mapping
from contextlib import ExitStack

from tests.acceptance.kill_matrix.cells import Killed, Moment
from tests.acceptance.kill_matrix.deaths import Death
from tests.acceptance.kill_matrix.model import FILE_BYTES, LIMIT_S, until
from tests.acceptance.kill_matrix.stage import Watched

FETCH_OF_BLOB = rb"^GET \S*/blobs/"
FETCH_OF_FILE = rb"^GET \S*/files/"
UPLOAD = rb"^PUT \S*/prediction-files/"
PROCESSING = frozenset({"processing"})


def answered(death: Death) -> Watched:
    """It was answered, and has told nothing."""
    stage = death.stage
    stage.run()
    size = FILE_BYTES if death.killed is Killed.STORAGE else 0
    watched = stage.create(stage.gates(), size=size)
    watched.gates.reached("begun")
    with death.away(watched):
        watched.gates.open("first", "second")
        if death.killed is Killed.STORAGE:
            death.wait_for_refusal()
    return watched


def _held(death: Death, request: bytes, version: str = "", **inputs: str) -> Watched:
    """Return a prediction of which a request to the storage is held on its way."""
    death.relay.hold(request)
    watched = death.stage.create(death.stage.gates(), version, **inputs)
    watched.gates.open("first", "second")
    death.wait_until_held()
    return watched


def fetching_input(death: Death) -> Watched:
    """It was answered, and its input file is on the way to the instance."""
    stage = death.stage
    stage.run()
    url = stage.upload(bytes(FILE_BYTES))
    watched = _held(death, FETCH_OF_FILE, file=url)
    with death.away(watched):
        death.relay.release()
    return watched


def booting(death: Death) -> Watched:
    """`setup()` runs for it."""
    stage = death.stage
    stage.stop_instances()
    before = stage.setup.count("begun")
    stage.setup.open("hold")
    watched = stage.create(stage.gates())
    watched.gates.open("first", "second")
    stage.setup.reached("begun", before + 1)
    with death.away(watched):
        stage.setup.close("hold")
    return watched


def fetching_version(death: Death) -> Watched:
    """Its version is being fetched from the storage."""
    stage = death.stage
    version = stage.push("# another one\n")
    watched = _held(death, FETCH_OF_BLOB, version)
    with death.away(watched):
        death.wait_for_refusal()
    return watched


def fetching_weights(death: Death) -> Watched:
    """Its instance fetches weights that a training made."""
    stage = death.stage
    version = stage.train(FILE_BYTES)
    assert stage.run(version)["status"] == "succeeded"  # it is unpacked from now on
    stage.stop_instances()
    watched = _held(death, FETCH_OF_BLOB, version)
    with death.away(watched):
        death.relay.release()
    return watched


def first_output(death: Death) -> Watched:
    """Its first output was told; the second one comes while something is away."""
    stage = death.stage
    stage.run()
    has_files = death.killed in {Killed.STORAGE, Killed.DATABASE}
    watched = stage.create(stage.gates(), size=FILE_BYTES if has_files else 0)
    watched.gates.open("first")
    [output] = until(lambda: stage.get(watched.id).body["output"], "there is no output")
    with death.away(watched):
        if has_files:
            assert stage.ask("GET", output).status == 503
        watched.gates.open("second")
        if death.killed is Killed.STORAGE:
            death.wait_for_refusal()
    return watched


def sending_output(death: Death) -> Watched:
    """Its first output, a file, is on its way to the hub."""
    stage = death.stage
    stage.run()
    watched = stage.create(stage.gates(), size=FILE_BYTES)
    death.relay.hold(UPLOAD)
    watched.gates.open("first")
    death.wait_until_held()
    with death.away(watched):
        death.relay.release()
        watched.gates.open("second")
    return watched


def last_event(death: Death) -> Watched:
    """The model has returned, and the hub could not write that down yet."""
    stage = death.stage
    stage.run()
    watched = stage.create(stage.gates())
    watched.gates.reached("begun")
    stage.wait_for(watched.id, PROCESSING)
    with ExitStack() as stack, stage.lock():  # which ends first
        watched.gates.open("first", "second")
        death.wait_until_told()
        stack.enter_context(death.away(watched))
    return watched


def writing_output(death: Death) -> Watched:
    """An output file has come, and the hub could not write that down yet."""
    stage = death.stage
    stage.run()
    watched = stage.create(stage.gates(), size=FILE_BYTES)
    watched.gates.reached("begun")
    stage.wait_for(watched.id, PROCESSING)
    with stage.lock():
        for way in (death.away(watched), ExitStack()):
            death.relay.hold(UPLOAD)
            watched.gates.open("first", "second")
            death.wait_until_held()
            death.relay.release()
            with way:
                pass
    return watched


def webhook(death: Death) -> Watched:
    """The receiver has heard of its end, and has not answered."""
    stage = death.stage
    stage.run()
    stage.receiver.hold()
    watched = stage.create(stage.gates())
    watched.gates.open("first", "second")
    until(lambda: stage.receiver.of(watched.id), "no webhook came", LIMIT_S)
    with death.away(watched):
        stage.receiver.answer()
        until(lambda: stage.receiver.of(watched.id)[0].is_answered, "it was not answered")
    return watched


Meet = Callable[[Death], Watched]
MEET: Mapping[Moment, Meet] = {
    Moment.ANSWERED: answered,
    Moment.BOOTING: booting,
    Moment.FIRST_OUTPUT: first_output,
    Moment.LAST_EVENT: last_event,
    Moment.WEBHOOK: webhook,
}
MEET_ELSE: Mapping[tuple[Killed, Moment], Meet] = {
    (Killed.STORAGE, Moment.BOOTING): fetching_version,
    (Killed.CALLBACK, Moment.ANSWERED): fetching_input,
    (Killed.CALLBACK, Moment.BOOTING): fetching_weights,
    (Killed.CALLBACK, Moment.FIRST_OUTPUT): sending_output,
    (Killed.CALLBACK, Moment.LAST_EVENT): writing_output,
}


def met(death: Death, moment: Moment) -> Watched:
    """Have something die in a moment, and return the prediction that was under way."""
    return MEET_ELSE.get((death.killed, moment), MEET[moment])(death)
