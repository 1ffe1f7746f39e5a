"""Runs a program on a terminal of its own, for tests: what the program shows comes on standard output.

ptydrive.py ROWS COLUMNS COMMAND...   orders are lines on standard input, each a JSON object:
  {"type": TEXT}           types it
  {"size": [ROWS, COLS]}   changes the window's size, as dragging its corner does
  {"hangup": true}         closes the terminal

Ends with the program and prints its status, as wait(2) has it, on standard error.
"""
import fcntl, json, os, pty, select, struct, sys, termios


def set_size(fd, rows, columns):
    fcntl.ioctl(fd, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))


def main():
    rows, columns, command = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3:]
    # The program must find its window's size when it starts.
    wait_read, wait_write = os.pipe()
    pid, master = pty.fork()
    if pid == 0:
        os.close(wait_write)
        os.read(wait_read, 1)
        os.close(wait_read)
        os.execvp(command[0], command)
    os.close(wait_read)
    set_size(master, rows, columns)
    os.close(wait_write)
    orders, pending, is_open = 0, b"", True
    sources = [master, orders]
    while is_open:
        ready, _, _ = select.select(sources, [], [])
        if master in ready:
            try:
                data = os.read(master, 65536)
            except OSError:  # EIO: all that had the terminal open have ended
                break
            while data:
                data = data[os.write(1, data):]
        if orders not in ready:
            continue
        data = os.read(orders, 65536)
        if not data:
            sources.remove(orders)
        *lines, pending = (pending + data).split(b"\n")
        for line in lines:
            order = json.loads(line)
            if "type" in order:
                os.write(master, order["type"].encode())
            elif "size" in order:
                set_size(master, *order["size"])
            else:
                is_open = False
    os.close(master)
    print("ended", os.waitpid(pid, 0)[1], file=sys.stderr, flush=True)


main()
