/* descriptors.c - numbers of descriptors, their flags, and locks. */
#include "conformity.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/epoll.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

static void check_dup(void)
{
	int fd = make_file("dup", "text"), low, again;
	struct stat status;

	low = dup(fd);
	CALL("dup2 to itself", dup2(fd, fd) == fd);
	CALL("dup2 of a closed descriptor to itself", dup2(800, 800));
	CALL("dup3 to itself", dup3(fd, fd, 0));
	CALL("dup3 with bad flags", dup3(fd, 60, 99));
	CALL("dup2", dup2(fd, 70));
	CALL("dup2 over one that is open", dup2(low, 70));
	CALL("dup3 O_CLOEXEC", dup3(fd, 71, O_CLOEXEC));
	CALL("its flag", fcntl(71, F_GETFD));
	CALL("the other's flag", fcntl(70, F_GETFD));
	CALL("F_SETFD", fcntl(70, F_SETFD, FD_CLOEXEC));
	CALL("flag then", fcntl(70, F_GETFD));
	CALL("F_DUPFD", fcntl(fd, F_DUPFD, 70));
	CALL("F_DUPFD_CLOEXEC", fcntl(fd, F_DUPFD_CLOEXEC, 80));
	CALL("its flag", fcntl(80, F_GETFD));
	CALL("dup2 to a negative number", dup2(fd, -1));
	CALL("dup2 to a number above the limit", dup2(fd, 1 << 30));
	CALL("F_DUPFD above the limit", fcntl(fd, F_DUPFD, 1 << 30));
	CALL("fcntl of something unknown", fcntl(fd, 9999, 0));
	close(low);
	again = dup(fd);
	show("the lowest free number is taken", "%d", again == low);
	CALL("close", close(again));
	CALL("close again", close(again));
	CALL("FIOCLEX", ioctl(fd, FIOCLEX));
	CALL("its flag", fcntl(fd, F_GETFD));
	CALL("FIONCLEX", ioctl(fd, FIONCLEX));
	CALL("flags of an open file", fcntl(fd, F_GETFL) & (O_ACCMODE | O_APPEND | O_NONBLOCK));
	CALL("F_SETFL", fcntl(fd, F_SETFL, O_APPEND | O_NONBLOCK | O_WRONLY));
	CALL("flags then", fcntl(70, F_GETFL) & (O_ACCMODE | O_APPEND | O_NONBLOCK));
	CALL("FIONREAD of a file", ioctl(fd, FIONREAD, &again));
	show("it", "%d", again);
	CALL("fstat of a high number", fstat(1000, &status));
	for (int number = 70; number <= 81; number++)
		close(number);
	close(fd);
}

/* Numbers that something of lb's may have: they are the program's all the same. */
static void check_high_numbers(void)
{
	int fd = make_file("high", "text"), bad = 0, used = 0;
	struct rlimit limit;
	struct stat status;

	getrlimit(RLIMIT_NOFILE, &limit);
	for (int number = (int)limit.rlim_cur - 80; number < (int)limit.rlim_cur; number++) {
		used += fstat(number, &status) == 0;
		bad += close(number) == 0;
	}
	show("high numbers that are in use", "%d %d", used, bad);
	for (int number = (int)limit.rlim_cur - 80; number < (int)limit.rlim_cur; number++)
		bad += dup2(fd, number) != number || fstat(number, &status) < 0 || status.st_size != 4;
	show("high numbers that cannot be had", "%d", bad);
	for (int number = (int)limit.rlim_cur - 80; number < (int)limit.rlim_cur; number++)
		bad += close(number) < 0;
	show("or closed", "%d", bad);
	dup2(fd, 100);
	dup2(fd, 101);
	dup2(fd, 103);
	CALL("close_range CLOEXEC", close_range(100, 110, CLOSE_RANGE_CLOEXEC));
	CALL("a flag then", fcntl(103, F_GETFD));
	CALL("close_range", close_range(101, 102, 0));
	CALL("inside", fcntl(101, F_GETFD));
	CALL("outside", fcntl(103, F_GETFD));
	CALL("close_range backwards", close_range(103, 100, 0));
	CALL("close_range of all that are high", close_range(100, ~0u, 0));
	CALL("outside then", fcntl(103, F_GETFD));
	close(fd);
}

static void check_limit(void)
{
	struct rlimit limit, low;
	int fd = make_file("limit", "text"), fds[64], count = 0;

	getrlimit(RLIMIT_NOFILE, &limit);
	low = limit;
	low.rlim_cur = 40;
	CALL("setrlimit RLIMIT_NOFILE", setrlimit(RLIMIT_NOFILE, &low));
	CALL("dup2 at the limit", dup2(fd, 40));
	CALL("dup2 below", dup2(fd, 39));
	while (count < 64 && (fds[count] = dup(fd)) >= 0)
		count++;
	CALL("dup with no number left", dup(fd));
	CALL("open with no number left", open("limit", O_RDONLY));
	CALL("pipe with no number left", pipe(fds + 60));
	while (count > 0)
		close(fds[--count]);
	close(39);
	low.rlim_cur = low.rlim_max + 1;
	CALL("setrlimit above the hard limit", low.rlim_cur == 0 ? 0 : setrlimit(RLIMIT_NOFILE, &low));
	CALL("setrlimit back", setrlimit(RLIMIT_NOFILE, &limit));
	close(fd);
}

