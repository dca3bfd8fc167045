"""One prediction (or training) from the command line, from the project to its output.

1. The inputs are checked against what the source tells, and the environment is made, unless it is
   there.
2. The model's document is read, and the inputs are checked against it.
3. The model starts, and `setup()` runs.
4. The prediction runs; what it prints and returns is shown as it comes.
"""

import sys
from collections.abc import Generator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from coghub.build.events import Event as BuildEvent
from coghub.build.events import Notice, Progress, Report, ignore
from coghub.cli.attachments import filled
from coghub.cli.input_check import check_inputs
from coghub.cli.input_schema import InputSchema
from coghub.cli.input_text import Inputs, inputs_of_flags, inputs_of_json
from coghub.cli.invocation import Invocation
from coghub.cli.options import DEFAULT_SETUP_TIMEOUT_S
from coghub.cli.output import Console, Step
from coghub.cli.output_kind import OutputKind, output_kind
from coghub.cli.output_place import OutputPlace
from coghub.cli.projects import require_reference, variables_for
from coghub.cli.rendering import renderer
from coghub.cli.shown_weights import shown_in
from coghub.cli.source_check import document_in_source
from coghub.domain.errors import InputInvalid, PredictionFailed, UsageError
from coghub.domain.instance_event import Completed, Log, Output
from coghub.engines.base import (
    NO_PREPARATION,
    Launch,
    Preparation,
    Prepared,
    Project,
    Request,
    RunningModel,
)
from coghub.engines.choice import engine_of

LONG_WORK = ("Downloading ", "Building ")
"""What the installer is said to do even in a log file: it may take minutes."""
READING_S = 1.0
"""The import of a large library takes seconds, and not a word would be said meanwhile."""
STOPPING_S = 0.5
"""A model that heeds a cancel has ended by then."""
TOKEN_VARIABLE = "REPLICATE_API_TOKEN"  # noqa: S105 - the name of a variable


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the user asked for."""

    launch: Launch
    flags: tuple[str, ...] = ()
    json_text: str | None = None
    """What stands after `--json`; the answer is then JSON as well."""
    place: OutputPlace = field(default_factory=OutputPlace)
    setup_timeout_s: float = DEFAULT_SETUP_TIMEOUT_S
    passes_token: bool = False
    preparation: Preparation = NO_PREPARATION


def run_once(invocation: Invocation, project: Project, wanted: Wanted) -> None:
    """Run one prediction and show its output.

    Raises:
        CoghubError: if anything on the way fails; whatever was started has ended by then.
    """
    require_reference(project, wanted.launch.mode)
    text = _json_text(wanted)
    _given(wanted, text, {})  # what is wrong without a schema is wrong with one
    wanted.place.check(writes_files=False)
    told = document_in_source(project, invocation.settings, wanted.launch.mode)
    if told is not None:
        _inputs(told, wanted, text)
    with shown_in(invocation, project) as weights:
        variables = variables_for(project, wanted.launch.environment, invocation.settings.environ)
        launch = replace(wanted.launch, environment=variables, weights=weights)
        _run(invocation, project, replace(wanted, launch=launch), text)


def _run(invocation: Invocation, project: Project, wanted: Wanted, text: str | None) -> None:
    console = invocation.console
    context = _context(invocation, wanted)
    prepared = prepare(invocation, project, wanted.preparation)
    document, inputs = _checked(prepared, console, wanted, text)
    kind = output_kind(document, wanted.launch.mode)
    is_file = kind in (OutputKind.FILE, OutputKind.FILES, OutputKind.FIELDS)
    wanted.place.check(writes_files=is_file)
    with _ended_visibly(console, prepared.start(wanted.launch, console.log)) as model:
        with console.step(f"Starting {prepared.noun} and running setup()...") as step:
            model.wait_until_ready(wanted.setup_timeout_s)
            step.succeed(text="Model running in", outcome=prepared.name, is_last=True)
        schema = InputSchema(document, wanted.launch.mode)
        values = filled(inputs, schema.properties, model.serve_file)
        completed = _predict(console, model, Request(values, context), wanted, kind)
    if completed.status != "succeeded":
        reason = f": {completed.error}" if completed.error else ""
        raise PredictionFailed(f'Prediction failed with status "{completed.status}"{reason}')


def prepare(
    invocation: Invocation, project: Project, preparation: Preparation = NO_PREPARATION
) -> Prepared:
    """Make what a project needs, and show how it goes on."""
    console = invocation.console
    engine = engine_of(invocation.settings)
    if project.image is not None:
        return engine.prepare(project, ignore, preparation)
    engine.check()
    with console.step(f"{engine.building} {project.origin}...") as step:
        if preparation.build.progress in ("plain", "tty"):
            step.hide()  # Docker shows all itself
        prepared = engine.prepare(project, teller(console, step), preparation)
        text = f"{engine.building.removesuffix(' environment in')} {project.origin}..."
        outcome = f"Successfully built {prepared.name.rpartition(' ')[2]}"
        step.succeed(text=text, outcome=outcome)
    return prepared


def read_interface(
    prepared: Prepared, launch: Launch, console: Console, *, is_fresh: bool = False
) -> Mapping[str, Any]:
    """Return the model's document; its code may have to be imported for that."""
    with console.step("Reading the model's code...", said_after_s=READING_S):
        return prepared.document(launch, console.log, is_fresh=is_fresh)


