#!/usr/bin/env python3
"""everycall: makes many system calls, right and wrong ones, and prints what each gave.

It writes "ready", waits for the file "go" in the working directory, makes the calls in a new directory, and ends
with "done". Nothing that it prints depends on the run: two runs, one of them away from home, must print the same.
"""
import ctypes
import errno
import fcntl
import mmap
import os
import resource
import select
import signal
import socket
import stat
import struct
import tempfile
import termios
import time


def show(name, call):
    try:
        result = call()
    except OSError as error:
        result = 'OSError ' + errno.errorcode.get(error.errno, str(error.errno))
    except Exception as error:
        result = repr(error)
    print(name, result, flush=True)


print('ready', flush=True)
while not os.path.exists('go'):
    time.sleep(0.02)


os.mkdir('d')
os.chdir('d')
libc = ctypes.CDLL(None, use_errno=True)


def raw(number, *arguments):
    ctypes.set_errno(0)
    given = [ctypes.c_long(x) if isinstance(x, int) else x for x in arguments]
    result = libc.syscall(ctypes.c_long(number), *given)
    if result != -1:
        return result
    return 'error ' + errno.errorcode.get(ctypes.get_errno(), '?')


show('cwd', lambda: os.path.basename(os.getcwd()))
fd = os.open('f', os.O_RDWR | os.O_CREAT, 416)
show('fd', lambda: fd)
show('write', lambda: os.write(fd, b'hello' * 10))
show('pread', lambda: os.pread(fd, 7, 3))
show('pwritev', lambda: os.pwritev(fd, [b'ab', b'cd'], 1))
show('preadv', lambda: (lambda bs: (os.preadv(fd, bs, 0), bs))([bytearray(3), bytearray(4)]))
show('preadv2', lambda: (lambda bs: (os.preadv(fd, bs, 0, 0), bs))([bytearray(3), bytearray(4)]))
show('writev', lambda: os.writev(fd, [b'x'] * 5 + [b'']))
show('lseek', lambda: os.lseek(fd, 0, 2))
show('truncate', lambda: os.ftruncate(fd, 20))
show('stat', lambda: (os.fstat(fd).st_size, oct(os.fstat(fd).st_mode)))
show('big', lambda: (os.pwrite(fd, b'z' * 3000000, 0), len(os.pread(fd, 3000001, 0))))
show('readnull', lambda: raw(0, fd, 0, 10))
show('writenull', lambda: raw(1, fd, 0, 10))
show('writebad', lambda: raw(1, fd, 15302363377664, 10))
show('openbad', lambda: raw(2, 16, 0, 0))
show('statbad', lambda: raw(4, ctypes.c_char_p(b'/'), 16))
show('read0', lambda: raw(0, fd, 0, 0))
show('neg', lambda: raw(0, -1, 0, 0))
show('readneg', lambda: raw(0, fd, ctypes.c_char_p(b'x'), -1))
show('longpath', lambda: os.open('/' + 'a/' * 3000, os.O_RDONLY))
show('fallocate', lambda: os.posix_fallocate(fd, 0, 100))
show('fadvise', lambda: os.posix_fadvise(fd, 0, 0, 0))
show('fsync', lambda: os.fsync(fd))
show('dup', lambda: (os.dup(fd), os.dup2(fd, 50), os.dup2(fd, 900), os.fstat(900).st_size))
show('inherit', lambda: (os.get_inheritable(fd), os.set_inheritable(fd, True), os.get_inheritable(fd)))
show('flags', lambda: fcntl.fcntl(fd, fcntl.F_GETFL))
show('lock', lambda: fcntl.lockf(fd, fcntl.LOCK_EX | fcntl.LOCK_NB))
show('getlk', lambda: fcntl.fcntl(fd, fcntl.F_GETLK, struct.pack('hhqqi', 1, 0, 0, 0, 0)))
show('flock', lambda: fcntl.flock(fd, fcntl.LOCK_EX))
show('pipe', lambda: (lambda p: (os.write(p[1], b'pp'), os.read(p[0], 10), os.close(p[0]), os.close(p[1])))(os.pipe()))
show('pipefds', lambda: os.pipe())
show('closerange', lambda: os.closerange(40, 1000))
show('bad900', lambda: os.fstat(900))
show('rename', lambda: (os.rename('f', 'g'), os.listdir('.')))
show('link', lambda: (os.link('g', 'h'), os.stat('h').st_nlink))
show('symlink', lambda: (os.symlink('g', 's'), os.readlink('s'), os.lstat('s').st_size))
show('chmod', lambda: (os.chmod('g', 384), oct(os.stat('g').st_mode)))
show('utime', lambda: (os.utime('g', (1, 2)), os.stat('g').st_mtime))
show('utimenone', lambda: os.utime('g'))
show('access', lambda: (os.access('g', os.R_OK), os.access('nope', os.R_OK)))
show('xattr', lambda: (os.setxattr('g', 'user.a', b'v'), os.getxattr('g', 'user.a'), os.listxattr('g'), os.removexattr('g', 'user.a')))
show('getxattrno', lambda: os.getxattr('g', 'user.b'))
show('statvfs', lambda: os.statvfs('.').f_namemax)
show('unlink', lambda: (os.unlink('h'), os.unlink('s'), sorted(os.listdir('.'))))
show('mkdir', lambda: (os.mkdir('e'), os.rmdir('e')))
show('scandir', lambda: sorted((e.name for e in os.scandir('/etc') if e.name.startswith('pass'))))
show('umask', lambda: (os.umask(18), os.umask(18)))
show('pid', lambda: os.getpid() == int(os.readlink('/proc/self')))
show('ids', lambda: (os.getuid(), os.getgid(), os.getgroups(), os.getresuid()))
show('ppid', lambda: os.getppid() > 0)
show('pgid', lambda: os.getpgid(0) == os.getpgrp())
show('uname', lambda: os.uname().sysname)
show('nofile', lambda: resource.getrlimit(resource.RLIMIT_NOFILE))
show('setnofile', lambda: (resource.setrlimit(resource.RLIMIT_NOFILE, (512, 1024)), resource.getrlimit(resource.RLIMIT_NOFILE)))
show('stack', lambda: resource.getrlimit(resource.RLIMIT_STACK)[0] > 0)
show('prio', lambda: (os.getpriority(0, 0), os.nice(0)))
show('aff', lambda: len(os.sched_getaffinity(0)) > 0)
show('affpid', lambda: len(os.sched_getaffinity(os.getpid())) > 0)
show('exe', lambda: os.path.basename(os.readlink('/proc/self/exe')))
show('exe2', lambda: open('/proc/self/exe', 'rb').read(4))
show('comm', lambda: open('/proc/self/comm').read())
show('statpid', lambda: open('/proc/self/stat').read().split()[0] == str(os.getpid()))
show('statlen', lambda: len(open('/proc/%d/stat' % os.getpid()).read().split()))
show('status', lambda: [l for l in open('/proc/self/status') if l.startswith(('Name', 'Pid', 'PPid', 'Threads', 'Tgid'))] == [l for l in open('/proc/thread-self/status') if l.startswith(('Name', 'Pid', 'PPid', 'Threads', 'Tgid'))])
show('maps', lambda: any(('[stack]' in l for l in open('/proc/self/maps'))))
show('cmdline', lambda: open('/proc/self/cmdline').read().split('\x00')[0][-7:])
show('fdlist', lambda: all((x in os.listdir('/proc/self/fd') for x in '012')))
show('fdlink', lambda: os.path.basename(os.readlink('/proc/self/fd/%d' % fd)))
show('wait', lambda: os.wait())
show('waitpid', lambda: os.waitpid(-1, os.WNOHANG))
hits = []
signal.signal(signal.SIGUSR1, lambda s, f: hits.append(s))
show('kill', lambda: (os.kill(os.getpid(), signal.SIGUSR1), hits))
show('kill0', lambda: os.kill(os.getpid(), 0))
show('killbad', lambda: os.kill(os.getpid(), 99))
show('killpg', lambda: signal.raise_signal(signal.SIGUSR1) or len(hits))
show('alarm', lambda: (signal.signal(signal.SIGALRM, lambda s, f: hits.append(s)), signal.setitimer(signal.ITIMER_REAL, 0.05), signal.pause(), hits[-1])[-1])
r, w = os.pipe()


