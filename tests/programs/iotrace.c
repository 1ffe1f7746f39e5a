/* iotrace.c - Makes calls on files that a seed chooses.
 *
 * It prints what each of them did. Two runs with one seed must print the same, wherever they ran: the offset that
 * descriptors share, the size that each of them sees, what was written just before, and every error.
 *
 *   iotrace SEED PARTS CALLS       does CALLS calls for each of PARTS lines from standard input, and then
 *                                  prints "part N"
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#define SLOTS 8
#define FILES 4
#define SIZE_MAX_BYTES (1 << 20)
/* A file may not grow beyond this: the call that would gets EFBIG. */
#define FILE_LIMIT (3 << 19)

static uint64_t state;
static int slots[SLOTS];
static char buffer[SIZE_MAX_BYTES];
/* Two pages of which the second cannot be touched. */
static char *edge;
static int pipe_ends[2];
static int pipe_held;

static unsigned choose(unsigned below)
{
	state = state * 6364136223846793005ULL + 1442695040888963407ULL;
	return (unsigned)((state >> 33) % below);
}

/* Most transfers are small, some are larger than what a buffer or a page holds. */
static size_t choose_size(void)
{
	static const unsigned limits[] = { 2, 65, 65, 65, 600, 600, 5000, 40000, 300000 };

	return choose(limits[choose(sizeof limits / sizeof *limits)]);
}

static uint32_t sum(const void *bytes, size_t size)
{
	const unsigned char *at = bytes;
	uint32_t hash = 2166136261u;

	for (size_t i = 0; i < size; i++)
		hash = (hash ^ at[i]) * 16777619u;
	return hash;
}

static void fill(size_t size)
{
	uint32_t word = choose(1u << 30) * 2u + 1u;

	for (size_t i = 0; i < size; i++)
		buffer[i] = (char)((word += 2654435761u) >> 24);
}

static const char *path_of(unsigned number)
{
	static char names[2][16];
	static int turn;

	turn ^= 1;
	snprintf(names[turn], sizeof names[turn], "file%u", number);
	return names[turn];
}

static void tell(const char *what, long long about, long long result)
{
	if (result < 0)
		printf("%s %lld: %s\n", what, about, strerror(errno));
	else
		printf("%s %lld: %lld\n", what, about, result);
}

static void tell_read(const char *what, long long about, ssize_t got)
{
	if (got >= 0)
		printf("%s %lld: %zd sum %08x\n", what, about, got, sum(buffer, (size_t)got));
	else
		tell(what, about, got);
}

static void do_open(int slot)
{
	static const int modes[] = { O_RDONLY, O_WRONLY, O_RDWR, O_RDWR, O_WRONLY | O_APPEND, O_RDWR | O_APPEND,
		O_RDWR | O_TRUNC, O_WRONLY | O_CREAT | O_EXCL };
	int mode = modes[choose(sizeof modes / sizeof *modes)];
	unsigned file = choose(FILES);
	int create = choose(4) != 0 ? O_CREAT : 0;

	if (slots[slot] >= 0)
		tell("close", slots[slot], close(slots[slot]));
	slots[slot] = open(path_of(file), mode | create, 0644);
	tell("open", file, slots[slot]);
}

static void do_write(int fd)
{
	size_t size = choose_size();
	off_t offset = choose(FILE_LIMIT);
	struct iovec pieces[3];

	fill(size);
	switch (choose(6)) {
	case 0:
		tell("pwrite", fd, pwrite(fd, buffer, size, offset));
		break;
	case 1:
		pieces[0] = (struct iovec){ buffer, size / 2 };
		pieces[1] = (struct iovec){ buffer, 0 };
		pieces[2] = (struct iovec){ buffer + size / 2, size - size / 2 };
		tell("writev", fd, writev(fd, pieces, 3));
		break;
	default:
		tell("write", fd, write(fd, buffer, size));
		break;
	}
}

static void do_read(int fd)
{
	size_t size = choose_size();
	off_t offset = choose(FILE_LIMIT);
	struct iovec pieces[2] = { { buffer, size / 3 }, { buffer + size / 3, size - size / 3 } };

	memset(buffer, 0, size);
	switch (choose(6)) {
	case 0:
		tell_read("pread", fd, pread(fd, buffer, size, offset));
		break;
	case 1:
		tell_read("readv", fd, readv(fd, pieces, 2));
		break;
	default:
		tell_read("read", fd, read(fd, buffer, size));
		break;
	}
}

/* Memory that is not there: what comes before it is moved, as the kernel has it. */
static void do_bad_memory(int fd)
{
	size_t good = choose(3) == 0 ? 0 : choose(2000);
	char *at = edge + 4096 - good;

	memset(edge, 'e', 4096);
	if (choose(2) == 0)
		tell("write bad", (long long)good, write(fd, at, good + 100));
	else
		tell("read bad", (long long)good, read(fd, at, good + 100));
	tell("lseek", fd, lseek(fd, 0, SEEK_CUR));
}

static void do_size(int fd)
{
	struct stat status;
	unsigned file = choose(FILES);

	switch (choose(5)) {
	case 0:
		tell("fstat", fd, fstat(fd, &status) < 0 ? -1 : (long long)status.st_size);
		break;
	case 1:
		tell("stat", file, stat(path_of(file), &status) < 0 ? -1 : (long long)status.st_size);
		break;
	case 2:
		tell("ftruncate", fd, ftruncate(fd, choose(FILE_LIMIT + FILE_LIMIT / 8)));
		break;
	case 3:
		tell("truncate", file, truncate(path_of(file), choose(100000)));
		break;
	default:
		tell("fallocate", fd, fallocate(fd, 0, choose(FILE_LIMIT / 2), 1 + choose(1000)));
		break;
	}
}

