/* test_files.c - Calls on files that are answered without home. They give what a local run gives, whatever is on
 * its way.
 * Units: tests/c/files_{guest,keeper}.c c/library/cache/ c/library/home_call/{ring,table}.c
 * c/library/patch/answers.c c/library/process/self.c c/shadow/{grant,backlog}.c c/keeper/ring.c c/base/mem.c
 *
 * The guest's half and home's half are the real ones, in one process; the link between them, which brings the backlog
 * home whenever it likes, is this test. Random calls are made twice: by the guest, and directly on a twin of each file.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/vfs.h>
#include <asm/ioctls.h>
#include <termios.h>

#include "check.h"

#include "shadow/backlog.h"
#include "shadow/descriptors.h"
#include "shadow/grant.h"
#include "shadow/links.h"
#include "shadow/signals.h"
#include "shadow/state.h"

#include "files_guest.h"

#define FILES 3
#define OPEN_MAX_ 8
#define SIZE_MAX_ 400100
#define CALLS 8000
#define PAGE 4096

/* ---- home ---- */

struct lb_shadow lb_shadow;
static uint64_t unit, scattered_most;
static void (*when_answered)(void); /* once */

void lb_own_fd(int *fd)
{
	(void)fd;
}

bool lb_is_own_fd(int64_t fd)
{
	(void)fd;
	return false;
}

void lb_own_fds_begin(void)
{
}

void lb_own_fds_end(void)
{
}

int lb_fd_move_up(int fd)
{
	return fd;
}

bool lb_link_tell(struct lb_shadow_link *link, uint32_t type, const void *body, size_t size, bool urgent)
{
	(void)link, (void)type, (void)body, (void)size, (void)urgent;
	return true;
}

void lb_link_lost(void)
{
}

/* What is on its way never needs more than the reserve has: lb_ring.h. */
static void check_reserve(const uint8_t *area, uint64_t size)
{
	static uint64_t ends[4096];
	uint64_t scattered = 0;

	memset(ends, 0xff, sizeof ends); /* the first of each descriptor may go on from before */
	for (uint64_t at = 0; at < size;) {
		const struct lb_link_header *header = (const void *)(area + at), *next;
		uint32_t fd = (uint32_t)header->seq % 4096;
		uint64_t place;

		memcpy(&place, header + 1, sizeof place);
		if (header->type == LB_LINK_PLACE) {
			scattered += place != ends[fd] && ends[fd] != UINT64_MAX;
			ends[fd] = place + header->size - sizeof place - (header->seq >> 32);
		}
		at += sizeof *header + header->size;
		next = (const void *)(area + at);
		scattered += header->type == LB_LINK_SEEK && at < size && next->type == LB_LINK_WRITE &&
			(uint32_t)next->seq == header->seq;
	}
	CHECK(scattered * LB_SCATTER_BLOCKS * unit <= LB_SCATTER_MAX);
	if (scattered > scattered_most)
		scattered_most = scattered;
}

void home_deliver(uint64_t up_to)
{
	static uint8_t area[LB_RING_SIZE + 64];
	struct lb_ring *ring = guest_ring();
	const uint8_t *data = (const uint8_t *)ring + LB_RING_DATA_AT;
	uint64_t size = 0;

	if (up_to > ring->head)
		up_to = ring->head;
	for (uint64_t at = ring->applied; at < ring->head; at++)
		area[at - ring->applied] = data[at % LB_RING_SIZE];
	check_reserve(area, ring->head - ring->applied);
	while (ring->applied + size < up_to) {
		const struct lb_link_header *header = (const void *)(area + size);
		uint32_t bytes = header->size;

		CHECK(lb_backlog_handles(header->type));
		CHECK(bytes % 8 == 0);
		CHECK(lb_backlog_handle(header));
		size += sizeof *header + bytes;
	}
	lb_backlog_flush();
	ring->sent = ring->applied += size;
}

int home_is_regular(uint64_t fd)
{
	struct stat status;

	return fstat((int)fd, &status) == 0 && S_ISREG(status.st_mode);
}