def intr():

    def handler(number, frame):
        raise KeyError
    signal.signal(signal.SIGALRM, handler)
    signal.setitimer(signal.ITIMER_REAL, 0.1)
    t = time.monotonic()
    try:
        os.read(r, 1)
    except KeyError:
        return 'interrupted %.1f' % (time.monotonic() - t)


show('readintr', intr)


def restart():

    def handler(number, frame):
        os.write(w, b'q')
    signal.signal(signal.SIGALRM, handler)
    signal.setitimer(signal.ITIMER_REAL, 0.1)
    return os.read(r, 1)


show('readrestart', restart)


def pollt():
    p = select.poll()
    p.register(r, select.POLLIN)
    t = time.monotonic()
    x = p.poll(150)
    return (x, round(time.monotonic() - t, 1))


show('poll', pollt)
show('select', lambda: select.select([r], [w], [], 0.05) == ([], [w], []))
show('selectt', lambda: select.select([r], [], [], 0.1))


def ep():
    e = select.epoll()
    e.register(w, select.EPOLLOUT)
    return (len(e.poll(1)), e.fileno() > 0)


show('epoll', ep)


def sock():
    s = socket.socket()
    s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    s.bind(('127.0.0.1', 0))
    s.listen(1)
    c = socket.create_connection(s.getsockname())
    a, addr = s.accept()
    c.sendall(b'x' * 2000000) if False else c.sendall(b'hi')
    d = a.recv(100)
    a.close()
    x = c.recv(10)
    return (d, x, addr[0], c.getpeername() == s.getsockname(), s.getsockopt(socket.SOL_SOCKET, socket.SO_TYPE))


