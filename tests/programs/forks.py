"""Forks in the ways Python has; no line depends on a PID or on the node."""

import hashlib
import mmap
import multiprocessing
import os
import random
import signal
import sys
import time


def show(*words):
    print(*words, flush=True)


def wait(pid):
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def shared_offset():
    """Parent and child write to one open file: no write is lost, and the order is that of time."""
    out = os.open("shared", os.O_CREAT | os.O_TRUNC | os.O_RDWR, 0o600)
    to_child, to_parent = os.pipe(), os.pipe()
    os.write(out, b"P1 ")
    os.write(out, b"P2 ")
    pid = os.fork()
    if pid == 0:
        os.write(out, b"C1 ")
        os.write(to_parent[1], b"x")
        os.read(to_child[0], 1)
        os.write(out, b"C2 ")
        os._exit(21)
    os.read(to_parent[0], 1)
    os.write(out, b"P3 ")
    os.write(to_child[1], b"x")
    show("child", wait(pid))
    os.write(out, b"P4")
    show(os.lseek(out, 0, os.SEEK_CUR), open("shared").read())
    for fd in (out, *to_child, *to_parent):
        os.close(fd)


def identity():
    me = os.getpid()
    ends = os.pipe()
    data = bytearray(b"memory of the parent" * 1000)
    pid = os.fork()
    if pid == 0:
        data[:6] = b"MEMORY"
        os.chdir("/")
        os.write(ends[1], repr((os.getppid() == me, os.getpid() != me, os.getcwd(), data[:20],
                                os.path.basename(os.readlink("/proc/self/exe"))[:7])).encode())
        os._exit(0)
    show(os.read(ends[0], 1000).decode(), bytes(data[:20]), os.getpid() == me, os.getcwd() != "/", wait(pid))


def signals():
    hits = []
    signal.signal(signal.SIGCHLD, lambda number, frame: hits.append(number))
    signal.signal(signal.SIGUSR1, lambda number, frame: hits.append(number))
    pid = os.fork()
    if pid == 0:
        os.kill(os.getppid(), signal.SIGUSR1)
        hits.clear()
        signal.alarm(0)
        os.kill(os.getpid(), signal.SIGUSR1)
        os._exit(len(hits))
    show("signals in the child", wait(pid), "in the parent", sorted(set(hits)) == [10, 17])
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    pid = os.fork()
    if pid == 0:
        os.kill(os.getpid(), signal.SIGKILL)
    show("killed", wait(pid))
    pid = os.fork()
    if pid == 0:
        while True:
            signal.pause()
    os.kill(pid, signal.SIGTERM)
    show("terminated", wait(pid))
    signal.setitimer(signal.ITIMER_REAL, 100)
    pid = os.fork()
    if pid == 0:
        os._exit(signal.getitimer(signal.ITIMER_REAL) != (0, 0))
    show("timers", wait(pid), signal.setitimer(signal.ITIMER_REAL, 0)[0] > 50)


def evolving(count):
    """Each child has its parent's memory as it is at that moment, whatever it was at the fork before."""
    luck = random.Random(7)
    parts = [bytearray(luck.randbytes(60000)) for _ in range(8)]
    area = mmap.mmap(-1, 1 << 20, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
    digests = set()
    for number in range(count):
        parts[luck.randrange(8)] = bytearray(luck.randbytes(luck.randrange(1, 200000)))
        for _ in range(20):
            part = luck.choice(parts)
            part[luck.randrange(len(part))] = luck.randrange(256)
            area[luck.randrange(len(area))] = luck.randrange(256)
        if number % 4 == 3:
            area.close()
            area = mmap.mmap(-1, luck.randrange(1, 300) * 4096, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)

        def digest():
            found = hashlib.sha256(area[:])
            for part in parts:
                found.update(part)
            return found.digest()

        ends = os.pipe()
        pid = os.fork()
        if pid == 0:
            os.write(ends[1], digest())
            os._exit(0)
        wait(pid)
        ours = digest()
        digests.add(ours)
        if os.read(ends[0], 100) != ours:
            show("the child of fork", number, "has other memory")
        for end in ends:
            os.close(end)
    show(count, "kinds of memory", len(digests))


def many(count):
    codes = set()
    for number in range(count):
        pid = os.fork()
        if pid == 0:
            os._exit(number % 100)
        codes.add(wait(pid))
    show(count, "forks", len(codes))
    children = []
    for number in range(8):
        pid = os.fork()
        if pid == 0:
            time.sleep(0.05)
            os._exit(number)
        children.append(pid)
    show(sorted(wait(pid) for pid in children))


def main():
    show("ready")
    sys.stdin.readline()
    for _ in range(int(sys.argv[1])):
        shared_offset()
        identity()
        signals()
        evolving(int(sys.argv[2]) // 2)
        many(int(sys.argv[2]))
        ours, theirs = multiprocessing.Pipe()
        child = multiprocessing.Process(target=theirs.send, args=("by multiprocessing",))
        child.start()
        show(ours.recv())
        child.join()
        show(child.exitcode)
    show("done")
    sys.exit(6 if sys.stdin.readline() else 5)


main()