int64_t home_call(uint32_t number, const uint64_t args[6])
{
	int64_t result;

	if (lb_backlog_owes(number, (int64_t)args[0], &result))
		return result;
	result = syscall(number, args[0], args[1], args[2], args[3], args[4], 0);
	return result < 0 ? -errno : result;
}

void home_answered(void)
{
	void (*run)(void) = when_answered;

	when_answered = NULL;
	if (run != NULL)
		run();
}

int64_t home_file(uint64_t fd, struct lb_home_file *answer)
{
	return lb_grant((int)fd, answer);
}

void home_opened(uint64_t fd, struct lb_home_file *answer)
{
	lb_grant_opened((int)fd, answer);
}

int64_t home_ahead(uint64_t fd, void *to, size_t size, uint64_t offset)
{
	return lb_read_ahead((int)fd, to, size, offset);
}

/* ---- the two worlds ---- */

static uint64_t seed;
static char folder[64];
static struct {
	int guest, twin, description, name;
} open_files[OPEN_MAX_];
static int open_count;
static int news[2];   /* a pipe */
static uint8_t *edge; /* behind it there is no memory */
static uint8_t data[SIZE_MAX_], seen[SIZE_MAX_], wanted[SIZE_MAX_];

static uint64_t chance(uint64_t below)
{
	seed = seed * 6364136223846793005ULL + 1442695040888963407ULL;
	return (seed >> 33) % below;
}

static const char *path_of(int name, int world)
{
	static char path[96];

	snprintf(path, sizeof path, "%s/%d%s", folder, name, world ? ".twin" : "");
	return path;
}

static void begin_at(const char *place, uint64_t number)
{
	seed = number;
	snprintf(folder, sizeof folder, "%s/lb-test-files.%d", place, (int)getpid());
	CHECK(mkdir(folder, 0700) == 0);
	for (int name = 0; name < FILES; name++)
		for (int world = 0; world < 2; world++)
			close(open(path_of(name, world), O_CREAT | O_WRONLY, 0600));
	open_count = 0;
	when_answered = NULL;
	CHECK(pipe(news) == 0);
	lb_reserve_init();
	lb_backlog_begin();
	guest_begin();
	for (size_t i = 0; i < sizeof data; i++)
		data[i] = (uint8_t)(i * 7 + i / 251);
}

static void begin(uint64_t number)
{
	begin_at("/tmp", number);
}

static void end(void)
{
	while (open_count > 0) {
		open_count--;
		close(open_files[open_count].guest);
		close(open_files[open_count].twin);
	}
	for (int name = 0; name < FILES; name++)
		for (int world = 0; world < 2; world++)
			unlink(path_of(name, world));
	CHECK(rmdir(folder) == 0);
	close(news[0]);
	close(news[1]);
	guest_end();
	lb_reserve_drop();
}

static int64_t twin_result(int64_t result)
{
	return result < 0 ? -errno : result;
}

static void check_files(void)
{
	for (int name = 0; name < FILES; name++) {
		int ours = open(path_of(name, 0), O_RDONLY), twin = open(path_of(name, 1), O_RDONLY);
		ssize_t size = read(twin, wanted, sizeof wanted);

		CHECK_EQUAL(read(ours, seen, sizeof seen), size);
		CHECK(memcmp(seen, wanted, (size_t)size) == 0);
		close(ours);
		close(twin);
	}
}

/* ---- calls, made twice ---- */

static size_t some_size(void)
{
	static const size_t sizes[] = { 1, 7, 64, 64, 64, 511, 4096, 20000, 70000 };

	return sizes[chance(sizeof sizes / sizeof sizes[0])];
}

static off_t twin_size(int i)
{
	struct stat status;

	CHECK(fstat(open_files[i].twin, &status) == 0);
	return status.st_size;
}

static off_t some_offset(int i)
{
	return (off_t)chance((uint64_t)(twin_size(i) < SIZE_MAX_ - 90000 ? twin_size(i) + 3000 : 3000));
}

