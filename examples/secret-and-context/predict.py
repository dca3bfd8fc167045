"""Sign a message: a secret input, what the caller says about the request, and own metrics."""

import hashlib
import hmac

from cog import BaseModel, BasePredictor, Input, Secret, current_scope


class Output(BaseModel):
    signature: str
    signed_for: str


class Predictor(BasePredictor):
    def predict(
        self,
        message: str = Input(description="Text to sign"),
        key: Secret = Input(description="Key to sign with; never printed, stored or logged"),
    ) -> Output:
        """Return the HMAC-SHA256 of the message, in hexadecimal."""
        scope = current_scope()
        customer = scope.context.get("customer", "nobody")
        content = message.encode()
        print(f"Signing {len(content)} bytes for {customer} with key {key}")
        signature = hmac.new(key.get_secret_value().encode(), content, hashlib.sha256).hexdigest()
        scope.record_metric("signed_bytes", len(content))
        scope.record_metric("hash.name", "sha256")
        return Output(signature=signature, signed_for=customer)
