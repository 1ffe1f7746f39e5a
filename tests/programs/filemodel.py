"""Random calls on files through several descriptors, each result compared with a model in memory.

Usage: filemodel.py SEED DIRECTORY. Prints `ready` once it runs; after SIGTERM it compares all that there is, and
prints `CALLS calls`. Descriptors share files and offsets (dup, a second open, O_APPEND), so that what is written behind or read ahead shows at once
where it is not what a local call would give.
"""

import os
import random
import signal
import sys

seed, directory = int(sys.argv[1]), sys.argv[2]
rng = random.Random(seed)
os.makedirs(directory, exist_ok=True)
NAMES = [os.path.join(directory, "file%d" % i) for i in range(3)]
content = {name: bytearray() for name in NAMES}
for name in NAMES:
    os.close(os.open(name, os.O_CREAT | os.O_TRUNC | os.O_WRONLY))


class Description:
    """An open file: what descriptors made by dup(2) have in common."""

    def __init__(self, name, append):
        self.name, self.append, self.offset = name, append, 0


table = {}


def expect(what, got, wanted):
    if got != wanted:
        show = lambda x: x[:80] if isinstance(x, (bytes, bytearray)) else x
        sys.exit("seed %d: %s: got %r, wanted %r" % (seed, what, show(got), show(wanted)))


def size():
    return rng.choice([1, 7, 64, 64, 64, 100, 511, 4096, 20000, rng.randrange(1, 300000)])


def write_at(data, offset, name):
    old = content[name]
    if offset > len(old):
        old.extend(b"\0" * (offset - len(old)))
    old[offset : offset + len(data)] = data


def do_open():
    if len(table) < 6:
        name, append = rng.choice(NAMES), rng.random() < 0.3
        fd = os.open(name, os.O_RDWR | (os.O_APPEND if append else 0))
        table[fd] = Description(name, append)


def do_close(fd, it):
    os.close(fd)
    del table[fd]


def do_dup(fd, it):
    if len(table) < 6:
        table[os.dup(fd)] = it


def do_dup2(fd, it):
    other = rng.choice(list(table))
    os.dup2(fd, other)
    table[other] = it


def do_write(fd, it):
    for _ in range(rng.choice([1, 1, 20, 200])):
        data = rng.randbytes(size() if rng.random() < 0.2 else 64)
        expect("write", os.write(fd, data), len(data))
        if it.append:
            it.offset = len(content[it.name])
        write_at(data, it.offset, it.name)
        it.offset += len(data)
        if len(content[it.name]) > 3000000:
            return


def do_writev(fd, it):
    parts = [rng.randbytes(rng.randrange(0, 200)) for _ in range(rng.randrange(1, 8))]
    data = b"".join(parts)
    expect("writev", os.writev(fd, parts), len(data))
    if it.append and data:
        it.offset = len(content[it.name])
    if data:
        write_at(data, it.offset, it.name)
    it.offset += len(data)


def do_read(fd, it):
    for _ in range(rng.choice([1, 1, 20, 200])):
        count = size() if rng.random() < 0.2 else 64
        wanted = bytes(content[it.name][it.offset : it.offset + count])
        expect("read of %d at %d" % (count, it.offset), os.read(fd, count), wanted)
        it.offset += len(wanted)


def do_seek(fd, it):
    how = rng.randrange(3)
    to = rng.randrange(0, len(content[it.name]) + 1000)
    if how == 0:
        it.offset = to
        expect("lseek set", os.lseek(fd, to, 0), to)
    elif how == 1:
        expect("lseek cur", os.lseek(fd, 0, 1), it.offset)
    else:
        it.offset = len(content[it.name])
        expect("lseek end", os.lseek(fd, 0, 2), it.offset)


def do_pread(fd, it):
    offset, count = rng.randrange(0, len(content[it.name]) + 10), size()
    expect("pread", os.pread(fd, count, offset), bytes(content[it.name][offset : offset + count]))


def do_pwrite(fd, it):
    if it.append:
        return  # Linux appends whatever the offset says: pwrite(2)
    offset, data = rng.randrange(0, len(content[it.name]) + 10), rng.randbytes(size())
    expect("pwrite", os.pwrite(fd, data, offset), len(data))
    write_at(data, offset, it.name)


def do_truncate(fd, it):
    to = rng.randrange(0, len(content[it.name]) + 5000)
    os.ftruncate(fd, to) if rng.random() < 0.5 else os.truncate(it.name, to)
    old = content[it.name]
    if to < len(old):
        del old[to:]
    else:
        old.extend(b"\0" * (to - len(old)))


def do_stat(fd, it):
    expect("fstat", os.fstat(fd).st_size, len(content[it.name]))
    expect("stat", os.stat(it.name).st_size, len(content[it.name]))


def do_sync(fd, it):
    os.fsync(fd)


def do_shell(fd, it):
    # Another process looks at the file, and the offset that it would inherit is right.
    expect("position", os.lseek(fd, 0, 1), it.offset)
    with open(it.name, "rb") as other:
        expect("another opener", other.read(), bytes(content[it.name]))


OPERATIONS = [do_write] * 8 + [do_read] * 8 + [do_seek] * 6 + [
    do_writev, do_writev, do_pread, do_pwrite, do_truncate, do_stat, do_sync, do_dup, do_dup2, do_close, do_close, do_shell]

over = []
signal.signal(signal.SIGTERM, lambda *_: over.append(True))
print("ready", flush=True)
calls = 0
while not over:
    if not table or rng.random() < 0.1:
        do_open()
    else:
        fd = rng.choice(list(table))
        rng.choice(OPERATIONS)(fd, table[fd])
    calls += 1
    for name in NAMES:
        if len(content[name]) > 3000000:
            os.truncate(name, 0)
            content[name].clear()
for name in NAMES:
    with open(name, "rb") as whole:
        expect("the end", whole.read(), bytes(content[name]))
print("%d calls" % calls)
