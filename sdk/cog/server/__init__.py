"""The process that speaks HTTP for one model. The only package here with dependencies.

1. `http` is the command; it replaces itself by the interpreter that has the dependencies.
2. `main` listens, starts the worker, then imports the rest and joins the parts.
3. `connection` speaks HTTP/1.1, `app` knows the routes, `requests` and `validation` the bodies.
4. `predictions` creates, follows and ends predictions; `worker` keeps a worker process alive.
5. `files`, `uploads`, `webhooks` and `streams` are its edges to the world.

What it may not do: import the user's code, or block its one event loop.
"""