static void do_open(void)
{
	static const int flags[] = { O_RDWR, O_RDWR, O_RDONLY, O_WRONLY, O_RDWR | O_APPEND, O_RDWR | O_SYNC };
	int flag = flags[chance(6)], name = (int)chance(FILES);

	if (open_count == OPEN_MAX_)
		return;
	open_files[open_count].twin = open(path_of(name, 1), flag);
	open_files[open_count].guest =
		(int)guest_call(SYS_openat, (uint64_t)AT_FDCWD, (uintptr_t)path_of(name, 0), (uint64_t)flag, 0);
	open_files[open_count].name = name;
	CHECK(open_files[open_count].guest >= 0);
	open_count++;
}

static void do_close(int i)
{
	close(open_files[i].twin);
	CHECK_EQUAL(guest_call(SYS_close, (uint64_t)open_files[i].guest, 0, 0, 0), 0);
	open_files[i] = open_files[--open_count];
}

static void do_dup(int i)
{
	if (open_count == OPEN_MAX_)
		return;
	open_files[open_count].twin = dup(open_files[i].twin);
	open_files[open_count].guest = (int)guest_call(SYS_dup, (uint64_t)open_files[i].guest, 0, 0, 0);
	open_files[open_count].name = open_files[i].name;
	open_count++;
}

static void do_write(int i)
{
	size_t size = some_size(), from = chance(1000);
	struct iovec pieces[2] = { { data + from, size / 3 }, { data + from + size / 3, size - size / 3 } };

	if (lseek(open_files[i].twin, 0, SEEK_CUR) > SIZE_MAX_ - 90000 || twin_size(i) > SIZE_MAX_ - 90000)
		return;
	if (chance(4) == 0)
		CHECK_EQUAL(guest_call(SYS_writev, (uint64_t)open_files[i].guest, (uintptr_t)pieces, 2, 0),
			twin_result(writev(open_files[i].twin, pieces, 2)));
	else
		CHECK_EQUAL(guest_call(SYS_write, (uint64_t)open_files[i].guest, (uintptr_t)(data + from), size, 0),
			twin_result(write(open_files[i].twin, data + from, size)));
}

static void do_pwrite(int i)
{
	size_t size = some_size(), from = chance(1000);
	off_t at = chance(20) == 0 ? -(off_t)chance(5) : some_offset(i);

	CHECK_EQUAL(
		guest_call(SYS_pwrite64, (uint64_t)open_files[i].guest, (uintptr_t)(data + from), size, (uint64_t)at),
		twin_result(pwrite(open_files[i].twin, data + from, size, at)));
}

static void compare_read(int64_t got, int64_t twin)
{
	CHECK_EQUAL(got, twin_result(twin));
	CHECK(got <= 0 || memcmp(seen, wanted, (size_t)got) == 0);
}

static void do_read(int i)
{
	size_t size = some_size();
	struct iovec piece = { seen, size };
	uint64_t fd = (uint64_t)open_files[i].guest;

	if (chance(12) == 0) { /* up to where memory ends */
		uint8_t *at = edge - chance(size);

		compare_read(guest_call(SYS_read, fd, (uintptr_t)at, size, 0), read(open_files[i].twin, at, size));
	} else if (chance(12) == 0) /* a call that moves the offset, and that nobody follows */
		compare_read(guest_call(SYS_preadv2, fd, (uintptr_t)&piece, 1, (uint64_t)-1),
			read(open_files[i].twin, wanted, size));
	else
		compare_read(
			guest_call(SYS_read, fd, (uintptr_t)seen, size, 0), read(open_files[i].twin, wanted, size));
}

static void do_pread(int i)
{
	size_t size = some_size();
	off_t at = chance(20) == 0 ? -(off_t)chance(5) : some_offset(i);

	compare_read(guest_call(SYS_pread64, (uint64_t)open_files[i].guest, (uintptr_t)seen, size, (uint64_t)at),
		pread(open_files[i].twin, wanted, size, at));
}

static void do_lseek(int i)
{
	int whence = (int)chance(40) == 0 ? 77 : (int)chance(3);
	off_t now = lseek(open_files[i].twin, 0, SEEK_CUR);
	off_t by = chance(2) ? 0 : (off_t)chance(9000) - 4500;

	if (whence == SEEK_SET)
		by = chance(2) ? some_offset(i) : now + by;
	CHECK_EQUAL(guest_call(SYS_lseek, (uint64_t)open_files[i].guest, (uint64_t)by, (uint64_t)whence, 0),
		twin_result(lseek(open_files[i].twin, by, whence)));
}

