/* files.c - Files that threads write to at once.
 *
 * Appended to, each its own, by one offset, locked, and seen by another.
 */
#include "torture.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define APPENDERS 2
#define LINE_SIZE 128
#define BLOCK 64
#define BLOCKS 16
#define OWNERS 3
#define SHARERS 2
#define RECORDS 12

/* append: numbered lines of several threads in one file, each whole, each thread's in order. */

static pthread_t appenders[APPENDERS];

static int append_line(int fd, int writer, long number, char *line)
{
	int size =
		snprintf(line, LINE_SIZE, "%d %ld %016lx\n", writer, number, mix((uint64_t)writer, (uint64_t)number));

	RETURNS(write(fd, line, (size_t)size), size);
	return size;
}

static void *append(void *argument)
{
	int fd = open_own("torture.append", O_WRONLY | O_APPEND);
	char line[LINE_SIZE];

	for (long number = 0; !is_over(); number++) {
		append_line(fd, (int)(intptr_t)argument, number, line);
		rest_up_to(2500);
	}
	close(fd);
	return argument;
}

static int append_fd;

static void set_up_append(void)
{
	append_fd = open_own("torture.append", O_RDWR | O_CREAT | O_TRUNC | O_APPEND);
	for (intptr_t i = 1; i <= APPENDERS; i++)
		appenders[i - 1] = start(append, (void *)i);
}

/* Reads what has been appended since; a line must be whole as soon as any of it is there. */
static void check_lines(void)
{
	static off_t at;
	static long next[APPENDERS + 1];
	char text[4096], line[LINE_SIZE];
	ssize_t size;

	while ((size = pread(append_fd, text, sizeof text - 1, at)) > 0) {
		char *from = text, *end;

		text[size] = 0;
		while ((end = strchr(from, '\n')) != NULL) {
			int writer = atoi(from);

			if (!EXPECT(writer >= 0 && writer <= APPENDERS, "an appended line is %.60s", from))
				return;
			snprintf(line, sizeof line, "%d %ld %016lx\n", writer, next[writer],
				mix((uint64_t)writer, (uint64_t)next[writer]));
			if (!EXPECT(strncmp(from, line, strlen(line)) == 0, "an appended line is %.60s, not %s", from,
				    line))
				return;
			next[writer]++;
			from = end + 1;
		}
		if (!EXPECT(from > text, "an appended line is torn: %.60s", text))
			return;
		at += from - text;
	}
	EXPECT(size == 0, "pread of what was appended: %s", strerrorname_np(errno));
}

static uint64_t append_here(long round)
{
	char line[LINE_SIZE];
	struct stat before, after;

	RETURNS(fstat(append_fd, &before), 0);
	int size = append_line(append_fd, 0, round, line);
	RETURNS(fstat(append_fd, &after), 0);
	EXPECT(after.st_size >= before.st_size + size, "a file of %ld bytes has %ld after %d were appended",
		(long)before.st_size, (long)after.st_size, size);
	if (round % 8 == 7)
		check_lines();
	return hash_bytes(line, (size_t)size);
}

static void end_append(void)
{
	for (intptr_t i = 1; i <= APPENDERS; i++)
		join(appenders[i - 1], (void *)i);
	check_lines();
	close(append_fd);
}

const struct check check_append = { "append", false, set_up_append, append_here, end_append };

/* files: each thread its own, written in blocks and read again. */

static pthread_t owners[OWNERS];

static uint64_t write_and_read(int fd, int index, long round)
{
	char block[BLOCK], wanted[BLOCK];
	struct stat status;
	uint64_t hash = 0;

	RETURNS(ftruncate(fd, 0), 0);
	RETURNS(lseek(fd, 0, SEEK_SET), 0);
	for (int i = 0; i < BLOCKS; i++) {
		memset(block, 'a' + (int)((round + i + index) % 26), sizeof block);
		RETURNS(write(fd, block, sizeof block), sizeof block);
	}
	RETURNS(fstat(fd, &status), 0);
	EXPECT(status.st_size == BLOCK * BLOCKS, "a thread's own file has %ld bytes", (long)status.st_size);
	RETURNS(lseek(fd, 0, SEEK_SET), 0);
	for (int i = 0; i < BLOCKS; i++) {
		memset(wanted, 'a' + (int)((round + i + index) % 26), sizeof wanted);
		RETURNS(read(fd, block, sizeof block), sizeof block);
		EXPECT(memcmp(block, wanted, sizeof block) == 0, "block %d of a thread's own file has changed", i);
		hash = mix(hash, hash_bytes(block, sizeof block));
	}
	RETURNS(read(fd, block, sizeof block), 0);
	return hash;
}

