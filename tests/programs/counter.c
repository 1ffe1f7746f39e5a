/* counter.c - Writes numbered lines to standard output and a file.
 *
 * At the same pace.
 *
 *   counter LINES [--file FILE] [--interval-ms MS] [--status N] [--signal N]
 *
 * Before its last line it waits for the end of its input, so that it is there as long as a test wants. It
 * ends with the given exit status, or by the given signal sent to itself.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static void write_or_die(int fd, const char *text, size_t length)
{
	if (write(fd, text, length) != (ssize_t)length) {
		perror("counter: write");
		exit(99);
	}
}

static void wait_for_end_of_input(void)
{
	char byte;
	ssize_t got;

	do
		got = read(STDIN_FILENO, &byte, 1);
	while (got > 0 || (got < 0 && errno == EINTR));
}

int main(int argc, char **argv)
{
	long lines = 0, interval_ms = 100;
	int status = 0, signal_number = 0, fd = -1;

	for (int i = 1; i < argc; i++) {
		int more = i + 1 < argc;

		if (strcmp(argv[i], "--file") == 0 && more) {
			fd = open(argv[++i], O_WRONLY | O_CREAT | O_TRUNC, 0644);
			if (fd < 0) {
				perror(argv[i]);
				return 99;
			}
		} else if (strcmp(argv[i], "--interval-ms") == 0 && more) {
			interval_ms = atol(argv[++i]);
		} else if (strcmp(argv[i], "--status") == 0 && more) {
			status = atoi(argv[++i]);
		} else if (strcmp(argv[i], "--signal") == 0 && more) {
			signal_number = atoi(argv[++i]);
		} else {
			lines = atol(argv[i]);
		}
	}
	for (long n = 1; n <= lines; n++) {
		struct timespec pause = { interval_ms / 1000, interval_ms % 1000 * 1000000 };
		char line[64];
		int length = snprintf(line, sizeof line, "line %ld\n", n);

		if (n == lines)
			wait_for_end_of_input();
		write_or_die(STDOUT_FILENO, line, (size_t)length);
		if (fd >= 0)
			write_or_die(fd, line, (size_t)length);
		while (nanosleep(&pause, &pause) < 0)
			;
	}
	if (signal_number != 0) {
		raise(signal_number);
		return 98; /* only reached when the signal does not end a process */
	}
	return status;
}
