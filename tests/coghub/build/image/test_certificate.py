"""A certificate is a file, a folder of files, or its own text."""

from dataclasses import replace

import pytest

from coghub.build.image.certificate import certificate_of
from coghub.domain.errors import SettingInvalid

PEM = "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n"


def test_none_is_set(settings):
    assert certificate_of(settings) is None


def test_a_text_stands_for_itself(settings):
    assert certificate_of(replace(settings, ca_certificate=PEM)) == PEM.encode()


def test_a_file_is_read(settings, tmp_path):
    (tmp_path / "ca.pem").write_text(PEM)

    found = certificate_of(replace(settings, ca_certificate=str(tmp_path / "ca.pem")))

    assert found == PEM.encode()


def test_of_a_folder_all_certificates_are_read(settings, tmp_path):
    folder = tmp_path / "certificates"
    folder.mkdir()
    (folder / "a.crt").write_text(PEM)
    (folder / "b.pem").write_text(PEM)
    (folder / "note.txt").write_text("no certificate")

    found = certificate_of(replace(settings, ca_certificate=str(folder)))

    assert found is not None
    assert found.count(b"BEGIN") == 2
    assert b"no certificate" not in found


@pytest.mark.parametrize("content", [None, "not a certificate"])
def test_what_is_none_is_refused(settings, tmp_path, content):
    path = tmp_path / "ca.pem"
    if content:
        path.write_text(content)

    with pytest.raises(SettingInvalid, match="`COG_CA_CERT`"):
        certificate_of(replace(settings, ca_certificate=str(path)))