static int open_of(int index)
{
	char name[32];

	snprintf(name, sizeof name, "torture.own%d", index);
	return open_own(name, O_RDWR | O_CREAT | O_TRUNC);
}

static void *write_own(void *argument)
{
	int index = (int)(intptr_t)argument, fd = open_of(index);

	for (long round = 0; !is_over(); round++) {
		AT("its own file");
		write_and_read(fd, index, round);
		if (round % 16 == 0)
			RETURNS(fsync(fd), 0);
		rest_up_to(4000);
	}
	close(fd);
	return argument;
}

static int own_fd;

static void set_up_files(void)
{
	own_fd = open_of(0);
	for (intptr_t i = 0; i < OWNERS; i++)
		owners[i] = start(write_own, (void *)(i + 1));
}

static uint64_t write_own_here(long round)
{
	return write_and_read(own_fd, 0, round);
}

static void end_files(void)
{
	for (intptr_t i = 0; i < OWNERS; i++)
		join(owners[i], (void *)(i + 1));
	close(own_fd);
}

const struct check check_files = { "files", false, set_up_files, write_own_here, end_files };

/* shared: one offset that several threads write by. */

struct record {
	uint32_t writer, number;
	uint64_t check;
};

static int shared_fd;
static pthread_barrier_t shared_begin, shared_end;
static pthread_t sharers[SHARERS];
static bool shared_over;

static void write_records(unsigned writer, long round)
{
	for (uint32_t i = 0; i < RECORDS; i++) {
		struct record record = { writer, i, mix((uint64_t)round << 32 | writer, i) };

		RETURNS(write(shared_fd, &record, sizeof record), sizeof record);
	}
}

static void *share(void *argument)
{
	for (long round = 0;; round++) {
		AT("the begin of a round of shared writes");
		pthread_barrier_wait(&shared_begin);
		if (shared_over)
			return argument;
		write_records((unsigned)(uintptr_t)argument, round);
		AT("the end of a round of shared writes");
		pthread_barrier_wait(&shared_end);
	}
}

static void set_up_shared(void)
{
	shared_fd = open_own("torture.shared", O_RDWR | O_CREAT | O_TRUNC);
	pthread_barrier_init(&shared_begin, NULL, SHARERS + 1);
	pthread_barrier_init(&shared_end, NULL, SHARERS + 1);
	for (uintptr_t i = 1; i <= SHARERS; i++)
		sharers[i - 1] = start(share, (void *)i);
}

static uint64_t check_records(long round)
{
	struct record records[(SHARERS + 1) * RECORDS];
	uint32_t next[SHARERS + 1] = { 0 };
	uint64_t sum = 0;

	RETURNS(lseek(shared_fd, 0, SEEK_CUR), sizeof records);
	memset(records, 0, sizeof records);
	RETURNS(pread(shared_fd, records, sizeof records, 0), sizeof records);
	for (unsigned i = 0; i < (SHARERS + 1) * RECORDS; i++) {
		const struct record *one = &records[i];

		if (!EXPECT(one->writer <= SHARERS && one->number == next[one->writer] &&
				    one->check == mix((uint64_t)round << 32 | one->writer, one->number),
			    "record %u by one offset is number %u of writer %u", i, one->number, one->writer))
			return 0;
		next[one->writer]++;
		sum += one->check;
	}
	return sum;
}

static uint64_t share_here(long round)
{
	RETURNS(lseek(shared_fd, 0, SEEK_SET), 0);
	RETURNS(ftruncate(shared_fd, 0), 0);
	AT("the begin of a round of shared writes");
	pthread_barrier_wait(&shared_begin);
	write_records(0, round);
	AT("the end of a round of shared writes");
	pthread_barrier_wait(&shared_end);
	return check_records(round);
}

static void end_shared(void)
{
	shared_over = true;
	pthread_barrier_wait(&shared_begin);
	for (uintptr_t i = 1; i <= SHARERS; i++)
		join(sharers[i - 1], (void *)i);
	close(shared_fd);
}

const struct check check_shared = { "shared", false, set_up_shared, share_here, end_shared };

/* flock: locks of two open files, and of two descriptions, between threads. */

static int flock_fds[2];
static volatile long flock_count, flock_copy;
static pthread_t locker;

