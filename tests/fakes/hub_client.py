"""Asks a hub in this process over HTTP, as one account or as nobody."""

import httpx


class Client:
    """A client of the whole application."""

    def __init__(self, app, token=None, base_url="http://hub.test"):
        headers = {"authorization": f"Bearer {token}"} if token else {}
        transport = httpx.ASGITransport(app)
        self.http = httpx.AsyncClient(transport=transport, base_url=base_url, headers=headers)

    async def __call__(self, method, path, **options):
        return await self.http.request(method, path, **options)
