"""The errors that the OCI distribution specification has codes for: a branch of the tree.

DistributionError
├── RepositoryUnknown     no such repository, or not for this account
├── RepositoryNameInvalid
├── BlobUnknown
├── ManifestUnknown
├── ManifestInvalid
│   └── VersionRefused    no executor of this hub can run it
├── ManifestBlobUnknown   a manifest names what the repository does not have
├── ManifestTooLarge
├── DigestRefused         not a digest that is taken here, or not that of the content
├── SizeMismatch          the content is longer or shorter than was said
├── UploadUnknown
├── UploadInvalid         a chunk that cannot be taken
├── UploadOutOfOrder      a chunk that does not begin where the last one ended
├── TooManyUploads
├── RangeUnsatisfiable    a range that begins behind the blob's end
└── NotSupported          what this registry does not do
"""

from coghub.domain.errors import HubError


class DistributionError(HubError):
    """What the OCI distribution specification has a code for."""

    code = "distribution"


class RepositoryUnknown(DistributionError):
    """No repository of that name, or not for this account."""

    code = "repository-unknown"

    def __init__(self, name: str) -> None:
        super().__init__(f"No model named `{name}` that you may see")


class RepositoryNameInvalid(DistributionError):
    """Not a name that a repository may have."""

    code = "repository-name-invalid"


class BlobUnknown(DistributionError):
    """The repository does not have the blob."""

    code = "blob-unknown"

    def __init__(self, digest: str) -> None:
        super().__init__(f"No such blob in this repository: {digest}")


class ManifestUnknown(DistributionError):
    """The repository does not have the manifest or tag."""

    code = "manifest-unknown"

    def __init__(self, reference: str) -> None:
        super().__init__(f"No such manifest in this repository: {reference}")


class ManifestInvalid(DistributionError):
    """A manifest, or the config that it names, cannot be used."""

    code = "manifest-invalid"


class VersionRefused(ManifestInvalid):
    """A model's image that no executor of this hub can run."""

    code = "version-refused"


class ManifestBlobUnknown(DistributionError):
    """A manifest names blobs or manifests that its repository does not have."""

    code = "manifest-blob-unknown"

    def __init__(self, digest: str) -> None:
        super().__init__(f"The manifest names what this repository does not have: {digest}")
        self.digest = digest


class ManifestTooLarge(DistributionError):
    """A manifest above the limit."""

    code = "manifest-too-large"


class DigestRefused(DistributionError):
    """Not a digest that is taken here, or not that of the content."""

    code = "digest-refused"


class SizeMismatch(DistributionError):
    """The content is longer or shorter than the request said."""

    code = "size-mismatch"


class UploadUnknown(DistributionError):
    """No such upload: it was finished, dropped, or is another account's."""

    code = "upload-unknown"

    def __init__(self, upload_id: str) -> None:
        super().__init__(f"No such upload in this repository: {upload_id}")


class UploadInvalid(DistributionError):
    """A chunk that cannot be taken."""

    code = "upload-invalid"


class UploadOutOfOrder(DistributionError):
    """A chunk that does not begin where the upload stands."""

    code = "upload-out-of-order"

    def __init__(self, start: int, reached: int) -> None:
        super().__init__(f"The upload stands at byte {reached}; the chunk begins at {start}")
        self.reached = reached


class TooManyUploads(DistributionError):
    """An account has as many open uploads as it may have."""

    code = "too-many-uploads"

    def __init__(self, limit: int) -> None:
        super().__init__(f"Your account has {limit} unfinished uploads; finish or delete some")


class RangeUnsatisfiable(DistributionError):
    """A range that begins behind the end of the blob."""

    code = "range-unsatisfiable"

    def __init__(self, size_bytes: int) -> None:
        super().__init__(f"The range begins behind the end of the blob, which has {size_bytes} B")
        self.size_bytes = size_bytes


class NotSupported(DistributionError):
    """What this registry does not do."""

    code = "not-supported"
