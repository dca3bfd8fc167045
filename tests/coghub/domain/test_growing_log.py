from coghub.domain.growing_log import GrowingLog

GAP = "\n[… {} bytes of logs dropped …]\n"


def test_each_part_is_returned_once():
    log = GrowingLog()

    assert [log.unseen(it) for it in ("", "a", "a", "aä\n")] == [b"", b"a", b"", "ä\n".encode()]


def test_what_is_missing_is_said_once_and_what_follows_goes_on():
    log = GrowingLog()

    log.unseen("head")
    assert log.unseen("head" + GAP.format(3) + "89") == (GAP.format(3) + "89").encode()
    assert log.unseen("head" + GAP.format(5) + "abc") == b"abc"
    assert log.unseen("head" + GAP.format(99) + "z") == (GAP.format(99) + "z").encode()


def test_what_was_shown_before_it_was_dropped_is_not_shown_again():
    log = GrowingLog()

    log.unseen("head and more")

    assert log.unseen("head" + GAP.format(5) + "more!") == b"!"
