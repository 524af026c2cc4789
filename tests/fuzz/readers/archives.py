"""Archives: tar, plain or gzip, with hostile members."""

from __future__ import annotations

import gzip
import io
import tarfile
from pathlib import Path
from typing import Any

from hypothesis import strategies as st

from hear.archives.find import find_sources
from hear.archives.unpack import ArchiveError, unpack
from tests.fuzz.mutations import INTEGERS, LONG, damaged
from tests.fuzz.readers.tasks import NAME, scene_files
from tests.fuzz.watch import Reader

ROOT = f"hear-2021.0.6/tasks/{NAME}"
KINDS = (
    tarfile.REGTYPE, tarfile.AREGTYPE, tarfile.DIRTYPE, tarfile.SYMTYPE, tarfile.LNKTYPE,
    tarfile.FIFOTYPE, tarfile.CHRTYPE, tarfile.BLKTYPE, tarfile.CONTTYPE, tarfile.GNUTYPE_SPARSE,
    tarfile.GNUTYPE_LONGNAME, tarfile.GNUTYPE_LONGLINK, tarfile.XHDTYPE, tarfile.XGLTYPE, b"Z",
)  # fmt: skip
NAMES = (
    f"{ROOT}/train.json", f"{ROOT}/train.json/x", f"{ROOT}/16000/train/a.wav", f"{ROOT}/16000",
    f"{ROOT}/link", f"{ROOT}/link/x", f"{ROOT}/task_metadata.json", ROOT,
    f"{ROOT}/../../../escaped",
    "hear-2021.0.6/tasks/other/task_metadata.json", "task_metadata.json", "tasks", "..",
    "../escaped",
    "/tmp/escaped", "//escaped", "..\\escaped", "C:\\escaped", ".", "./", "", "/", LONG,
    f"{ROOT}/{LONG}", f"{ROOT}/{'n' * 255}", f"{ROOT}/{'d/' * 2_100}x", f"{ROOT}/a\nb", f"{ROOT}/ä",
    f"{ROOT}/a\0b", f"{ROOT}/\udcff", f"{ROOT}/a\u0308", f"{ROOT}/A.WAV", f"{ROOT}/ x ",
    "hear-2021.0.6", "hear-2021.0.6/tasks", "hear-2021.0.6/link", "hear-2021.0.6/link/escaped",
)  # fmt: skip
LINKS = (
    "", ".", "..", "../..", "/", "/etc/passwd", "/tmp", "../../../../escaped", f"{ROOT}/train.json",
    "train.json", f"{ROOT}/link", "link", ROOT, LONG, "a\0b", "../" * 50 + "tmp",
)  # fmt: skip
HEADERS = {  # of the extended header of POSIX.1-2001, and GNU's own for sparse files
    "path": NAMES,
    "linkpath": LINKS,
    "size": ("0", "-1", "x", "1e9", "9" * 30, "0x10", str(2**63), "1.5"),
    "mtime": ("x", "nan", "inf", "-1e30", "9" * 400),
    "uid": ("x", "-1", "9" * 30),
    "hdrcharset": ("BINARY", "x"),
    "GNU.sparse.major": ("0", "1", "x"),
    "GNU.sparse.minor": ("0", "x"),
    "GNU.sparse.name": NAMES,
    "GNU.sparse.size": ("x", "1", "-1", str(2**62)),
    "GNU.sparse.realsize": ("x", "1", "-1", str(2**62)),
    "GNU.sparse.map": ("0,1", "x", "1", "0,-1", f"0,{2**62}", f"{2**62},1", "1,1,0,1"),
    "GNU.sparse.numblocks": ("1", "x"),
}


def _block(name: str, kind: bytes, link: str, size: int, form: int) -> bytes:
    """Header of a member, as long as its form allows; other names are cut."""
    member = tarfile.TarInfo(name)
    member.type, member.linkname, member.size = kind, link, size
    try:
        return member.tobuf(form, "utf-8", "surrogateescape")
    except (ValueError, OverflowError):
        member.name, member.linkname = name[:90].replace("\0", "?"), link[:90].replace("\0", "?")
        return member.tobuf(tarfile.GNU_FORMAT, "utf-8", "surrogateescape")


def _padded(content: bytes) -> bytes:
    return content + bytes(-len(content) % tarfile.BLOCKSIZE)


def _extended(headers: dict[str, str], claimed: int | None) -> bytes:
    records = b""
    for key, value in headers.items():
        record = f" {key}={value}\n".encode("utf-8", "surrogateescape")
        length = len(record) + len(str(len(record) + len(str(len(record)))))
        records += str(length).encode() + record
    size = len(records) if claimed is None else claimed
    return _block("x", tarfile.XHDTYPE, "", size, tarfile.PAX_FORMAT) + _padded(records)


