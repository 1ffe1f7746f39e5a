/* test_files.c - Random calls on files that are answered without home. They give what a local run gives, whatever
 * is on its way.
 * Units: tests/c/files_{guest,keeper,world}.c c/library/cache/ c/library/home_call/{ring,table}.c
 * c/library/patch/answers.c c/library/process/self.c c/library/thread/threads.c
 * c/shadow/{grant,backlog}.c c/keeper/ring.c c/base/mem.c
 *
 * The guest's half and home's half are the real ones, in one process; the link between them is files_world.c. Random
 * calls are made twice: by the guest, and directly on a twin of each file.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <asm/ioctls.h>
#include <termios.h>

#include "check.h"

#include "files_guest.h"
#include "files_world.h"

#define CALLS 8000

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
	world_prepare();
	run_case("a dead guest has moved its offset", a_dead_guest_has_moved_its_offset);
	run_case("random calls give what local ones give", random_calls_give_what_local_ones_give);
	return 0;
}
