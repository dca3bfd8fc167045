"""Bytes: blobs of the registry, uploaded files, files in and out of predictions."""
