/* forward.c - Repeats one kind of system call on request.
 *
 * As it is told on standard input; it watches at home what comes of it, for `npm run bench -- forward`. Every time is
 * CLOCK_REALTIME in nanoseconds, which the hosts of a testbed share. Record N of a file starts with the number N, so
 * that what is measured is also checked.
 *
 *   forward work                       reads lines "KIND COUNT PATH", answers "FROM TO"
 *   forward make FILE RECORD COUNT     writes a file of COUNT records of RECORD bytes
 *   forward observe FILE RECORD COUNT  waits for the last byte of such a file, prints when it came
 *   forward drain FIFO RECORD COUNT    reads such records from a pipe, prints when the last one came
 *   forward echo PORT                  answers every message of 64 bytes with 64 bytes
 *   forward rpc ADDRESS PORT COUNT     sends such messages, one at a time: prints "FROM TO"
 */
#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define SMALL 64
#define LARGE (1 << 20)
/* How often the observer looks: long enough to leave its core to the shadow, short beside a run. */
#define LOOK_NS 500000

static char buffer[LARGE];

static void die(const char *what)
{
	perror(what);
	exit(1);
}

static int64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return now.tv_sec * 1000000000LL + now.tv_nsec;
}

static int open_or_die(const char *path, int flags)
{
	int fd = open(path, flags, 0644);

	if (fd < 0)
		die(path);
	return fd;
}

static void write_records(int fd, size_t record, int64_t count)
{
	for (int64_t n = 0; n < count; n++) {
		memcpy(buffer, &n, sizeof n);
		if (write(fd, buffer, record) != (ssize_t)record)
			die("forward: write");
	}
}

static void place_records(int fd, size_t record, int64_t count)
{
	for (int64_t n = 0; n < count; n++) {
		memcpy(buffer, &n, sizeof n);
		if (pwrite(fd, buffer, record, n * (off_t)record) != (ssize_t)record)
			die("forward: pwrite");
	}
}

static void check_record(const char *bytes, int64_t wanted)
{
	int64_t found;

	memcpy(&found, bytes, sizeof found);
	if (found == wanted)
		return;
	fprintf(stderr, "forward: record %lld has number %lld\n", (long long)wanted, (long long)found);
	exit(1);
}

static void read_records(int fd, size_t record, int64_t count)
{
	for (int64_t n = 0; n < count; n++) {
		if (read(fd, buffer, record) != (ssize_t)record)
			die("forward: read");
		check_record(buffer, n);
	}
}

static void fetch_records(int fd, size_t record, int64_t count)
{
	for (int64_t n = 0; n < count; n++) {
		if (pread(fd, buffer, record, n * (off_t)record) != (ssize_t)record)
			die("forward: pread");
		check_record(buffer, n);
	}
}

/* Calls that need no data. */
static void ask(const char *kind, int64_t count, const char *path, int fd)
{
	struct stat status;

	for (int64_t n = 0; n < count; n++) {
		if (strcmp(kind, "lseek") == 0 && lseek(fd, n % 4096, SEEK_SET) != n % 4096)
			die("forward: lseek");
		if (strcmp(kind, "fstat") == 0 && fstat(fd, &status) < 0)
			die("forward: fstat");
		if (strcmp(kind, "stat") == 0 && stat(path, &status) < 0)
			die("forward: stat");
	}
}

/* Does one kind of call so often; returns when it started. */
static int64_t work(const char *kind, int64_t count, const char *path)
{
	bool asks = strcmp(kind, "lseek") == 0 || strcmp(kind, "fstat") == 0 || strcmp(kind, "stat") == 0;
	int64_t from;
	int fd = -1;

	memset(buffer, 'x', sizeof buffer);
	if (strncmp(kind, "write", 5) == 0 || strcmp(kind, "pwrite64") == 0)
		fd = open_or_die(path, O_WRONLY | O_CREAT | O_TRUNC);
	else if (strcmp(kind, "pipewrite") == 0)
		fd = open_or_die(path, O_WRONLY);
	else if (strncmp(kind, "read", 4) == 0 || strcmp(kind, "pread64") == 0 || asks)
		fd = open_or_die(path, O_RDONLY);
	from = now_ns();
	if (strcmp(kind, "write64") == 0 || strcmp(kind, "pipewrite") == 0)
		write_records(fd, SMALL, count);
	else if (strcmp(kind, "write1m") == 0)
		write_records(fd, LARGE, count);
	else if (strcmp(kind, "read64") == 0)
		read_records(fd, SMALL, count);
	else if (strcmp(kind, "read1m") == 0)
		read_records(fd, LARGE, count);
	else if (strcmp(kind, "pwrite64") == 0)
		place_records(fd, SMALL, count);
	else if (strcmp(kind, "pread64") == 0)
		fetch_records(fd, SMALL, count);
	else if (asks)
		ask(kind, count, path, fd);
	else if (strcmp(kind, "openclose") == 0)
		for (int64_t n = 0; n < count; n++) {
			if (close(open_or_die(path, O_RDONLY)) < 0)
				die("forward: close");
		}
	else if (strcmp(kind, "getpid") == 0)
		for (int64_t n = 0; n < count; n++)
			getpid();
	else
		exit(2);
	if (fd >= 0 && close(fd) < 0)
		die("forward: close");
	return from;
}