/* Nobody else changes anything unheard of here, so the answer is what home says, every byte of it. */
static void do_fstat(int i)
{
	struct stat got, again;
	struct statx x, x_again;
	uint64_t fd = (uint64_t)open_files[i].guest;
	unsigned mask = chance(2) ? STATX_BASIC_STATS : STATX_SIZE | STATX_TYPE;
	uint64_t how = chance(3);

	memset(&x, 0, sizeof x);
	if (how == 0)
		CHECK_EQUAL(guest_call(SYS_fstat, fd, (uintptr_t)&got, 0, 0), 0);
	else if (how == 1)
		CHECK_EQUAL(guest_call(SYS_newfstatat, fd, (uintptr_t)"", (uintptr_t)&got, AT_EMPTY_PATH), 0);
	else
		CHECK_EQUAL(guest_call5(SYS_statx, fd, (uintptr_t)"", AT_EMPTY_PATH, mask, (uintptr_t)&x), 0);
	CHECK(fstat((int)fd, &again) == 0 && syscall(SYS_statx, fd, "", AT_EMPTY_PATH, mask, &x_again) == 0);
	CHECK(how < 2 ? memcmp(&got, &again, sizeof got) == 0 : memcmp(&x, &x_again, sizeof x) == 0);
	CHECK_EQUAL(again.st_size, twin_size(i)); /* nothing is on its way that could change it */
}

static void do_truncate(int i)
{
	off_t to = some_offset(i);

	CHECK_EQUAL(guest_call(SYS_ftruncate, (uint64_t)open_files[i].guest, (uint64_t)to, 0, 0),
		twin_result(ftruncate(open_files[i].twin, to)));
}

static void hear(void)
{
	char byte;

	switch (chance(3)) {
	case 0:
		CHECK_EQUAL(guest_call(SYS_access, (uintptr_t)"/", F_OK, 0, 0), 0);
		break;
	case 1:
		CHECK(write(news[1], "x", 1) == 1);
		CHECK_EQUAL(guest_call(SYS_read, (uint64_t)news[0], (uintptr_t)&byte, 1, 0), 1);
		break;
	default: /* a signal, along with what is no news otherwise */
		guest_signal();
		CHECK_EQUAL(guest_call(SYS_getppid, 0, 0, 0, 0), getppid());
		break;
	}
}

/* Another program writes to the file of descriptor i, or cuts it. Then the guest hears of it, but not yet. */
static void others_change(int i)
{
	off_t at = some_offset(i);
	size_t size = some_size();
	uint64_t cuts = chance(3) == 0;

	home_deliver(UINT64_MAX);
	for (int world = 0; world < 2; world++) {
		int fd = open(path_of(open_files[i].name, world), O_WRONLY);

		CHECK(cuts ? ftruncate(fd, at) == 0 : pwrite(fd, data + 5, size, at) == (ssize_t)size);
		close(fd);
	}
	hear();
}

static void do_terminal(int i)
{
	struct termios terminal;

	CHECK_EQUAL(guest_call(SYS_ioctl, (uint64_t)open_files[i].guest, TCGETS, (uintptr_t)&terminal, 0), -ENOTTY);
}

/* No news, but what was read and moved goes home along with it. */
static void do_getppid(void)
{
	CHECK_EQUAL(guest_call(SYS_getppid, 0, 0, 0, 0), getppid());
}