static void check_own(void)
{
	struct f_owner_ex owner = { F_OWNER_PID, getpid() };
	int fds[2];

	must("pipe", pipe2(fds, O_NONBLOCK | O_CLOEXEC));
	CALL("F_SETOWN", fcntl(fds[0], F_SETOWN, getpid()));
	CALL("F_GETOWN is this process", fcntl(fds[0], F_GETOWN) == getpid());
	CALL("F_SETOWN_EX", fcntl(fds[0], F_SETOWN_EX, &owner));
	owner.pid = 0;
	CALL("F_GETOWN_EX", fcntl(fds[0], F_GETOWN_EX, &owner));
	show("is this process too", "%d", owner.pid == getpid());
	catch_signal(SIGIO, SA_RESTART);
	CALL("O_ASYNC", fcntl(fds[0], F_SETFL, O_ASYNC | O_NONBLOCK));
	write(fds[1], "x", 1);
	for (int i = 0; i < 100 && caught == 0; i++)
		usleep(10000);
	show("SIGIO", "%d", (int)caught);
	close(fds[0]);
	close(fds[1]);
	default_signal(SIGIO);
}

static void run_descriptors(void)
{
	check_dup();
	check_high_numbers();
	check_limit();
	check_own();
}

static struct flock lock_of(int type, off_t from, off_t length)
{
	struct flock lock = { .l_type = (short)type, .l_whence = SEEK_SET, .l_start = from, .l_len = length };

	return lock;
}

static void run_locks(void)
{
	int fd = make_file("lock", "0123456789"), other = open("lock", O_RDWR);
	int reader = open("lock", O_RDONLY);
	struct flock lock = lock_of(F_WRLCK, 0, 5);

	CALL("F_SETLK", fcntl(fd, F_SETLK, &lock));
	CALL("the same process again", fcntl(other, F_SETLK, &lock));
	CALL("F_OFD_SETLK against it", fcntl(other, F_OFD_SETLK, &lock));
	CALL("F_OFD_GETLK", fcntl(other, F_OFD_GETLK, &lock));
	show("what is in the way", "%d %ld %ld %d", lock.l_type, (long)lock.l_start, (long)lock.l_len,
		lock.l_pid == getpid());
	lock = lock_of(F_UNLCK, 0, 0);
	CALL("F_SETLK that unlocks", fcntl(fd, F_SETLK, &lock));
	lock = lock_of(F_RDLCK, 0, 5);
	CALL("F_OFD_SETLK shared", fcntl(fd, F_OFD_SETLK, &lock));
	CALL("shared with another", fcntl(other, F_OFD_SETLK, &lock));
	lock = lock_of(F_WRLCK, 4, 4);
	CALL("F_OFD_SETLK against that", fcntl(other, F_OFD_SETLK, &lock));
	lock = lock_of(F_WRLCK, 5, 4);
	CALL("F_OFD_SETLK beside it", fcntl(other, F_OFD_SETLK, &lock));
	CALL("F_SETLK on it by the process", fcntl(fd, F_SETLK, &lock));
	lock = lock_of(F_WRLCK, 0, 1);
	CALL("a lock for writing of a file open for reading", fcntl(reader, F_SETLK, &lock));
	lock.l_type = 99;
	CALL("a lock of an unknown kind", fcntl(fd, F_SETLK, &lock));
	CALL("flock", flock(fd, LOCK_EX));
	CALL("flock against it", flock(other, LOCK_EX | LOCK_NB));
	alarm_in(50, 0);
	LASTS("flock that waits and is interrupted", 49, flock(other, LOCK_SH));
	lock = lock_of(F_WRLCK, 0, 5);
	alarm_in(50, 0);
	LASTS("F_OFD_SETLKW that waits and is interrupted", 49, fcntl(other, F_OFD_SETLKW, &lock));
	alarm_in(0, 0);
	CALL("flock that unlocks", flock(fd, LOCK_UN));
	CALL("flock then", flock(other, LOCK_EX | LOCK_NB));
	CALL("flock of something unknown", flock(other, 99));
	CALL("F_SETLEASE of a file that others have open", fcntl(fd, F_SETLEASE, F_WRLCK));
	CALL("F_GETLEASE", fcntl(fd, F_GETLEASE));
	close(reader);
	close(other);
	close(fd);
}

const struct part part_descriptors = { "descriptors", run_descriptors };
const struct part part_locks = { "locks", run_locks };
