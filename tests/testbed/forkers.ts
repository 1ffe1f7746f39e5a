/**
 * Real programs that start others.
 *
 * They wait for them, talk with them and signal them; for the runner of `programs.ts`.
 *
 * @module
 */
import type { Program } from "./programs.ts";

const BASH = `
trap 'echo term' TERM; trap 'echo exit' EXIT
for i in 1 2 3; do
  read -r x
  (sleep 0.1; exit $i) & p=$!; wait $p; echo "waited $?"
  kill -TERM $$
  echo sum $(seq 100 | paste -sd+ | bc)
  while read -r a b; do echo "$b $a"; done < <(for k in 1 2 3; do echo $k $((k * k)); done)
  coproc tr a-z A-Z; echo hello >&\${COPROC[1]}; exec {COPROC[1]}>&-
  cat <&\${COPROC[0]}; wait $COPROC_PID
  cat <<< "here $i" | sed s/here/there/ | tee t$i
  (exec 5> lock; flock 5; echo locked); [ -t 0 ]; echo $?
  (ulimit -n; nice; umask 077; : > u$i; stat -c %a u$i)
  printf '%s\\n' a b c d | xargs -P1 -n1 sh -c 'echo x$0'
  sh -c 'kill -9 $$'; echo "killed $?"
done 2> /dev/null
`;

const PERL = `
$| = 1; $SIG{ALRM} = sub { $alarms++ };
while (<STDIN>) {
  pipe(R, W);
  if (!($p = fork)) { close R; print W "line $_ ", $_ * $_, "\\n" for 1..2000; close W; exit 7 }
  close W; $s = 0; while (<R>) { $s += (split)[2] } close R;
  waitpid($p, 0); print "$s ", $? >> 8, "\\n";
  @lines = \`seq 3 | sort -rn\`; print @lines;
  system("exit 3"); print $? >> 8, "\\n";
  open(F, "+>>", "f"); print F "x" x 100, "\\n"; seek(F, 0, 0); @l = <F>; print scalar(@l), "\\n"; close F;
  eval { local $SIG{ALRM} = sub { die "time is up\\n" }; alarm 1; select(undef, undef, undef, 5); };
  print $@;
}
print "end\\n";
`;

const PYTHON = `
import fcntl, mmap, multiprocessing, os, signal, socket, sys, tempfile, time
multiprocessing.set_start_method("fork")
def multiply(connection, factor):
    while (x := connection.recv()) is not None:
        connection.send(x * factor)
def status(pid):
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
def ask_processes():
    ours, theirs = multiprocessing.Pipe()
    process = multiprocessing.Process(target=multiply, args=(theirs, 3))
    process.start()
    for i in range(200):
        ours.send(i)
        assert ours.recv() == 3 * i
    ours.send(None)
    process.join()
    print("process", process.exitcode)
def pass_descriptor():
    ours, theirs = socket.socketpair()
    pid = os.fork()
    if pid == 0:
        socket.send_fds(theirs, [b"x"], [os.open("sent", os.O_RDWR | os.O_CREAT)])
        os._exit(5)
    data, (fd,), _, _ = socket.recv_fds(ours, 10, 1)
    os.write(fd, b"by a descriptor")
    os.lseek(fd, 0, os.SEEK_SET)
    print(data, os.read(fd, 20), status(pid))
    os.close(fd)
def serve():
    server = socket.create_server(("127.0.0.1", 0))
    pid = os.fork()
    if pid == 0:
        client = socket.create_connection(server.getsockname())
        client.sendall(b"z" * 300000)
        client.shutdown(socket.SHUT_WR)
        os._exit(len(client.recv(10)))
    client, _ = server.accept()
    count = 0
    while data := client.recv(65536):
        count += len(data)
    client.send(b"ok")
    client.close()
    print(count, status(pid))
def break_pipe():
    read, write = os.pipe()
    fcntl.fcntl(write, fcntl.F_SETPIPE_SZ, 4096)
    pid = os.fork()
    if pid == 0:
        os.close(read)
        signal.signal(signal.SIGPIPE, signal.SIG_DFL)
        while True:
            os.write(write, b"q" * 1000)
    os.close(write)
    os.read(read, 5000)
    os.close(read)
    print("broken pipe", status(pid))
def hear_signals():
    heard = []
    signal.signal(signal.SIGUSR1, lambda *_: heard.append(1))
    pid = os.fork()
    if pid == 0:
        for n in range(5):
            os.kill(os.getppid(), signal.SIGUSR1)
            time.sleep(0.05)
        os._exit(0)
    print(status(pid), bool(heard))
for line in sys.stdin:
    ask_processes()
    pass_descriptor()
    with tempfile.TemporaryFile() as f:
        f.write(b"abc" * 5000)
        f.flush()
        f.seek(3)
        with mmap.mmap(f.fileno(), 0, prot=mmap.PROT_READ, flags=mmap.MAP_PRIVATE) as m:
            print(f.read(6), m[:3], m.find(b"cab"))
    serve()
    break_pipe()
    hear_signals()
    sys.stdout.flush()
`;

const MAKEFILE = `all: a.o b.o
\tread x; gcc -o prog a.o b.o; ./prog; echo $$?
%.o: %.c
\tread x; gcc -O1 -c $<
`;

const GAWK = `{
  command = "seq 1000 | sort -rn | head -n 2"
  while ((command | getline x) > 0) print NR, x
  close(command)
  system("echo from a shell " NR)
  print NR | "sort -r"
} END { close("sort -r"); print "end" }`;

const LINES = ["\n", "\n", "\n"] as const;

/** Each of them reads a line, works, and reads the next. */
export const forkers: readonly Program[] = [
  {
    name: "python3 with forks, passed descriptors, a server and signals",
    needs: ["python3"],
    files: { "script.py": PYTHON },
    command: (launch) => `exec ${launch} python3 script.py`,
    input: LINES,
    moves: "python3.11",
    forks: true,
  },
  {
    name: "bash with jobs, substitutions, a coprocess and traps",
    needs: ["bash", "bc"],
    files: { "script.sh": BASH },
    command: (launch) => `exec ${launch} bash script.sh`,
    input: LINES,
    moves: "bash",
    forks: true,
  },
  {
    name: "perl with forks, pipes and alarms",
    needs: ["perl"],
    files: { "script.pl": PERL },
    command: (launch) => `exec ${launch} perl script.pl`,
    input: LINES,
    moves: "perl",
    forks: true,
  },
  {
    name: "make",
    needs: ["make", "gcc"],
    files: {
      Makefile: MAKEFILE,
      "a.c": "int b(void); int main(void) { return b(); }\n",
      "b.c": "int b(void) { return 3; }\n",
    },
    command: (launch) => `exec ${launch} make`,
    input: LINES,
    moves: "make",
    forks: true,
  },
  {
    name: "gawk with commands of its own",
    needs: ["gawk"],
    files: { "script.awk": GAWK },
    command: (launch) => `exec ${launch} gawk -f script.awk`,
    input: LINES,
    moves: "gawk",
    forks: true,
  },
];