static void one_call(void)
{
	int i;

	if (open_count == 0 || chance(40) == 0)
		do_open();
	if (open_count == 0)
		return;
	i = (int)chance((uint64_t)open_count);
	for (uint64_t times = chance(6) ? 1 : 12; times > 0; times--) {
		switch (chance(28)) {
		case 0 ... 3:
			do_write(i);
			break;
		case 4 ... 7:
			do_read(i);
			break;
		case 8 ... 11:
			do_pread(i);
			break;
		case 12 ... 14:
			do_pwrite(i);
			break;
		case 15 ... 18:
			do_lseek(i);
			break;
		case 19 ... 20:
			do_fstat(i);
			break;
		case 21:
			do_truncate(i);
			break;
		case 22:
			others_change(i);
			break;
		case 23:
			do_terminal(i);
			break;
		case 24:
			do_dup(i);
			return;
		case 25 ... 26:
			do_getppid();
			break;
		default:
			do_close(i);
			return;
		}
	}
	if (chance(10) == 0) /* some of it arrives */
		home_deliver(guest_ring()->applied + chance(guest_ring()->head - guest_ring()->applied + 1));
}

static void find_unit(void)
{
	struct lb_home_file answer;
	int fd = open(path_of(0, 0), O_RDWR);

	CHECK(lb_grant(fd, &answer) == 0);
	unit = answer.unit;
	close(fd);
}

static void random_calls_give_what_local_ones_give(void)
{
	for (uint64_t round = 1; round <= 4; round++) {
		guest_trips = 0;
		begin(round);
		find_unit();
		for (int call = 0; call < CALLS / 4; call++)
			one_call();
		home_deliver(UINT64_MAX);
		check_files();
		CHECK(guest_trips > 0);
		end();
	}
}

/* ---- one rule each ---- */

/* Opens file 0 in both worlds, as descriptor 0 of the table. */
static int open_one(int flags)
{
	open_files[0].twin = open(path_of(0, 1), flags);
	open_files[0].guest =
		(int)guest_call(SYS_openat, (uint64_t)AT_FDCWD, (uintptr_t)path_of(0, 0), (uint64_t)flags, 0);
	open_files[0].name = 0;
	CHECK(open_files[0].guest >= 0);
	open_count = 1;
	return open_files[0].guest;
}

static void fill(size_t size)
{
	for (int world = 0; world < 2; world++) {
		int fd = open(path_of(0, world), O_WRONLY | O_TRUNC);

		CHECK(write(fd, data, size) == (ssize_t)size);
		close(fd);
	}
}

static uint64_t trips_of(uint32_t number, uint64_t a, uint64_t b, uint64_t c, uint64_t d)
{
	unsigned before = guest_trips;

	CHECK(guest_call(number, a, b, c, d) >= 0);
	return guest_trips - before;
}

static void opening_and_reading_a_small_file_needs_two_round_trips(void)
{
	struct stat status;
	uint64_t fd;

	begin(1);
	fill(5000);
	guest_trips = 0;
	fd = (uint64_t)open_one(O_RDONLY);
	CHECK_EQUAL(guest_call(SYS_fstat, fd, (uintptr_t)&status, 0, 0), 0);
	CHECK_EQUAL(status.st_size, 5000);
	CHECK_EQUAL(guest_call(SYS_ioctl, fd, TCGETS, (uintptr_t)seen, 0), -ENOTTY);
	CHECK_EQUAL(guest_call(SYS_lseek, fd, 0, SEEK_CUR, 0), 0);
	CHECK_EQUAL(guest_call(SYS_lseek, fd, 0, SEEK_END, 0), 5000);
	CHECK_EQUAL(guest_call(SYS_lseek, fd, 0, SEEK_SET, 0), 0);
	CHECK_EQUAL(guest_call(SYS_read, fd, (uintptr_t)seen, 5001, 0), 5000);
	CHECK_EQUAL(guest_call(SYS_read, fd, (uintptr_t)seen, 1, 0), 0);
	CHECK_EQUAL(guest_call(SYS_close, fd, 0, 0, 0), 0);
	CHECK_EQUAL(guest_trips, 2);
	home_deliver(UINT64_MAX);
	CHECK(fcntl((int)fd, F_GETFD) < 0);
	close(open_files[0].twin);
	open_count = 0;
	end();
}

static void append_five(void)
{
	int fd = open(path_of(0, 0), O_WRONLY | O_APPEND);

	CHECK(write(fd, "12345", 5) == 5);
	close(fd);
}