static void serve_orders(void)
{
	char line[256], kind[16], path[128];
	long long count;

	printf("ready\n");
	fflush(stdout);
	while (fgets(line, sizeof line, stdin) != NULL) {
		int64_t from;

		if (sscanf(line, "%15s %lld %127s", kind, &count, path) != 3)
			exit(2);
		from = work(kind, count, path);
		printf("%lld %lld\n", (long long)from, (long long)now_ns());
		fflush(stdout);
	}
}

static int64_t observe(const char *path, size_t record, int64_t count)
{
	const struct timespec rest = { .tv_nsec = LOOK_NS };
	off_t size = (off_t)record * count;
	int64_t seen;
	char last;
	int fd;

	while ((fd = open(path, O_RDONLY)) < 0)
		nanosleep(&rest, NULL);
	while (pread(fd, &last, 1, size - 1) != 1 || last != 'x')
		nanosleep(&rest, NULL);
	seen = now_ns();
	read_records(fd, record, count);
	return seen;
}

static int64_t drain(const char *path, size_t record, int64_t count)
{
	int fd = open_or_die(path, O_RDONLY);
	size_t held = 0;
	int64_t n = 0;

	while (n < count) {
		ssize_t got = read(fd, buffer + held, sizeof buffer - held);
		size_t used = 0;

		if (got <= 0)
			die("forward: the pipe ended early");
		held += (size_t)got;
		for (; held - used >= record; used += record)
			check_record(buffer + used, n++);
		memmove(buffer, buffer + used, held - used);
		held -= used;
	}
	return now_ns();
}

/* Moves one message whole; false at the end of the stream. */
static int message(int fd, int sends)
{
	for (size_t done = 0; done < SMALL;) {
		ssize_t got = sends ? send(fd, buffer + done, SMALL - done, MSG_NOSIGNAL)
				    : recv(fd, buffer + done, SMALL - done, 0);

		if (got <= 0)
			return 0;
		done += (size_t)got;
	}
	return 1;
}

static struct sockaddr_in address_of(const char *address, const char *port)
{
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons((uint16_t)atoi(port)) };

	inet_pton(AF_INET, address, &to.sin_addr);
	return to;
}

static void no_delay(int fd)
{
	int on = 1;

	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
}

static void echo(const char *port)
{
	struct sockaddr_in at = address_of("0.0.0.0", port);
	int listener = socket(AF_INET, SOCK_STREAM, 0), fd;

	if (bind(listener, (struct sockaddr *)&at, sizeof at) < 0 || listen(listener, 1) < 0)
		die("forward: listen");
	printf("ready\n");
	fflush(stdout);
	while ((fd = accept(listener, NULL, NULL)) >= 0) {
		no_delay(fd);
		while (message(fd, 0) && message(fd, 1))
			;
		close(fd);
	}
}

static void rpc(const char *address, const char *port, int64_t count)
{
	struct sockaddr_in to = address_of(address, port);
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	int64_t from;

	if (connect(fd, (struct sockaddr *)&to, sizeof to) < 0)
		die("forward: connect");
	no_delay(fd);
	from = now_ns();
	for (int64_t n = 0; n < count; n++)
		if (!message(fd, 1) || !message(fd, 0))
			die("forward: rpc");
	printf("%lld %lld\n", (long long)from, (long long)now_ns());
}

int main(int argc, char **argv)
{
	const char *mode = argc > 1 ? argv[1] : "";

	if (strcmp(mode, "work") == 0 && argc == 2) {
		serve_orders();
	} else if (strcmp(mode, "make") == 0 && argc == 5) {
		memset(buffer, 'x', sizeof buffer);
		write_records(open_or_die(argv[2], O_WRONLY | O_CREAT | O_TRUNC), (size_t)atol(argv[3]), atol(argv[4]));
	} else if (strcmp(mode, "observe") == 0 && argc == 5) {
		printf("%lld\n", (long long)observe(argv[2], (size_t)atol(argv[3]), atol(argv[4])));
	} else if (strcmp(mode, "drain") == 0 && argc == 5) {
		printf("%lld\n", (long long)drain(argv[2], (size_t)atol(argv[3]), atol(argv[4])));
	} else if (strcmp(mode, "echo") == 0 && argc == 3) {
		echo(argv[2]);
	} else if (strcmp(mode, "rpc") == 0 && argc == 5) {
		rpc(argv[2], argv[3], atol(argv[4]));
	} else {
		fprintf(stderr, "usage: forward work|make|observe|drain|echo|rpc ...\n");
		return 2;
	}
	return 0;
}
