"""Our own OCI client: bundles to a registry and back.

`push` and `pull` are what others call. Below them: one blob (`upload`, `download`), one registry
(`registry`, `authentication`, `retries`), and HTTP itself (`transport`, `routes`).
"""