/* The answer is made, another program writes, a signal tells of it: all that comes to the guest in one packet. */
static void what_was_told_before_a_signal_is_not_told_again(void)
{
	struct stat status;
	uint64_t fd;

	begin(1);
	fill(100);
	fd = (uint64_t)open_one(O_RDONLY);
	hear();
	when_answered = append_five;
	guest_signal();
	CHECK_EQUAL(guest_call(SYS_fstat, fd, (uintptr_t)&status, 0, 0), 0);
	CHECK_EQUAL(status.st_size, 100);
	CHECK_EQUAL(guest_call(SYS_fstat, fd, (uintptr_t)&status, 0, 0), 0);
	CHECK_EQUAL(status.st_size, 105);
	when_answered = append_five;
	guest_signal();
	CHECK_EQUAL(guest_call(SYS_read, fd, (uintptr_t)seen, 200, 0), 110);
	when_answered = append_five;
	guest_signal();
	CHECK_EQUAL(guest_call(SYS_pread64, fd, (uintptr_t)seen, 200, 0), 115);
	end();
}

/* What a child at home, or another descriptor, does to the offset is the guest's to see. */
static void an_offset_that_others_have_is_asked_for(void)
{
	uint64_t fd;

	begin(1);
	fill(60000);
	fd = (uint64_t)open_one(O_RDWR);
	CHECK_EQUAL(guest_call(SYS_lseek, fd, 77, SEEK_SET, 0), 77);
	CHECK_EQUAL(trips_of(SYS_lseek, fd, 0, SEEK_CUR, 0), 0);
	guest_fork();
	for (int round = 0; round < 3; round++) {
		off_t at = 1000 * (round + 1);

		CHECK(lseek((int)fd, at, SEEK_SET) == at); /* the child */
		hear();
		CHECK_EQUAL(guest_call(SYS_lseek, fd, 0, SEEK_CUR, 0), at);
		CHECK_EQUAL(guest_call(SYS_read, fd, (uintptr_t)seen, 10, 0), 10);
		CHECK(memcmp(seen, data + at, 10) == 0);
	}
	end();
}

/* An offset that may be moved meanwhile is put where lseek(2) says, not by so much. */
static void a_shared_offset_is_put_and_not_moved(void)
{
	struct lb_home_file answer;
	uint64_t fd;

	begin(1);
	fill(60000);
	fd = (uint64_t)open(path_of(0, 0), O_RDONLY); /* by another program, that is: it is not known here */
	for (int i = 0; i < 3; i++)
		CHECK_EQUAL(guest_call(SYS_read, fd, (uintptr_t)seen, 64, 0), 64);
	CHECK(home_file(fd, &answer) == 0 && (answer.grants & LB_GRANT_OFFSET));
	CHECK(lseek((int)fd, 30000, SEEK_SET) == 30000);
	CHECK_EQUAL(guest_call(SYS_lseek, fd, 300, SEEK_SET, 0), 300); /* it lies in what was read ahead */
	home_deliver(UINT64_MAX);
	CHECK_EQUAL(lseek((int)fd, 0, SEEK_CUR), 300);
	close((int)fd);
	end();
}

static void a_synchronous_file_is_written_at_once(void)
{
	static const int flags[] = { O_SYNC, O_DSYNC };

	for (int i = 0; i < 2; i++) {
		struct stat status;
		uint64_t fd;

		begin(1);
		close(open_one(O_RDWR)); /* there is a reserve from here on */
		close(open_files[0].twin);
		fd = (uint64_t)open_one(O_WRONLY | flags[i]);
		for (int64_t size = 1; size < 5; size++) {
			CHECK_EQUAL(guest_call(SYS_pwrite64, fd, (uintptr_t)data, 1, (uint64_t)size - 1), 1);
			CHECK(fstat((int)fd, &status) == 0);
			CHECK_EQUAL(status.st_size, size);
		}
		end();
	}
}

