"""Sealing: bytes are encrypted and signed (Fernet: AES-128 in CBC mode with HMAC-SHA256) before they are written.

The key comes from a passphrase (scrypt, RFC 7914) or, without one, from a key file beside what it seals. A key file
protects copies and backups of the single files, not against somebody who can read the whole folder; a passphrase does.

What is sealed begins with a line that says with what kind of key and which one, so that a wrong passphrase, a key file
that is gone and damage can be told apart: ``ferce-sealed 1 passphrase 0123456789abcdef``.
"""

from __future__ import annotations

import base64
import hashlib
import os
import re
import secrets
import unicodedata
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal

from ferce_agent.errors import DataError, SettingsError
from ferce_agent.keeping.files import overwrite, remove, write_private
from ferce_agent.keeping.places import kept_folder, private_folder

if TYPE_CHECKING:
    from cryptography.fernet import Fernet

PASSPHRASE: Final = "FERCE_PASSPHRASE"
"""Environment variable with the passphrase."""
KEY_FILE: Final = "key"
SALT_FILE: Final = "salt"
KEY_BYTES: Final = 32
SALT_BYTES: Final = 16
NAME_BYTES: Final = 8
"""Length of a key's name."""
COST: Final = 2**15
"""Cost of scrypt (n), with r = 8 and p = 3: 32 MB and about a third of a second. Source: OWASP Password Storage Cheat
Sheet, one of the settings that it gives as the least."""
HEADER: Final = re.compile(rb"ferce-sealed 1 (key|passphrase) ([0-9a-f]{16})\n")
"""First line of what is sealed."""
HEADER_BYTES: Final = 64
"""So many bytes from the beginning hold the first line."""
SealKind = Literal["key", "passphrase"]
"""Where a key comes from: a file, or a passphrase."""


class Seal:
    """Seals and opens bytes with one key.

    Attributes:
        kind: Where the key comes from.
    """

    def __init__(self, key: bytes, kind: SealKind = "key", folder: Path | None = None) -> None:
        """Take a key of 32 bytes.

        Args:
            key: The key.
            kind: Where it comes from.
            folder: Where key file and salt lie: what its key file sealed can be opened where a passphrase came later.
        """
        self.kind: SealKind = kind
        self._key = key
        self._folder = folder

    def close(self, plain: bytes) -> bytes:
        """Return bytes sealed."""
        return f"ferce-sealed 1 {self.kind} {key_name(self._key)}\n".encode() + _fernet(self._key).encrypt(plain)

    def open(self, sealed: bytes) -> bytes:
        """Return what was sealed.

        Raises:
            DataError: It was sealed with another key, or is damaged; the message says which.
        """
        from cryptography.fernet import InvalidToken

        header = HEADER.match(sealed)
        if header is None:
            raise DataError(
                "This is no sealed file, or it is damaged.", hint="Put it back from a backup, or delete it."
            )
        key = self._fitting(header[1].decode(), header[2].decode())
        try:
            return _fernet(key).decrypt(sealed[header.end() :])
        except InvalidToken as error:
            raise DataError("This sealed file is damaged.", hint="Put it back from a backup, or delete it.") from error

    def _fitting(self, kind: str, name: str) -> bytes:
        """Return the key with a name.

        Raises:
            DataError: It is not at hand.
        """
        if secrets.compare_digest(name, key_name(self._key)):
            return self._key
        if kind == "key" and self.kind == "passphrase" and self._there(KEY_FILE):
            found = _read(self._there_file(KEY_FILE), KEY_BYTES)
            if secrets.compare_digest(name, key_name(found)):
                return found
        raise self._lacking(kind)

    def _there_file(self, name: str) -> Path:
        return (self._folder or kept_folder()) / name

    def _there(self, name: str) -> bool:
        return self._there_file(name).is_file()

    def _lacking(self, kind: str) -> DataError:
        """Return the error of a key that is not at hand."""
        if kind == "key" or (self.kind == "passphrase" and not self._there(SALT_FILE)):
            file = self._there_file(KEY_FILE if kind == "key" else SALT_FILE)
            state = "is another one now" if file.exists() else "is gone"
            return DataError(
                f"The file {file}, with which this was sealed, {state}.",
                hint="Put it back from a backup. Without it nobody can open this.",
            )
        given = "with another passphrase" if self.kind == "passphrase" else "with a passphrase, and none is given"
        hint = f"Give the passphrase it was sealed with in {PASSPHRASE}. Without it nobody can open it."
        return DataError(f"This was sealed {given}.", hint=hint)


def sealed_with(beginning: bytes) -> SealKind | None:
    """Return where the key of a sealed file comes from, by its first `HEADER_BYTES`; None where it is not sealed."""
    header = HEADER.match(beginning)
    if header is None:
        return None
    return "key" if header[1] == b"key" else "passphrase"


def key_name(key: bytes) -> str:
    """Return the name of a key: a digest, from which the key cannot be told."""
    return hashlib.sha256(b"ferce-agent key name" + key).hexdigest()[: 2 * NAME_BYTES]


