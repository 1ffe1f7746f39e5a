"""Starts children by subprocess and os in the ways Python has; no line depends on a PID or on the node."""

import os
import signal
import subprocess
import sys


def show(*words):
    print(*words, flush=True)


def work():
    done = subprocess.run(["tr", "a-z", "A-Z"], input="by run\n", capture_output=True, text=True)
    show(done)
    show(subprocess.run("echo out; echo err >&2; exit 4", shell=True, capture_output=True))
    try:
        subprocess.run(["no-such-program"])
    except FileNotFoundError as error:
        show(error)
    try:
        subprocess.run(["true"], cwd="/no/such/directory")
    except FileNotFoundError as error:
        show(error)
    show(subprocess.check_output(["pwd"], cwd="/usr", env={"PATH": "/bin:/usr/bin"}, umask=0o77))
    child = subprocess.Popen(["cat"], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    show(child.communicate(b"x" * 300000)[0].count(b"x"), child.returncode)
    child = subprocess.Popen(["sleep", "50"], start_new_session=True)
    show(os.getsid(child.pid) == child.pid)
    child.send_signal(signal.SIGINT)
    show(child.wait())
    child = subprocess.Popen(["sleep", "50"])
    try:
        child.wait(timeout=0.05)
    except subprocess.TimeoutExpired:
        show("timeout")
    child.kill()
    show(child.wait())
    read_end, write_end = os.pipe()
    child = subprocess.Popen(["sh", "-c", f"echo passed >&{write_end}; ls /proc/self/fd | wc -l"],
                             pass_fds=[write_end], stdout=subprocess.PIPE)
    show(child.communicate()[0], os.read(read_end, 100))
    os.close(read_end)
    os.close(write_end)
    first = subprocess.Popen(["seq", "1000"], stdout=subprocess.PIPE)
    second = subprocess.Popen(["grep", "-c", "7"], stdin=first.stdout, stdout=subprocess.PIPE)
    first.stdout.close()
    show(second.communicate(), first.wait())
    show(os.system("exit 9"), os.popen("echo popen").read())
    pid = os.posix_spawn("/bin/sh", ["sh", "-c", "exit 12"], os.environ)
    show(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))


show("ready")
sys.stdin.readline()
for _ in range(int(sys.argv[1])):
    work()
show("done")
sys.exit(6 if sys.stdin.readline() else 5)
