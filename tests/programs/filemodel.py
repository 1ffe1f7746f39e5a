"""Random calls on files through several descriptors, each result compared with a model in memory.

Usage: filemodel.py SEED DIRECTORY. Prints `ready` once it runs; after SIGTERM it compares all that there is, and
prints `CALLS calls`. Descriptors share files and offsets (dup, a second open, O_APPEND, a child), so that what is written
behind, read ahead or answered from memory shows at once where it is not what a local call would give.
"""

import errno
import os
import random
import signal
import subprocess
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
    for _ in range(rng.choice([1, 1, 3, 30])):
        how = rng.randrange(3)
        end = len(content[it.name])
        to = rng.randrange(0, end + 1000)
        near = max(0, min(it.offset + rng.randrange(-9000, 9000), end + 1000))
        if how == 0:
            it.offset = rng.choice([to, near])
            expect("lseek set", os.lseek(fd, it.offset, 0), it.offset)
        elif how == 1:
            by = rng.choice([0, near - it.offset])
            it.offset += by
            expect("lseek cur by %d" % by, os.lseek(fd, by, 1), it.offset)
        else:
            it.offset = max(0, end - rng.choice([0, 0, 100]))
            expect("lseek end", os.lseek(fd, it.offset - end, 2), it.offset)
        if rng.random() < 0.3:
            count = rng.choice([1, 64, 5000])
            wanted = bytes(content[it.name][it.offset : it.offset + count])
            expect("read of %d at %d" % (count, it.offset), os.read(fd, count), wanted)
            it.offset += len(wanted)
    refused = rng.choice([(-1, 0), (-it.offset - 1, 1), (-len(content[it.name]) - 1, 2), (0, 77)])
    try:
        expect("lseek by %d from %d" % refused, os.lseek(fd, *refused), "EINVAL")
    except OSError as error:
        expect("lseek", error.errno, errno.EINVAL)


def do_pread(fd, it):
    offset = rng.randrange(0, len(content[it.name]) + 10)
    for _ in range(rng.choice([1, 1, 20])):
        count = size() if rng.random() < 0.2 else 64
        expect("pread", os.pread(fd, count, offset), bytes(content[it.name][offset : offset + count]))
        offset += rng.choice([count, count, rng.randrange(-3000, 3000)])
        offset = max(0, offset)


def do_pwrite(fd, it):
    for _ in range(rng.choice([1, 1, 20, 200])):
        offset = rng.randrange(0, len(content[it.name]) + rng.choice([10, 10, 100000]))
        data = rng.randbytes(size() if rng.random() < 0.2 else 64)
        expect("pwrite", os.pwrite(fd, data, offset), len(data))
        # Linux appends whatever the offset says: pwrite(2)
        write_at(data, len(content[it.name]) if it.append else offset, it.name)
        if len(content[it.name]) > 3000000:
            return


def do_truncate(fd, it):
    to = rng.randrange(0, len(content[it.name]) + 5000)
    os.ftruncate(fd, to) if rng.random() < 0.5 else os.truncate(it.name, to)
    old = content[it.name]
    if to < len(old):
        del old[to:]
    else:
        old.extend(b"\0" * (to - len(old)))


def do_stat(fd, it):
    for _ in range(rng.choice([1, 3])):
        expect("fstat", os.fstat(fd).st_size, len(content[it.name]))
    expect("stat", os.stat(it.name).st_size, len(content[it.name]))
    expect("all of fstat", os.fstat(fd), os.stat(it.name))


def do_fork(fd, it):
    # A child moves the offset that both have, and writes at it.
    data = rng.randbytes(100)
    child = os.fork()
    if child == 0:
        try:
            os.lseek(fd, it.offset, 0)
            os.write(fd, data)
        finally:
            os._exit(0)
    expect("the child", os.waitpid(child, 0)[1], 0)
    if it.append:
        it.offset = len(content[it.name])
    write_at(data, it.offset, it.name)
    it.offset += len(data)
    expect("offset after the child", os.lseek(fd, 0, 1), it.offset)


def do_other_opener(fd, it):
    # Another program changes the file: whatever was known of it is not so any more.
    data = rng.randbytes(rng.randrange(1, 3000))
    os.fstat(fd)
    os.pread(fd, 64, 0)
    at = rng.randrange(0, len(content[it.name]) + 1000)
    os.write(question, b"%s %d %s\n" % (os.path.abspath(it.name).encode(), at, data.hex().encode()))
    expect("the other program", os.read(answer, 10), b"done")
    write_at(data, at, it.name)
    expect("what it wrote", os.pread(fd, len(data), at), data)
    expect("size after that", os.fstat(fd).st_size, len(content[it.name]))
    it.offset = len(content[it.name])
    expect("end after that", os.lseek(fd, 0, 2), it.offset)


def do_sync(fd, it):
    os.fsync(fd)


def do_shell(fd, it):
    # Another process looks at the file, and the offset that it would inherit is right.
    expect("position", os.lseek(fd, 0, 1), it.offset)
    with open(it.name, "rb") as again:
        expect("another opener", again.read(), bytes(content[it.name]))


OTHER = """
import os, sys
for line in sys.stdin:
    name, at, data = line.split()
    fd = os.open(name, os.O_WRONLY)
    os.pwrite(fd, bytes.fromhex(data), int(at))
    os.close(fd)
    os.write(1, b"done")
"""
# Not a child of this process: one that has children at home does not move.
pipes = [os.path.join(directory, name) for name in ("question", "answer")]
for name in pipes:
    os.mkfifo(name)
subprocess.run(["sh", "-c", '"$0" -c "$1" < "$2" > "$3" &', sys.executable, OTHER] + pipes, check=True)
question, answer = os.open(pipes[0], os.O_WRONLY), os.open(pipes[1], os.O_RDONLY)


OPERATIONS = [do_write] * 8 + [do_read] * 8 + [do_seek] * 6 + [do_pread] * 4 + [do_pwrite] * 4 + [do_stat] * 3 + [
    do_writev, do_writev, do_other_opener, do_other_opener, do_truncate, do_fork, do_sync, do_dup, do_dup2, do_close,
    do_close, do_shell]

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