/* Limits and ends of file systems are told by the call that meets them. */
static void what_is_too_far_is_told_at_once_at(const char *place)
{
	const struct rlimit low = { 10000, RLIM_INFINITY };
	struct rlimit usual;
	uint64_t fd;

	begin_at(place, 1);
	fill(10);
	fd = (uint64_t)open_one(O_RDWR);
	for (int i = 0; i < 3; i++) /* so that it is written behind */
		CHECK_EQUAL(guest_call(SYS_write, fd, (uintptr_t)data, 10, 0), 10);
	for (int i = 0; i < 3; i++) {
		int64_t far = twin_result(lseek(open_files[0].twin, INT64_MAX - 3, SEEK_SET));

		CHECK_EQUAL(guest_call(SYS_lseek, fd, INT64_MAX - 3, SEEK_SET, 0), far);
		CHECK_EQUAL(guest_call(SYS_write, fd, (uintptr_t)data, 10, 0),
			twin_result(write(open_files[0].twin, data, 10)));
		CHECK_EQUAL(guest_call(SYS_pwrite64, fd, (uintptr_t)data, 10, INT64_MAX - 20),
			twin_result(pwrite(open_files[0].twin, data, 10, INT64_MAX - 20)));
		CHECK_EQUAL(guest_call(SYS_lseek, fd, 0, SEEK_SET, 0), lseek(open_files[0].twin, 0, SEEK_SET));
	}
	signal(SIGXFSZ, SIG_IGN);
	CHECK(getrlimit(RLIMIT_FSIZE, &usual) == 0);
	CHECK_EQUAL(guest_call(SYS_setrlimit, RLIMIT_FSIZE, (uintptr_t)&low, 0, 0), 0);
	for (int i = 0; i < 3; i++)
		CHECK_EQUAL(guest_call(SYS_pwrite64, fd, (uintptr_t)data, 10, 10000), -EFBIG);
	CHECK(setrlimit(RLIMIT_FSIZE, &usual) == 0);
	signal(SIGXFSZ, SIG_DFL);
	end();
}

static void what_is_too_far_is_told_at_once(void)
{
	what_is_too_far_is_told_at_once_at("/tmp");
	if (access("/dev/shm", W_OK) == 0) /* where offsets may be as large as they can */
		what_is_too_far_is_told_at_once_at("/dev/shm");
}

static void a_long_write_is_one_in_several_messages(void)
{
	uint64_t fd;

	begin(1);
	fd = (uint64_t)open_one(O_RDWR);
	for (int i = 0; i < 4; i++) {
		CHECK_EQUAL(guest_call(SYS_pwrite64, fd, (uintptr_t)data, 300000, 100), 300000);
		CHECK_EQUAL(pwrite(open_files[0].twin, data, 300000, 100), 300000);
	}
	CHECK(guest_ring()->head > guest_ring()->applied);
	home_deliver(UINT64_MAX);
	check_files();
	end();
}

/* Descriptors that are nothing of the kind. */
static void other_descriptors_keep_their_errors(void)
{
	uint64_t folder_fd, closed;

	begin(1);
	folder_fd = (uint64_t)guest_call(SYS_openat, (uint64_t)AT_FDCWD, (uintptr_t)"/", O_RDONLY, 0);
	closed = (uint64_t)open_one(O_RDWR);
	CHECK_EQUAL(guest_call(SYS_close, closed, 0, 0, 0), 0);
	for (int i = 0; i < 3; i++) {
		CHECK_EQUAL(guest_call(SYS_pread64, folder_fd, (uintptr_t)seen, 10, 0), -EISDIR);
		CHECK_EQUAL(guest_call(SYS_lseek, (uint64_t)news[0], 0, SEEK_SET, 0), -ESPIPE);
		CHECK_EQUAL(guest_call(SYS_pread64, (uint64_t)news[0], (uintptr_t)seen, 1, 0), -ESPIPE);
		CHECK_EQUAL(guest_call(SYS_pwrite64, (uint64_t)news[1], (uintptr_t)seen, 1, 0), -ESPIPE);
		CHECK_EQUAL(guest_call(SYS_lseek, closed, 0, SEEK_CUR, 0), -EBADF);
		CHECK_EQUAL(guest_call(SYS_fstat, closed, (uintptr_t)seen, 0, 0), -EBADF);
		CHECK_EQUAL(guest_call(SYS_pwrite64, closed, (uintptr_t)seen, 1, 0), -EBADF);
		CHECK_EQUAL(guest_call(SYS_ioctl, closed, TCGETS, (uintptr_t)seen, 0), -EBADF);
	}
	close((int)folder_fd);
	close(open_files[0].twin);
	open_count = 0;
	end();
}