static void lock_file(int fd, long round)
{
	struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET, .l_len = 1 };

	AT("a lock of a file");
	if (round % 2 == 0)
		RETURNS(flock(fd, LOCK_EX), 0);
	RETURNS(fcntl(fd, F_OFD_SETLKW, &lock), 0);
	long before = flock_count;
	rest_up_to(1500);
	EXPECT(before == flock_count && before == flock_copy, "two threads have one lock of a file");
	flock_count = before + 1;
	flock_copy = before + 1;
	lock.l_type = F_UNLCK;
	RETURNS(fcntl(fd, F_OFD_SETLK, &lock), 0);
	if (round % 2 == 0)
		RETURNS(flock(fd, LOCK_UN), 0);
}

static void *lock_often(void *argument)
{
	for (long round = 0; !is_over(); round++) {
		lock_file(flock_fds[1], round);
		rest_up_to(2000);
	}
	return argument;
}

static void set_up_flock(void)
{
	flock_fds[0] = open_own("torture.lock", O_RDWR | O_CREAT);
	flock_fds[1] = open_own("torture.lock", O_RDWR);
	locker = start(lock_often, NULL);
}

static uint64_t lock_here(long round)
{
	lock_file(flock_fds[0], round);
	return (uint64_t)round;
}

static void end_flock(void)
{
	join(locker, NULL);
	close(flock_fds[0]);
	close(flock_fds[1]);
}

const struct check check_flock = { "flock", false, set_up_flock, lock_here, end_flock };

/* visible: what one has done to a file the other sees, by fstat, by name and by its bytes, once it was told. */

static sem_t written, looked;
static int writer_fd, looker_fd;
static long visible_round;
static bool visible_over;
static pthread_t looker;

static off_t size_in(long round)
{
	return (off_t)(1 + round % 200 * 3);
}

static void *look(void *argument)
{
	char bytes[600], wanted[600];
	struct stat status;

	for (;;) {
		AT("a wait until something is written");
		wait_for(&written);
		if (visible_over)
			return argument;
		size_t size = (size_t)size_in(visible_round);
		RETURNS(fstat(looker_fd, &status), 0);
		EXPECT(status.st_size == (off_t)size, "fstat sees %ld bytes, not %zu", (long)status.st_size, size);
		RETURNS(stat("torture.visible", &status), 0);
		EXPECT(status.st_size == (off_t)size, "stat sees %ld bytes, not %zu", (long)status.st_size, size);
		memset(wanted, 'a' + (int)(visible_round % 26), size);
		RETURNS(pread(looker_fd, bytes, sizeof bytes, 0), size);
		EXPECT(memcmp(bytes, wanted, size) == 0, "a reader sees other bytes than were written");
		RETURNS(pwrite(looker_fd, "Z", 1, 0), 1);
		RETURNS(unlink("torture.seen"), 0);
		sem_post(&looked);
	}
}

static void set_up_visible(void)
{
	sem_init(&written, 0, 0);
	sem_init(&looked, 0, 0);
	writer_fd = open_own("torture.visible", O_RDWR | O_CREAT | O_TRUNC);
	looker_fd = open_own("torture.visible", O_RDWR);
	looker = start(look, NULL);
}

static uint64_t show(long round)
{
	char bytes[600];
	size_t size = (size_t)size_in(round);

	memset(bytes, 'a' + (int)(round % 26), size);
	RETURNS(ftruncate(writer_fd, 0), 0);
	RETURNS(lseek(writer_fd, 0, SEEK_SET), 0);
	for (size_t done = 0; done < size; done += 100)
		RETURNS(write(writer_fd, bytes + done, size - done < 100 ? size - done : 100),
			size - done < 100 ? size - done : 100);
	close(open_own("torture.seen", O_RDWR | O_CREAT));
	visible_round = round;
	sem_post(&written);
	AT("a thread that looks");
	wait_for(&looked);
	RETURNS(pread(writer_fd, bytes, 1, 0), 1);
	EXPECT(bytes[0] == 'Z', "what another has written is %c", bytes[0]);
	FAILS(access("torture.seen", F_OK), ENOENT);
	return hash_bytes(bytes, size);
}

static void end_visible(void)
{
	visible_over = true;
	sem_post(&written);
	join(looker, NULL);
	close(writer_fd);
	close(looker_fd);
}

const struct check check_visible = { "visible", false, set_up_visible, show, end_visible };
