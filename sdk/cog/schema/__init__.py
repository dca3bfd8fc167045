"""A signature becomes one `Interface` value; from that come the document and the arguments.

1. `loading` imports what a reference such as `predict.py:Predictor` names.
2. `inspection` reads its signature, with `signatures`, `annotations` and `records`.
3. `openapi` writes the document, `coercion` turns JSON into arguments.

Standard library only: this runs in the model's environment.
"""
