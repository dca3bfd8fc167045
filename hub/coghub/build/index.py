"""Where packages come from: an index, more indexes, folders with wheels."""

from dataclasses import dataclass, replace
from pathlib import Path


@dataclass(frozen=True, slots=True)
class IndexSettings:
    """What pip's options of the same names mean."""

    index_url: str | None = None
    extra_index_urls: tuple[str, ...] = ()
    find_links: tuple[str, ...] = ()
    no_index: bool = False
    trusted_hosts: tuple[str, ...] = ()
    pre: bool = False
    no_binary: tuple[str, ...] = ()
    only_binary: tuple[str, ...] = ()

    def over(self, other: "IndexSettings") -> "IndexSettings":
        """Return both together; where only one value can be, this one's."""
        return IndexSettings(
            index_url=self.index_url or other.index_url,
            extra_index_urls=_joined(self.extra_index_urls, other.extra_index_urls),
            find_links=_joined(self.find_links, other.find_links),
            no_index=self.no_index or other.no_index,
            trusted_hosts=_joined(self.trusted_hosts, other.trusted_hosts),
            pre=self.pre or other.pre,
            no_binary=_joined(self.no_binary, other.no_binary),
            only_binary=_joined(self.only_binary, other.only_binary),
        )

    def in_folder(self, folder: Path) -> "IndexSettings":
        """Return the same with relative folders as paths that mean the same everywhere."""
        root = folder.resolve()
        links = (link if "://" in link else str(root / link) for link in self.find_links)
        return replace(self, find_links=tuple(links))


def _joined(first: tuple[str, ...], second: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(dict.fromkeys((*first, *second)))


NO_INDEX_SETTINGS = IndexSettings()