static void do_seek(int fd)
{
	static const int whences[] = { SEEK_SET, SEEK_CUR, SEEK_END, SEEK_CUR };
	int way = (int)choose(4);
	long offset = (long)choose(200000) - (way == 0 ? 1000 : 100000);

	if (way == 3)
		offset = 0;
	tell("lseek", fd, lseek(fd, offset, whences[way]));
}

static void do_names(void)
{
	unsigned a = choose(FILES);
	unsigned b = choose(FILES);

	if (choose(3) == 0)
		tell("unlink", a, unlink(path_of(a)));
	else
		tell("rename", a, rename(path_of(a), path_of(b)));
}

static void do_duplicate(int slot, int fd)
{
	int to = (int)choose(SLOTS);

	if (to == slot)
		return;
	if (slots[to] >= 0 && choose(2) == 0) {
		tell("dup2", fd, dup2(fd, slots[to]) < 0 ? -1 : slots[to]);
		return;
	}
	if (slots[to] >= 0)
		tell("close", slots[to], close(slots[to]));
	slots[to] = dup(fd);
	tell("dup", fd, slots[to]);
}

static void do_between(int fd)
{
	int other = slots[choose(SLOTS)];
	size_t size = choose_size();
	struct stat status;
	void *map;

	switch (choose(3)) {
	case 0:
		tell("sendfile", fd, sendfile(other, fd, NULL, size));
		break;
	case 1:
		tell("copy_file_range", fd, copy_file_range(fd, NULL, other, NULL, size, 0));
		break;
	default:
		/* A hole that is mapped needs a page of the disk: where that is full it is SIGBUS. */
		if (getenv("IOTRACE_NO_MAPS") != NULL || fstat(fd, &status) < 0 || status.st_size == 0)
			break;
		map = mmap(NULL, (size_t)status.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
		if (map == MAP_FAILED) {
			tell("mmap", fd, -1);
			break;
		}
		printf("mmap %d: sum %08x\n", fd, sum(map, (size_t)status.st_size));
		munmap(map, (size_t)status.st_size);
		break;
	}
}

static void do_control(int fd)
{
	int waiting = -1;

	switch (choose(6)) {
	case 0:
		tell("fsync", fd, fsync(fd));
		break;
	case 1:
		tell("fdatasync", fd, fdatasync(fd));
		break;
	case 2:
		tell("F_SETFL", fd, fcntl(fd, F_SETFL, choose(2) == 0 ? O_APPEND : 0));
		break;
	case 3:
		tell("F_GETFL", fd, fcntl(fd, F_GETFL));
		break;
	case 4:
		tell("FIONREAD", fd, ioctl(fd, FIONREAD, &waiting) < 0 ? -1 : waiting);
		break;
	default:
		tell("F_GETFD", fd, fcntl(fd, F_GETFD));
		break;
	}
}

static void do_pipe(void)
{
	size_t size = choose(3000);
	struct pollfd wait = { .fd = pipe_ends[0], .events = POLLIN };

	if (pipe_held + (int)size < 30000 && choose(2) == 0) {
		fill(size);
		tell("pipe write", 0, write(pipe_ends[1], buffer, size));
		pipe_held += (int)size;
	} else if (pipe_held > 0) {
		ssize_t got = read(pipe_ends[0], buffer, size + 1);

		tell_read("pipe read", 0, got);
		pipe_held -= (int)got;
	} else {
		tell("pipe poll", 0, poll(&wait, 1, 0));
		tell_read("pipe read", 0, read(pipe_ends[0], buffer, 10));
	}
}

static void do_one(void)
{
	int slot = (int)choose(SLOTS);
	int fd = slots[slot];
	unsigned kind = choose(100);

	if (fd < 0 && choose(3) != 0)
		do_open(slot);
	else if (kind < 35)
		do_write(fd);
	else if (kind < 62)
		do_read(fd);
	else if (kind < 70)
		do_open(slot);
	else if (kind < 76)
		do_seek(fd);
	else if (kind < 82)
		do_size(fd);
	else if (kind < 86)
		do_duplicate(slot, fd);
	else if (kind < 88)
		do_names();
	else if (kind < 91)
		do_between(fd);
	else if (kind < 95)
		do_control(fd);
	else if (kind < 97)
		do_bad_memory(fd);
	else
		do_pipe();
}

int main(int argc, char **argv)
{
	const struct rlimit limit = { FILE_LIMIT, FILE_LIMIT };
	int parts, calls;
	long n = 0;
	char line[64];

	if (argc != 4) {
		fprintf(stderr, "usage: iotrace SEED PARTS CALLS\n");
		return 2;
	}
	state = strtoull(argv[1], NULL, 10);
	parts = atoi(argv[2]);
	calls = atoi(argv[3]);
	signal(SIGXFSZ, SIG_IGN);
	signal(SIGPIPE, SIG_IGN);
	edge = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (edge == MAP_FAILED || mprotect(edge + 4096, 4096, PROT_NONE) < 0 || setrlimit(RLIMIT_FSIZE, &limit) < 0 ||
		pipe2(pipe_ends, O_NONBLOCK) < 0)
		return 1;
	for (int slot = 0; slot < SLOTS; slot++)
		slots[slot] = -1;
	for (int slot = 0; slot < SLOTS / 2; slot++)
		do_open(slot);
	for (int part = 0; part < parts; part++) {
		if (fgets(line, sizeof line, stdin) == NULL)
			return 1;
		for (int call = 0; call < calls; call++) {
			printf("%ld ", n++);
			do_one();
		}
		printf("part %d\n", part + 1);
		fflush(stdout);
	}
	for (int slot = 0; slot < SLOTS; slot++)
		if (slots[slot] >= 0)
			tell("close", slots[slot], close(slots[slot]));
	return 0;
}
