"""Examples of what the API takes and answers, for its document."""

from typing import Any

VERSION_ID = "5c7d5dc6dd8bf75c1acaa8565735e7986bc5b66206b55cca93cb72c9bf15ccaa"
HUB = "http://hub.example"
AT = "2026-01-31T12:00:00.000000Z"
INPUT = {"text": "Hello"}

ACCOUNT = {"type": "user", "username": "alice", "name": "alice", "github_url": None}
HARDWARE = {"sku": "cpu", "name": "CPU"}
USAGE = {
    "from": "2026-01-01",
    "to": "2026-01-31",
    "group": ["model"],
    "results": [
        {
            "model": "alice/paint",
            "predictions": 4,
            "failed": 1,
            "canceled": 0,
            "predict_seconds": 1.75,
        }
    ],
}
COLLECTION = {"name": "Pictures", "slug": "pictures", "description": "Models that make pictures"}
WEBHOOK_SECRET = {"key": "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD"}

VERSION: dict[str, Any] = {
    "id": VERSION_ID,
    "created_at": AT,
    "cog_version": "0.23.1",
    "openapi_schema": {
        "components": {
            "schemas": {
                "Input": {"type": "object", "properties": {"text": {"type": "string"}}},
                "Output": {"type": "string"},
            }
        }
    },
}
MODEL: dict[str, Any] = {
    "url": f"{HUB}/alice/hello",
    "owner": "alice",
    "name": "hello",
    "description": "It greets",
    "visibility": "public",
    "is_official": False,
    "github_url": None,
    "paper_url": None,
    "license_url": None,
    "weights_url": None,
    "cover_image_url": None,
    "run_count": 7,
    "created_at": AT,
    "default_example": None,
    "latest_version": VERSION,
}
NEW_MODEL = {"owner": "alice", "name": "hello", "visibility": "private", "hardware": "cpu"}
MODEL_CHANGE = {"description": "It greets"}

PREDICTION: dict[str, Any] = {
    "id": "ufawqhfynnddngldkgtslldrkq",
    "model": "alice/hello",
    "version": VERSION_ID,
    "input": INPUT,
    "output": "Hello, hello",
    "logs": "",
    "error": None,
    "status": "succeeded",
    "source": "api",
    "data_removed": False,
    "created_at": AT,
    "started_at": AT,
    "completed_at": AT,
    "metrics": {"predict_time": 0.5},
    "urls": {
        "get": f"{HUB}/v1/predictions/ufawqhfynnddngldkgtslldrkq",
        "cancel": f"{HUB}/v1/predictions/ufawqhfynnddngldkgtslldrkq/cancel",
        "web": f"{HUB}/p/ufawqhfynnddngldkgtslldrkq",
        "stream": f"{HUB}/v1/streams/KEY",
    },
}
NEW_PREDICTION = {"version": "alice/hello", "input": INPUT}
TRAINING: dict[str, Any] = {
    **PREDICTION,
    "id": "q2yrp5wdmzaqnlm6z3vtkvkdhy",
    "input": {"texts": f"{HUB}/v1/files/cneqzikepnug6xezperrr4z55o"},
    "output": {
        "version": f"alice/tuned:{VERSION_ID}",
        "weights": f"{HUB}/files/KEY/weights.txt",
    },
    "urls": {
        "get": f"{HUB}/v1/trainings/q2yrp5wdmzaqnlm6z3vtkvkdhy",
        "cancel": f"{HUB}/v1/trainings/q2yrp5wdmzaqnlm6z3vtkvkdhy/cancel",
        "web": f"{HUB}/p/q2yrp5wdmzaqnlm6z3vtkvkdhy",
    },
}
NEW_TRAINING = {"destination": "alice/tuned", "input": TRAINING["input"]}
EVENTS = "event: output\nid: 1\ndata: Hello\n\nevent: done\nid: 2\ndata: {}\n\n"

LIMITS: dict[str, Any] = {"hardware": "cpu", "min_instances": 0, "max_instances": 2}
DEPLOYMENT: dict[str, Any] = {
    "owner": "alice",
    "name": "greeter",
    "current_release": {
        "number": 1,
        "model": "alice/hello",
        "version": VERSION_ID,
        "created_at": AT,
        "created_by": {**ACCOUNT, "avatar_url": None},
        "configuration": LIMITS,
    },
}
NEW_DEPLOYMENT = {"name": "greeter", "model": "alice/hello", "version": VERSION_ID, **LIMITS}
DEPLOYMENT_CHANGE = {"min_instances": 1}

FILE: dict[str, Any] = {
    "id": "cneqzikepnug6xezperrr4z55o",
    "name": "a.txt",
    "content_type": "text/plain",
    "size": 3,
    "etag": "900150983cd24fb0d6963f7d28e17f72",
    "checksums": {
        "sha256": "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
        "md5": "900150983cd24fb0d6963f7d28e17f72",
    },
    "metadata": {},
    "created_at": AT,
    "expires_at": AT,
    "urls": {"get": f"{HUB}/v1/files/cneqzikepnug6xezperrr4z55o"},
}
SEARCH: dict[str, Any] = {
    "query": "hello",
    "models": [
        {
            "model": MODEL,
            "metadata": {"generated_description": None, "tags": [], "score": None},
        }
    ],
    "collections": [],
    "pages": [],
}
PROBLEM = {"detail": "The requested resource could not be found.", "status": 404}
