/* test_file_rules.c - Rules of calls on files that are answered without home, one each.
 * Units: tests/c/files_{guest,keeper,world}.c c/library/cache/ c/library/home_call/{ring,table}.c
 * c/library/patch/answers.c c/library/process/self.c c/library/thread/threads.c
 * c/shadow/{grant,backlog}.c c/keeper/ring.c c/base/mem.c
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <asm/ioctls.h>

#include "check.h"

#include "files_guest.h"
#include "files_world.h"

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

int main(void)
{
	world_prepare();
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
	return 0;
}
