"""Sends bytes on a connection of another process, as if it had sent them: for tests, as root.

inject.py PID ADDRESS HEX    on PID's TCP connection to ADDRESS, which may be made anew just now
"""
import ctypes, os, socket, sys, time

PIDFD_GETFD = 438


def connection_of(pid, address):
    libc = ctypes.CDLL(None, use_errno=True)
    process = os.pidfd_open(pid)
    for name in os.listdir("/proc/%d/fd" % pid):
        fd = libc.syscall(PIDFD_GETFD, process, int(name), 0)
        if fd < 0:  # closed meanwhile
            continue
        try:
            found = socket.socket(fileno=fd)
        except OSError:  # no socket
            os.close(fd)
            continue
        try:
            if found.family == socket.AF_INET and found.getpeername()[0] == address:
                return found
        except OSError:  # it listens, or is not connected any more
            pass
        found.close()
    return None


def main():
    pid, address, data = int(sys.argv[1]), sys.argv[2], bytes.fromhex(sys.argv[3])
    end = time.monotonic() + 10
    while time.monotonic() < end:
        connection = connection_of(pid, address)
        if connection is not None:
            connection.sendall(data)
            return
        time.sleep(0.05)
    sys.exit("PID %d has no connection to %s" % (pid, address))


main()
