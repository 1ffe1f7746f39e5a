/* terminal.c - a terminal of two ends. */
#include "conformity.h"

#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

static int master, slave;

static void check_lines(void)
{
	char text[64] = "";
	int waiting = 0;

	CALL("write to the master", write(master, "a line\r", 7));
	CALL("poll of the slave", poll(&(struct pollfd){ slave, POLLIN, 0 }, 1, 5000));
	CALL("FIONREAD", ioctl(slave, FIONREAD, &waiting));
	show("it", "%d", waiting);
	CALL("read of the line", read(slave, text, sizeof text));
	show("it", "%.6s %d", text, text[6]);
	CALL("read of its echo", read(master, text, sizeof text));
	show("it", "%d %d", text[6], text[7]);
	CALL("write to the slave", write(slave, "out\n", 4));
	CALL("read of the master", read(master, text, sizeof text));
	write(master, "part", 4);
	read(master, text, sizeof text);
	fcntl(slave, F_SETFL, O_RDWR | O_NONBLOCK);
	CALL("read of a part of a line", read(slave, text, sizeof text));
	CALL("tcflush", tcflush(slave, TCIFLUSH));
	write(master, "\n", 1);
	poll(&(struct pollfd){ slave, POLLIN, 0 }, 1, 5000);
	CALL("read then", read(slave, text, sizeof text));
	fcntl(slave, F_SETFL, O_RDWR);
	alarm_in(40, 0);
	LASTS("read of a terminal, interrupted", 39, read(slave, text, sizeof text));
	alarm_in(0, 0);
}

static void run_terminal(void)
{
	struct termios settings, raw;
	struct winsize size = { 40, 132, 1, 2 };
	char text[64];
	pid_t group;
	int lock = -1;

	master = posix_openpt(O_RDWR | O_NOCTTY);
	if (master < 0) {
		show("no terminals here", "%s", strerrorname_np(errno));
		return;
	}
	CALL("grantpt", grantpt(master));
	CALL("unlockpt", unlockpt(master));
	show("ptsname", "%.9s", ptsname(master));
	slave = must("slave", open(ptsname(master), O_RDWR | O_NOCTTY));
	CALL("isatty", isatty(slave));
	CALL("isatty of a pipe", isatty(1));
	CALL("ttyname_r", ttyname_r(slave, text, sizeof text));
	CALL("tcgetattr", tcgetattr(slave, &settings));
	show("it", "%#x %#x %#x %#x", settings.c_iflag, settings.c_oflag, settings.c_cflag, settings.c_lflag);
	CALL("TIOCSWINSZ", ioctl(slave, TIOCSWINSZ, &size));
	memset(&size, 0, sizeof size);
	CALL("TIOCGWINSZ", ioctl(master, TIOCGWINSZ, &size));
	show("it", "%d %d %d %d", size.ws_row, size.ws_col, size.ws_xpixel, size.ws_ypixel);
	CALL("tcgetpgrp", tcgetpgrp(slave));
	CALL("TIOCGETD", ioctl(slave, TIOCGETD, &lock));
	show("it", "%d", lock);
	CALL("TIOCGPTLCK", ioctl(master, TIOCGPTLCK, &lock));
	show("it", "%d", lock);
	CALL("TIOCGEXCL", ioctl(slave, TIOCGEXCL, &lock));
	CALL("TIOCPKT", ioctl(master, TIOCPKT, &lock));
	CALL("TIOCGSID", ioctl(slave, TIOCGSID, &group));
	check_lines();
	raw = settings;
	cfmakeraw(&raw);
	raw.c_cc[VMIN] = 0;
	raw.c_cc[VTIME] = 1;
	CALL("tcsetattr", tcsetattr(slave, TCSADRAIN, &raw));
	LASTS("read with VTIME", 90, read(slave, text, sizeof text));
	write(master, "xyz", 3);
	poll(&(struct pollfd){ slave, POLLIN, 0 }, 1, 5000);
	CALL("read without lines", read(slave, text, sizeof text));
	CALL("tcdrain", tcdrain(slave));
	CALL("tcsendbreak", tcsendbreak(slave, 0));
	close(master);
	CALL("read after the master is closed", read(slave, text, sizeof text));
	CALL("write then", write(slave, "x", 1));
	close(slave);
}

const struct part part_terminal = { "terminal", run_terminal };
