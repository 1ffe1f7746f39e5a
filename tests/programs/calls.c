/* calls.c - Repeats one kind of system call and times it.
 *
 * It prints the seconds, for `npm run bench`.
 *
 *   calls write|read|clock|openclose|stat|getpid|compute COUNT FILE
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

enum kind { KIND_WRITE, KIND_READ, KIND_CLOCK, KIND_OPENCLOSE, KIND_STAT, KIND_GETPID, KIND_COMPUTE };

static const char *const names[] = { "write", "read", "clock", "openclose", "stat", "getpid", "compute" };

static void die(const char *what)
{
	perror(what);
	exit(1);
}

static void once(enum kind kind, int fd, const char *path)
{
	char buffer[64];
	struct timespec now;
	struct stat status;

	memset(buffer, 'x', sizeof buffer);
	switch (kind) {
	case KIND_WRITE:
		if (write(fd, buffer, sizeof buffer) != (ssize_t)sizeof buffer)
			die("calls: write");
		break;
	case KIND_READ:
		if (read(fd, buffer, sizeof buffer) < 0)
			die("calls: read");
		break;
	case KIND_CLOCK:
		clock_gettime(CLOCK_MONOTONIC, &now);
		break;
	case KIND_OPENCLOSE:
		fd = open(path, O_RDONLY);
		if (fd < 0 || close(fd) < 0)
			die("calls: open and close");
		break;
	case KIND_STAT:
		if (stat(path, &status) < 0)
			die("calls: stat");
		break;
	case KIND_GETPID:
		syscall(SYS_getpid);
		break;
	case KIND_COMPUTE:
		for (volatile int i = 0; i < 1000; i++)
			;
		break;
	}
}

int main(int argc, char **argv)
{
	struct timespec from, to;
	size_t kind = 0;
	long count;
	int fd;

	if (argc != 4) {
		fprintf(stderr, "usage: calls KIND COUNT FILE\n");
		return 2;
	}
	while (kind < sizeof names / sizeof *names && strcmp(argv[1], names[kind]) != 0)
		kind++;
	if (kind == sizeof names / sizeof *names) {
		fprintf(stderr, "calls: no such kind: %s\n", argv[1]);
		return 2;
	}
	count = atol(argv[2]);
	fd = open(argv[3], O_RDWR | O_CREAT, 0644);
	if (fd < 0)
		die(argv[3]);
	clock_gettime(CLOCK_REALTIME, &from);
	for (long n = 0; n < count; n++)
		once((enum kind)kind, fd, argv[3]);
	if (fsync(fd) < 0)
		die("calls: fsync");
	clock_gettime(CLOCK_REALTIME, &to);
	printf("%.6f\n", (double)(to.tv_sec - from.tv_sec) + (double)(to.tv_nsec - from.tv_nsec) / 1e9);
	return 0;
}
