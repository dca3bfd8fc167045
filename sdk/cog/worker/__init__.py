"""The process that imports and runs the user's code. Standard library only.

1. The server starts `python -m cog.worker` with one end of a stream socket.
2. The worker loads the model, sends `Loaded`, runs `setup()`, sends `SetupFinished`.
3. It answers each `Predict` with `Output` and `Metric` messages and one `Completed`.

What it may not know: HTTP, webhooks, uploads, other predictions' clients.
"""