def teller(console: Console, step: Step) -> Report:
    """Return what shows the events of a build as part of a step."""

    def tell(event: BuildEvent) -> None:
        match event:
            case Notice(text):
                console.warn(text)
            case Progress(text):
                step.tell(text)
                if text.startswith(LONG_WORK) and not console.is_rich:
                    console.say(text)
            case _:
                step.tell(event.text)
                if not console.is_rich:
                    console.say(event.text)

    return tell


@contextmanager
def _ended_visibly(console: Console, started: RunningModel) -> Generator[RunningModel]:
    """Run the model inside the block; a stubborn one takes a while to end after Ctrl-C."""
    with ExitStack() as said, started as model:
        try:
            yield model
        except BaseException:
            said.enter_context(console.step("Stopping the model...", said_after_s=STOPPING_S))
            raise


def _checked(
    prepared: Prepared, console: Console, wanted: Wanted, text: str | None
) -> tuple[Mapping[str, Any], Inputs]:
    """Return the document and inputs that fit it.

    A document that was remembered may be older than a choice read from a database: before inputs
    are refused, the model itself is asked.
    """
    document = read_interface(prepared, wanted.launch, console)
    try:
        return document, _inputs(document, wanted, text)
    except InputInvalid:
        fresh = read_interface(prepared, wanted.launch, console, is_fresh=True)
        if fresh == document:
            raise
        return fresh, _inputs(fresh, wanted, text)


def _inputs(document: Mapping[str, Any], wanted: Wanted, text: str | None) -> Inputs:
    schema = InputSchema(document, wanted.launch.mode)
    inputs = _given(wanted, text, schema.properties)
    check_inputs(inputs.values, schema)
    return inputs


def _given(wanted: Wanted, text: str | None, properties: Mapping[str, Any]) -> Inputs:
    return inputs_of_json(text) if text is not None else inputs_of_flags(wanted.flags, properties)


def _json_text(wanted: Wanted) -> str | None:
    """Return the JSON of `--json`, read from where it says.

    Raises:
        UsageError: if `-i` is given too, or the file cannot be read.
    """
    text = wanted.json_text
    if text is None:
        return None
    if wanted.flags:
        raise UsageError("Must use one of --json or --input to provide model inputs")
    try:
        if text in ("-", "@-"):
            return sys.stdin.read()
        return Path(text[1:]).expanduser().read_text("utf-8") if text.startswith("@") else text
    except (OSError, UnicodeDecodeError) as error:
        reason = (getattr(error, "strerror", None) or "").lower() or "not valid UTF-8"
        raise UsageError(f"Failed to read {text.removeprefix('@')}: {reason}") from error


def _context(invocation: Invocation, wanted: Wanted) -> dict[str, str]:
    if not wanted.passes_token:
        return {}
    token = invocation.settings.environ.get(TOKEN_VARIABLE)
    if not token:
        raise UsageError(
            f"Failed to find {TOKEN_VARIABLE} in the environment",
            hint="`--use-replicate-token` passes it on to the model",
        )
    return {"replicate_api_token": token}


def _predict(
    console: Console, model: RunningModel, request: Request, wanted: Wanted, kind: OutputKind
) -> Completed:
    shown = renderer(console, kind, wanted.place, reports_json=wanted.json_text is not None)
    verb = "training" if wanted.launch.mode == "train" else "prediction"
    completed = None
    with console.step(f"Running {verb}...") as step:
        for event in model.predict(request):
            match event:
                case Log(text):
                    console.log(text.encode("utf-8", "replace"))
                case Output():
                    if console.may_stream and event.index is not None:
                        step.hide()
                    shown.receive(event)
                case Completed():
                    completed = event
                case _:
                    pass
    if completed is None:
        raise PredictionFailed("The model's server ended the prediction without a result")
    if completed.status == "succeeded" or wanted.json_text is not None:
        shown.complete(completed)
    return completed