show('sock', sock)


def udp():
    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    s.bind(('127.0.0.1', 0))
    s.sendto(b'dg', s.getsockname())
    return s.recvfrom(100)[0]


show('udp', udp)


def spair():
    a, b = socket.socketpair()
    a.sendall(b'k' * 100000)
    n = 0
    while n < 100000:
        n += len(b.recv(65536))
    return n


show('socketpair', spair)
show('mmapf', lambda: mmap.mmap(fd, 0, mmap.MAP_PRIVATE, mmap.PROT_READ | mmap.PROT_WRITE)[:5])
show('mmapz', lambda: (lambda z: mmap.mmap(z, 8192, mmap.MAP_PRIVATE)[:2])(os.open('/dev/zero', os.O_RDWR)))
show('mmapro', lambda: mmap.mmap(os.open('g', os.O_RDONLY), 100, mmap.MAP_SHARED, mmap.PROT_READ)[:3])
show('mmapbad', lambda: mmap.mmap(os.open('g', os.O_WRONLY), 100, mmap.MAP_PRIVATE, mmap.PROT_READ))
show('urandom', lambda: len(os.urandom(10)))
show('devrandom', lambda: len(open('/dev/urandom', 'rb', 0).read(10)))
show('tmpfile', lambda: tempfile.TemporaryFile().write(b'abc'))
show('memfd', lambda: os.write(os.memfd_create('m'), b'x'))
show('sendfile', lambda: os.sendfile(w, fd, 0, 3))
show('splice', lambda: os.splice(r, w, 1))
show('copyrange', lambda: os.copy_file_range(fd, os.open('cp', os.O_RDWR | os.O_CREAT), 10, 0, 0))
show('eventfd', lambda: (lambda e: (os.eventfd_write(e, 3), os.eventfd_read(e)))(os.eventfd(0)))
show('clock', lambda: abs(time.clock_gettime(time.CLOCK_BOOTTIME) - time.clock_gettime(time.CLOCK_MONOTONIC)) < 1000000.0)
show('ttyname', lambda: os.ttyname(0))
show('ioctl', lambda: termios.tcgetattr(fd))
show('fionread', lambda: struct.unpack('i', fcntl.ioctl(r, termios.FIONREAD, b'\x00' * 4)))
show('prctl', lambda: (libc.prctl(15, b'newname', 0, 0, 0), open('/proc/self/comm').read()))
show('statx', lambda: raw(332, -100, ctypes.c_char_p(b'g'), 0, 2047, ctypes.create_string_buffer(256)))
show('sigpending', lambda: signal.sigpending())
show('sigmask', lambda: (signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGUSR2]), os.kill(os.getpid(), signal.SIGUSR2), signal.sigpending(), signal.sigwaitinfo([signal.SIGUSR2]).si_pid == os.getpid()))
show('sigtimed', lambda: signal.sigtimedwait([signal.SIGUSR2], 0.05))
show('openat2', lambda: raw(437, -100, ctypes.c_char_p(b'g'), struct.pack('QQQ', 0, 0, 0), 24) > 0)
show('winsize', lambda: fcntl.ioctl(0, termios.TIOCGWINSZ, b'0' * 8))
show('fifo', lambda: (os.mkfifo('ff'), stat.S_ISFIFO(os.stat('ff').st_mode), os.open('ff', os.O_RDWR) > 0))
show('fifononblock', lambda: os.open('ff', os.O_WRONLY | os.O_NONBLOCK) > 0)
show('nonblockread', lambda: (os.set_blocking(r, False), os.read(r, 1)))
show('chown', lambda: os.chown('g', -1, -1))
show('chownroot', lambda: os.chown('g', 0, 0))
show('setuid', lambda: os.setuid(0))
show('statfs', lambda: os.statvfs('/proc').f_bsize)
show('getdents', lambda: len(os.listdir('/usr/bin')) == len(list(os.scandir('/usr/bin'))))
show('umaskfile', lambda: (os.umask(0), os.close(os.open('um', os.O_CREAT | os.O_WRONLY, 438)), oct(os.stat('um').st_mode)))
show('nonutf', lambda: (os.mkdir(b'\xff\xfe'), os.rmdir(b'\xff\xfe')))
show('append', lambda: (lambda a: (os.write(a, b'1'), os.write(a, b'2'), os.lseek(a, 0, 1)))(os.open('ap', os.O_APPEND | os.O_CREAT | os.O_RDWR)))
show('trunc', lambda: os.stat('ap').st_size)
show('direct', lambda: os.preadv(os.open('g', os.O_RDONLY | os.O_DIRECT), [mmap.mmap(-1, 8192)], 0))
show('seekhole', lambda: os.lseek(fd, 0, os.SEEK_HOLE) > 0)
show('pty', lambda: (lambda p: (os.write(p[1], b'y\n'), os.read(p[0], 10), os.isatty(p[1])))(os.openpty()))
show('ptyname', lambda: os.ttyname(os.openpty()[1])[:8])
def slept():
    began = time.monotonic()
    return time.sleep(0.12), time.monotonic() - began
# The shortest of some: on a busy machine each may be late.
show('sleep', lambda: (lambda all: (all[0][0], round(min(passed for _, passed in all), 1)))([slept() for _ in range(4)]))
show('sigsuspend', lambda: select.select([], [], [], 0.05))
show('uid0', lambda: os.setgroups([0]))
show('unixsock', lambda: (lambda s: (s.bind('us'), s.getsockname(), os.path.exists('us')))(socket.socket(socket.AF_UNIX)))
show('shutdown', lambda: socket.socket().shutdown(2))
show('connectref', lambda: socket.create_connection(('127.0.0.1', 1)))
show('bigsend', lambda: (lambda a, b: (a.setblocking(False), a.send(b'm' * 3000000) > 0))(*socket.socketpair()))
show('sigpipe', lambda: (lambda p: (os.close(p[0]), os.write(p[1], b'x')))(os.pipe()))
show('where', lambda: open('/proc/sys/kernel/hostname').read() == os.uname().nodename + '\n')
print('done', flush=True)