@st.composite
def tars(draw: Any) -> bytes:
    """A task's archive with a few hostile members before, among or behind its own."""
    parts = [
        _block(f"{ROOT}/{name}", tarfile.REGTYPE, "", len(content), tarfile.GNU_FORMAT)
        + _padded(content)
        for name, content in scene_files().items()
    ]
    for _ in range(draw(st.integers(1, 3))):
        content = draw(st.sampled_from((b"", b"abc", b"[" * 600, b"1\n0\n1\n" + bytes(600))))
        odd_size = draw(st.sampled_from((None, None, None, *INTEGERS)))
        name = draw(st.sampled_from(NAMES))
        kind, link = draw(st.sampled_from(KINDS)), draw(st.sampled_from(LINKS))
        form = draw(st.sampled_from((tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT)))
        size = len(content) if odd_size is None else odd_size % 2**63
        if kind in (tarfile.GNUTYPE_LONGNAME, tarfile.GNUTYPE_LONGLINK) and draw(st.booleans()):
            content = f"{name}\0".encode("utf-8", "surrogateescape")
            size = len(content)
        part = _block(name, kind, link, size, form) + _padded(content)
        if draw(st.booleans()):
            keys = draw(st.lists(st.sampled_from(sorted(HEADERS)), min_size=1, max_size=3))
            headers = {key: draw(st.sampled_from(HEADERS[key])) for key in keys}
            claimed = draw(st.sampled_from((None, None, None, None, *INTEGERS)))
            part = _extended(headers, None if claimed is None else claimed % 2**63) + part
        parts.insert(draw(st.integers(0, len(parts))), part)
    if draw(st.booleans()):
        parts.append(parts[draw(st.integers(0, len(parts) - 1))])
    return b"".join(parts) + bytes(2 * tarfile.BLOCKSIZE)


def valid_tar() -> bytes:
    """The archive of a task."""
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w") as tar:
        for name, content in scene_files().items():
            member = tarfile.TarInfo(f"{ROOT}/{name}")
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))
    return stream.getvalue()


@st.composite
def archives(draw: Any) -> bytes:
    """Hostile archives: members that no archive of HEAR has, or damaged bytes."""
    content = draw(tars())
    if draw(st.integers(0, 5)) == 0:
        content = draw(damaged([content, valid_tar()]))
    if draw(st.booleans()):
        content = gzip.compress(content, 1, mtime=0)
        if draw(st.integers(0, 5)) == 0:
            content = draw(damaged([content], start=2))
    if draw(st.integers(0, 9)) == 0:
        content += draw(st.sampled_from((b"x", bytes(10_240), content)))
    return content


def with_sums(content: bytes) -> bytes:
    """Bytes in which every header of a tar archive has the checksum that it needs."""
    blocks = [content[i : i + 512] for i in range(0, len(content), 512)]
    for i, block in enumerate(blocks):
        if block[257:262] == b"ustar":
            total = sum(block) - sum(block[148:156]) + 8 * 32
            blocks[i] = block[:148] + b"%06o\0 " % total + block[156:]
    return b"".join(blocks)


def is_tar(content: bytes) -> bool:
    """Tell whether bytes are, or hold after gzip, a tar archive with a first member."""
    try:
        with tarfile.open(fileobj=io.BytesIO(content), mode="r:*") as tar:
            return tar.next() is not None
    except Exception:  # whatever tarfile raises
        return False


def _unpack(content: bytes, inside: Path) -> None:
    (inside / "a.tar.gz").write_bytes(content)
    unpack(inside / "a.tar.gz", inside / "tasks", max_bytes=2**24, progress=False)
    for path in (inside / "tasks").rglob("*"):
        assert not path.is_symlink() and (path.is_file() or path.is_dir()), path


def _find(content: bytes, inside: Path) -> None:
    (inside / "a.tar.gz").write_bytes(content)
    find_sources(inside, inside / "cache.json")
    find_sources(inside, inside / "cache.json")


def bombs() -> list[bytes]:
    """Small files of much content: zeros in a member, in a header, behind the end."""
    big = 2**26
    member = _block(f"{ROOT}/x", tarfile.REGTYPE, "", big, tarfile.GNU_FORMAT) + bytes(big)
    header = _block("x", tarfile.XHDTYPE, "", big, tarfile.PAX_FORMAT) + b"1" * big
    name = _block("x", tarfile.GNUTYPE_LONGNAME, "", big, tarfile.GNU_FORMAT) + b"n" * big
    return [
        gzip.compress(content, 9, mtime=0)
        for content in (member + valid_tar(), header + valid_tar(), name + valid_tar(),
                        valid_tar() + bytes(big))
    ]  # fmt: skip


def readers() -> list[Reader]:
    """Readers of this module."""
    seeds = [valid_tar(), gzip.compress(valid_tar(), mtime=0)]
    more: dict[str, Any] = {"seeds": seeds, "from_bytes": with_sums}
    return [
        Reader(
            name, archives(), read, (ArchiveError,), ("a.tar.gz",),
            "a tar archive, plain or gzip, with a first member", is_tar,
            **more,
        )
        for name, read in (("archives unpacked", _unpack), ("archives looked into", _find))
    ]  # fmt: skip
