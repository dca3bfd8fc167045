"""LitServe: the model that adds one, an async one."""

import sys

import litserve as ls


class Adder(ls.LitAPI):
    """Adds one."""

    def setup(self, device: str) -> None:
        """Nothing is to be loaded."""

    async def decode_request(self, request: dict) -> dict:
        """Take it as it is."""
        return request

    async def encode_response(self, output: dict) -> dict:
        """Give it as it is."""
        return output

    async def predict(self, request: dict) -> dict:
        """Answer in the words that the load client checks."""
        return {"status": "succeeded", "output": request["number"] + 1}


if __name__ == "__main__":
    server = ls.LitServer(Adder(enable_async=True), accelerator="cpu", timeout=30)
    server.run(
        port=int(sys.argv[1]), host="127.0.0.1", log_level="warning", generate_client_file=False
    )