/* More than the reserve has room for waits until some of it is at home. */
static void writes_here_and_there_stay_within_the_reserve(void)
{
	uint64_t fd;

	begin(1);
	find_unit();
	fd = (uint64_t)open_one(O_RDWR);
	scattered_most = 0;
	for (uint64_t i = 0; i < 2000; i++) {
		if (i % 2 == 0) {
			CHECK_EQUAL(guest_call(SYS_pwrite64, fd, (uintptr_t)data, 1, i * 100 + 7), 1);
		} else {
			CHECK_EQUAL(guest_call(SYS_lseek, fd, i * 100, SEEK_SET, 0), (int64_t)(i * 100));
			CHECK_EQUAL(guest_call(SYS_write, fd, (uintptr_t)data, 1, 0), 1);
		}
	}
	if (unit != 0) /* half of it at least was in use */
		CHECK(scattered_most * LB_SCATTER_BLOCKS * unit >= LB_SCATTER_MAX / 2);
	if (unit <= LB_BLOCK_USUAL) { /* one after the other they need nothing of it */
		home_deliver(UINT64_MAX);
		guest_trips = 0;
		for (uint64_t i = 0; i < 2000; i++)
			CHECK_EQUAL(guest_call(SYS_pwrite64, fd, (uintptr_t)data, 64, i * 64), 64);
		CHECK_EQUAL(guest_trips, 0);
	}
	end();
}

/* SIGKILL: what was read and moved is told by the keeper, in the guest's place. */
static void a_dead_guest_has_moved_its_offset(void)
{
	for (uint64_t round = 1; round <= 100; round++) {
		off_t at;

		begin(round);
		fill(90000);
		open_one(O_RDWR);
		for (uint64_t calls = chance(40) + 1; calls > 0; calls--) {
			switch (chance(7)) {
			case 0:
				do_write(0);
				break;
			case 3:
				do_getppid();
				break;
			case 4:
				do_lseek(0);
				break;
			case 1:
				do_lseek(0);
				break;
			case 2:
				do_pread(0);
				break;
			default:
				do_read(0);
				break;
			}
		}
		guest_dies();
		home_deliver(UINT64_MAX);
		at = lseek(open_files[0].twin, 0, SEEK_CUR);
		CHECK_EQUAL(lseek(open_files[0].guest, 0, SEEK_CUR), at);
		check_files();
		end();
	}
}

int main(void)
{
	edge = mmap(NULL, SIZE_MAX_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	CHECK(edge != MAP_FAILED && mprotect(edge + 80 * PAGE, PAGE, PROT_NONE) == 0);
	edge += 80 * PAGE;
	guest_edge = (uintptr_t)edge;
	run_case("opening and reading a small file needs two round trips",
		opening_and_reading_a_small_file_needs_two_round_trips);
	run_case("what was told before a signal is not told again", what_was_told_before_a_signal_is_not_told_again);
	run_case("a shared offset is put and not moved", a_shared_offset_is_put_and_not_moved);
	/* From here on there was a fork: what was open before is never known again. */
	run_case("an offset that others have is asked for", an_offset_that_others_have_is_asked_for);
	run_case("a synchronous file is written at once", a_synchronous_file_is_written_at_once);
	run_case("what is too far is told at once", what_is_too_far_is_told_at_once);
	run_case("a long write is one in several messages", a_long_write_is_one_in_several_messages);
	run_case("other descriptors keep their errors", other_descriptors_keep_their_errors);
	run_case("writes here and there stay within the reserve", writes_here_and_there_stay_within_the_reserve);
	run_case("a dead guest has moved its offset", a_dead_guest_has_moved_its_offset);
	run_case("random calls give what local ones give", random_calls_give_what_local_ones_give);
	return 0;
}