def seal_of(
    folder: Path | None = None,
    *,
    passphrase: str | None = None,
    environment: Mapping[str, str] | None = None,
    make: bool = True,
) -> Seal:
    """Return the seal of a folder; the salt or key file is made on first use.

    A folder has one passphrase: a mistyped one is refused, so that nothing is sealed that its owner cannot open.

    Args:
        folder: Where what is sealed lies; the usual place if left out.
        passphrase: The passphrase; that of the environment if left out. Without one the folder's key file counts.
        environment: Where to look for it; `os.environ` if left out.
        make: Whether folder, salt or key may be made. Without, a seal that lacks them opens nothing, and says why.

    Raises:
        SettingsError: The folder cannot be used, the passphrase is empty or not the one of this folder, or key or salt
            are gone that sealed what is kept already.
    """
    place = folder or kept_folder()
    if make:
        private_folder(place)
    given = (os.environ if environment is None else environment).get(PASSPHRASE) if passphrase is None else passphrase
    if given is None:
        return Seal(_found(place / KEY_FILE, secrets.token_bytes(KEY_BYTES), make=make), "key", place)
    if not given.strip():
        # Not taken as none: what its owner believes to be sealed with a passphrase would lie beside its key.
        raise SettingsError("The passphrase is empty.", hint=f"Unset {PASSPHRASE}, or give one.")
    return Seal(_derived(place / SALT_FILE, given, make=make), "passphrase", place)


def delete_keys(folder: Path | None = None) -> bool:
    """Delete key file and salt once nothing is kept any more, and return whether there were any.

    Copies of what was sealed, as in a backup, cannot be opened then unless key or salt lie there, too.

    Raises:
        SettingsError: Something is still kept, or they cannot be deleted.
    """
    place = folder or kept_folder()
    files = [place / KEY_FILE, place / SALT_FILE]
    try:
        kept = [one for one in place.rglob("*") if one.is_file() and one not in files]
    except OSError as error:
        raise SettingsError(f"What is kept cannot be listed: {error.strerror or error}.") from error
    if kept:
        raise SettingsError(
            f"The keys also open what is still kept: {len(kept)} files in {place}.", hint="Delete those first."
        )
    for file in files:
        overwrite(file)
    found = [remove(file) for file in files]
    return any(found)


def _derived(file: Path, passphrase: str, *, make: bool) -> bytes:
    """Return the key of a passphrase; the file holds the salt and the name of the key.

    Raises:
        SettingsError: It is not the passphrase with which the file was made.
    """
    new = b""
    if not file.exists():
        salt = secrets.token_bytes(SALT_BYTES)
        new = salt + bytes.fromhex(key_name(_stretched(passphrase, salt)))
    found = _found(file, new, make=make) if new else _read(file, SALT_BYTES + NAME_BYTES)
    key = _stretched(passphrase, found[:SALT_BYTES])
    if not secrets.compare_digest(bytes.fromhex(key_name(key)), found[SALT_BYTES:]):
        raise SettingsError(
            f"The passphrase is not the one with which {file.parent} was first used.",
            hint=f"Correct {PASSPHRASE}, or name another folder with FERCE_KEPT. "
            f"If it is lost, so is what it sealed; to begin anew with another one, delete {file}.",
        )
    return key


def _stretched(passphrase: str, salt: bytes) -> bytes:
    """Return 32 bytes from a passphrase; the same on all systems, however they write letters with accents."""
    from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

    given = unicodedata.normalize("NFC", passphrase).encode("utf-8", "surrogateescape")
    return Scrypt(salt=salt, length=KEY_BYTES, n=COST, r=8, p=3).derive(given)


def _fernet(key: bytes) -> Fernet:
    from cryptography.fernet import Fernet

    return Fernet(base64.urlsafe_b64encode(key))


def _found(file: Path, new: bytes, *, make: bool) -> bytes:
    """Return the bytes in a file that only the user may read; where it is not there, new ones.

    With `make` those are written, by one of several processes only, and are the same for all.

    Raises:
        SettingsError: The file cannot be read or made, or is damaged.
    """
    if not file.exists():
        if not make:
            return new
        if _orphaned(file) and not file.exists():  # which another process may just have made, with what it sealed
            raise SettingsError(
                f"The file {file}, with which other things in this folder were sealed, is gone.",
                hint="Put it back from a backup; or delete what it sealed, which nobody can open without it; or name "
                "another folder with FERCE_KEPT.",
            )
        write_private(file, new, replace=False)
    return _read(file, len(new))


def _orphaned(file: Path) -> bool:
    """Return whether something is kept that a key or salt sealed which is not there.

    A new one in its place would be lost when the old one is put back.
    """
    mark = b"ferce-sealed 1 " + (b"key " if file.name == KEY_FILE else b"passphrase ")
    try:
        return any(mark in one.read_bytes() for one in file.parent.glob("*/*") if one.is_file())
    except OSError as error:
        raise SettingsError(f"What is kept cannot be read: {error.strerror or error}.") from error


def _read(file: Path, length: int) -> bytes:
    try:
        found = file.read_bytes()
    except OSError as error:
        raise SettingsError(
            f"{file} cannot be read: {error.strerror or error}.", hint="Choose another folder: FERCE_KEPT."
        ) from error
    if len(found) != length:
        raise SettingsError(
            f"{file} is damaged.", hint="Put it back from a backup: what it sealed cannot be opened without it."
        )
    return found
