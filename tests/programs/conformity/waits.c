/* waits.c - Calls that wait, clocks and timers.
 *
 * A signal with and without SA_RESTART, and time limits.
 */
#include "conformity.h"

#include <fcntl.h>
#include <linux/futex.h>
#include <poll.h>
#include <stdio.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/file.h>
#include <sys/inotify.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/timerfd.h>
#include <sys/times.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static int pipe_fds[2];

static void on_alarm_write(int number)
{
	(void)number;
	if (write(pipe_fds[1], "x", 1) < 0)
		_exit(9);
}

/* A handler that makes the call's wait end: with SA_RESTART it goes on and gives the byte. */
static void alarm_that_writes(int flags)
{
	struct sigaction action = { .sa_handler = on_alarm_write, .sa_flags = flags };

	alarm_in(40, 0);
	sigaction(SIGALRM, &action, NULL);
}

static int ends[2];

static void on_alarm_end(int number)
{
	const uint64_t one = 1;

	(void)number;
	if (write(ends[1], &one, sizeof one) < 0)
		_exit(9);
}

static void on_alarm_unlock(int number)
{
	(void)number;
	flock(ends[1], LOCK_UN);
}

static void on_alarm_connect(int number)
{
	const struct sockaddr_un name = { AF_UNIX, "server" };

	(void)number;
	if (connect(ends[1], (const void *)&name, sizeof name) < 0 && errno != EISCONN)
		_exit(9);
}

static void restarts(void (*handler)(int))
{
	struct sigaction action = { .sa_handler = handler, .sa_flags = SA_RESTART };

	alarm_in(40, 0);
	sigaction(SIGALRM, &action, NULL);
}

/* With SA_RESTART a call goes on waiting: its handler ends the wait. */
static void check_restarted(void)
{
	const struct sockaddr_un name = { AF_UNIX, "server" };
	char text[16];
	int fd;

	ends[0] = ends[1] = must("eventfd", eventfd(0, 0));
	restarts(on_alarm_end);
	LASTS("read of an eventfd, restarted", 39, read(ends[0], text, 8));
	close(ends[0]);
	must("socketpair", socketpair(AF_UNIX, SOCK_STREAM, 0, ends));
	restarts(on_alarm_end);
	LASTS("recv, restarted", 39, recv(ends[0], text, sizeof text, 0));
	close(ends[0]);
	close(ends[1]);
	ends[0] = make_file("locked", "");
	ends[1] = must("open", open("locked", O_RDWR));
	flock(ends[1], LOCK_EX);
	restarts(on_alarm_unlock);
	LASTS("flock, restarted", 39, flock(ends[0], LOCK_EX));
	close(ends[0]);
	close(ends[1]);
	ends[0] = must("socket", socket(AF_UNIX, SOCK_STREAM, 0));
	ends[1] = must("socket", socket(AF_UNIX, SOCK_STREAM, 0));
	must("bind", bind(ends[0], (const void *)&name, sizeof name));
	must("listen", listen(ends[0], 1));
	restarts(on_alarm_connect);
	LASTS("accept, restarted", 39, (fd = accept(ends[0], NULL, NULL)) >= 0 ? 0 : -1);
	close(fd);
	close(ends[0]);
	close(ends[1]);
	alarm_in(0, 0);
}

static void check_interrupted(void)
{
	struct timespec time = { 5, 0 }, rest = { 0, 0 };
	struct pollfd list = { pipe_fds[0], POLLIN, 0 };
	fd_set set;
	char byte;

	alarm_in(40, 0);
	LASTS("read, interrupted", 39, read(pipe_fds[0], &byte, 1));
	alarm_that_writes(SA_RESTART);
	LASTS("read, restarted", 39, read(pipe_fds[0], &byte, 1));
	for (int flags = 0;; flags = SA_RESTART) {
		alarm_in(40, flags);
		LASTS("nanosleep", 39, nanosleep(&time, &rest));
		show("what is left of it", "%ld", (long)rest.tv_sec);
		alarm_in(40, flags);
		LASTS("clock_nanosleep, its error", 39, clock_nanosleep(CLOCK_MONOTONIC, 0, &time, &rest));
		alarm_in(40, flags);
		LASTS("poll", 39, poll(&list, 1, 5000));
		alarm_in(40, flags);
		LASTS("poll without a limit", 39, poll(&list, 1, -1));
		alarm_in(40, flags);
		LASTS("ppoll", 39, ppoll(&list, 1, &time, NULL));
		FD_ZERO(&set);
		FD_SET(pipe_fds[0], &set);
		alarm_in(40, flags);
		LASTS("select", 39, select(pipe_fds[0] + 1, &set, NULL, NULL, NULL));
		alarm_in(40, flags);
		LASTS("pselect", 39, pselect(pipe_fds[0] + 1, &set, NULL, NULL, &time, NULL));
		if (flags)
			break;
	}
	alarm_in(0, 0);
	read(pipe_fds[0], &byte, poll(&list, 1, 0));
}

/* As a C library makes it: what goes through syscall(2) ends with EINTR when it is moved (docs/LIMITS.md). */
static long futex(uint32_t *word, int operation, uint32_t value, const struct timespec *limit, uint32_t bits)
{
	register const struct timespec *r10 __asm__("r10") = limit;
	register void *r8 __asm__("r8") = NULL;
	register uint64_t r9 __asm__("r9") = bits;
	long result;

	__asm__ volatile("mov $202, %%eax\n\tsyscall"
		: "=&a"(result)
		: "D"(word), "S"(operation), "d"(value), "r"(r10), "r"(r8), "r"(r9)
		: "rcx", "r11", "memory");
	errno = result < 0 ? (int)-result : 0;
	return result < 0 ? -1 : result;
}

static void check_more_interrupted(void)
{
	int epoll = must("epoll", epoll_create1(0)), event = must("eventfd", eventfd(0, 0));
	int timer = must("timerfd", timerfd_create(CLOCK_MONOTONIC, 0)), watch = must("inotify", inotify_init());
	int fds[2];
	struct timespec time = { 5, 0 };
	struct epoll_event got;
	uint32_t word = 1;
	uint64_t value;
	char text[64];

	must("socketpair", socketpair(AF_UNIX, SOCK_STREAM, 0, fds));
	alarm_in(40, SA_RESTART);
	LASTS("epoll_wait", 39, epoll_wait(epoll, &got, 1, -1));
	alarm_in(40, 0);
	LASTS("epoll_pwait", 39, epoll_pwait(epoll, &got, 1, 5000, NULL));
	alarm_in(40, 0);
	LASTS("epoll_pwait2", 39, epoll_pwait2(epoll, &got, 1, &time, NULL));
	alarm_in(40, 0);
	LASTS("read of an eventfd", 39, read(event, &value, 8));
	alarm_in(40, 0);
	LASTS("read of a timerfd", 39, read(timer, &value, 8));
	alarm_in(40, 0);
	LASTS("read of inotify", 39, read(watch, text, sizeof text));
	alarm_in(40, 0);
	LASTS("recv", 39, recv(fds[0], text, sizeof text, 0));
	alarm_in(40, 0);
	LASTS("futex", 39, futex(&word, FUTEX_WAIT, 1, &time, 0));
	alarm_in(40, 0);
	LASTS("futex without a limit", 39, futex(&word, FUTEX_WAIT_PRIVATE, 1, NULL, 0));
	alarm_in(0, 0);
	CALL("futex of another value", futex(&word, FUTEX_WAIT, 2, &time, 0));
	time = (struct timespec){ 0, 30000000 };
	LASTS("futex with a limit", 29, futex(&word, FUTEX_WAIT, 1, &time, 0));
	CALL("futex that wakes nobody", futex(&word, FUTEX_WAKE, 1, NULL, 0));
	lasts_from_here();
	clock_gettime(CLOCK_MONOTONIC, &time);
	time.tv_sec += (time.tv_nsec += 30000000) / 1000000000;
	time.tv_nsec %= 1000000000;
	LASTS("futex until a point in time", 29, futex(&word, FUTEX_WAIT_BITSET, 1, &time, ~0u));
	close(epoll);
	close(event);
	close(timer);
	close(watch);
	close(fds[0]);
	close(fds[1]);
}

static void run_interrupted(void)
{
	must("pipe", pipe(pipe_fds));
	check_interrupted();
	check_restarted();
	check_more_interrupted();
	close(pipe_fds[0]);
	close(pipe_fds[1]);
}

/* Waits with time limits that a move in their middle may not change. */
static void run_limits(void)
{
	int fds[2], epoll = must("epoll", epoll_create1(0));
	struct timespec time = { 0, 200000000 }, now;
	struct timeval old = { 0, 200000 };
	struct epoll_event got;
	sigset_t none;

	sigemptyset(&none);
	must("pipe", pipe(fds));
	struct pollfd list = { fds[0], POLLIN, 0 };
	LASTS("nanosleep", 200, nanosleep(&time, NULL));
	LASTS("clock_nanosleep", 200, clock_nanosleep(CLOCK_REALTIME, 0, &time, NULL));
	lasts_from_here();
	clock_gettime(CLOCK_MONOTONIC, &now);
	now.tv_sec += (now.tv_nsec += 200000000) / 1000000000;
	now.tv_nsec %= 1000000000;
	LASTS("clock_nanosleep until a point in time", 199,
		clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &now, NULL));
	LASTS("poll", 200, poll(&list, 1, 200));
	LASTS("ppoll", 200, ppoll(&list, 1, &time, &none));
	LASTS("select", 200, select(0, NULL, NULL, NULL, &old));
	LASTS("pselect", 200, pselect(0, NULL, NULL, NULL, &time, &none));
	LASTS("epoll_wait", 200, epoll_wait(epoll, &got, 1, 200));
	LASTS("epoll_pwait", 200, epoll_pwait(epoll, &got, 1, 200, &none));
	LASTS("epoll_pwait2", 200, epoll_pwait2(epoll, &got, 1, &time, &none));
	LASTS("sigtimedwait", 200, sigtimedwait(&none, NULL, &time));
	close(fds[0]);
	close(fds[1]);
	close(epoll);
}

static void check_clocks(void)
{
	struct timespec time, later;
	struct timeval day;
	struct tms used;

	CALL("clock_gettime", clock_gettime(CLOCK_MONOTONIC, &time));
	clock_gettime(CLOCK_MONOTONIC, &later);
	show("it does not go back", "%d",
		later.tv_sec > time.tv_sec || (later.tv_sec == time.tv_sec && later.tv_nsec >= time.tv_nsec));
	syscall(SYS_clock_gettime, CLOCK_MONOTONIC, &time);
	show("nor when the call is made", "%d",
		time.tv_sec > later.tv_sec || (later.tv_sec == time.tv_sec && time.tv_nsec >= later.tv_nsec));
	CALL("clock_gettime of an unknown clock", clock_gettime(99, &time));
	CALL("clock_getres", clock_getres(CLOCK_MONOTONIC, &time));
	show("it", "%ld", (long)time.tv_nsec);
	CALL("gettimeofday", gettimeofday(&day, NULL));
	clock_gettime(CLOCK_REALTIME, &time);
	show("the clocks agree", "%d", time.tv_sec - day.tv_sec <= 1);
	CALL("clock_gettime of CPU time", clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time));
	WORKS("times", times(&used));
	CALL("clock_settime", clock_settime(CLOCK_MONOTONIC, &time));
	CALL("clock_settime of CPU time", syscall(SYS_clock_settime, CLOCK_PROCESS_CPUTIME_ID, &time));
	time = (struct timespec){ 0, 1000000000 };
	CALL("nanosleep of no time", nanosleep(&time, NULL));
	time = (struct timespec){ 1, 0 };
	CALL("clock_nanosleep of the past", clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &time, NULL));
	CALL("clock_nanosleep of an unknown clock", clock_nanosleep(99, 0, &time, NULL));
}

static void check_intervals(void)
{
	struct itimerval timer = { { 0, 10000 }, { 0, 10000 } }, off = { { 0, 0 }, { 0, 0 } }, old;

	catch_signal(SIGALRM, SA_RESTART);
	CALL("setitimer", setitimer(ITIMER_REAL, &timer, NULL));
	while (caught < 5)
		pause();
	CALL("getitimer", getitimer(ITIMER_REAL, &old));
	show("its interval", "%ld %d", (long)old.it_interval.tv_usec, old.it_value.tv_usec <= 10000);
	CALL("setitimer that ends it", setitimer(ITIMER_REAL, &off, &old));
	CALL("setitimer of an unknown kind", setitimer(99, &off, NULL));
	timer.it_value.tv_usec = 1000000;
	CALL("setitimer of no time", setitimer(ITIMER_REAL, &timer, NULL));
	CALL("alarm", alarm(100));
	CALL("alarm again", alarm(0) > 90);
	catch_signal(SIGVTALRM, SA_RESTART);
	timer = (struct itimerval){ { 0, 0 }, { 0, 10000 } };
	CALL("setitimer ITIMER_VIRTUAL", setitimer(ITIMER_VIRTUAL, &timer, NULL));
	for (int64_t end = now_ms() + 10000; caught == 0 && now_ms() < end;)
		;
	show("it came", "%d", (int)caught);
	default_signal(SIGALRM);
	default_signal(SIGVTALRM);
}

static void check_timers(void)
{
	struct sigevent event = { .sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR1, .sigev_value.sival_int = 5 };
	struct itimerspec time = { { 0, 10000000 }, { 0, 10000000 } }, old;
	sigset_t set, before;
	int id = -1, other = -1;

	CALL("timer_create", syscall(SYS_timer_create, CLOCK_MONOTONIC, &event, &id));
	CALL("timer_create of another", syscall(SYS_timer_create, CLOCK_REALTIME, NULL, &other));
	show("its number", "%d", other - id);
	CALL("timer_create of an unknown clock", syscall(SYS_timer_create, 99, &event, &id));
	CALL("timer_create of bad memory", syscall(SYS_timer_create, CLOCK_MONOTONIC, BAD, &id));
	event.sigev_signo = 99;
	CALL("timer_create of a bad signal", syscall(SYS_timer_create, CLOCK_MONOTONIC, &event, &id));
	event = (struct sigevent){ .sigev_notify = SIGEV_THREAD_ID, .sigev_signo = SIGUSR1 };
	event._sigev_un._tid = 1;
	CALL("timer_create for another's thread", syscall(SYS_timer_create, CLOCK_MONOTONIC, &event, &id));
	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	sigprocmask(SIG_BLOCK, &set, &before);
	catch_signal(SIGUSR1, SA_RESTART);
	CALL("timer_settime", syscall(SYS_timer_settime, id, 0, &time, &old));
	show("it was off", "%ld %ld", (long)old.it_value.tv_sec, (long)old.it_value.tv_nsec);
	usleep(100000);
	sigprocmask(SIG_SETMASK, &before, NULL);
	show("its signal", "%d code %d value %d number %d", caught > 0, caught_info.si_code,
		caught_info.si_value.sival_int, caught_info.si_timerid == id);
	CALL("timer_getoverrun", syscall(SYS_timer_getoverrun, id) >= 0);
	CALL("timer_gettime", syscall(SYS_timer_gettime, id, &old));
	show("its interval", "%ld %d", (long)old.it_interval.tv_nsec, old.it_value.tv_nsec <= 10000000);
	time.it_value.tv_nsec = 1000000000;
	CALL("timer_settime to no time", syscall(SYS_timer_settime, id, 0, &time, NULL));
	CALL("timer_settime of bad memory", syscall(SYS_timer_settime, id, 0, BAD, NULL));
	CALL("timer_settime of nothing", syscall(SYS_timer_settime, id, 0, NULL, NULL));
	CALL("timer_settime of an unknown timer", syscall(SYS_timer_settime, 12345, 0, &old, NULL));
	clock_gettime(CLOCK_MONOTONIC, &time.it_value);
	time.it_interval.tv_nsec = 0;
	caught = 0;
	CALL("timer_settime to the past", syscall(SYS_timer_settime, id, TIMER_ABSTIME, &time, NULL));
	for (int i = 0; i < 100 && caught == 0; i++)
		usleep(10000);
	show("its signal", "%d", (int)caught);
	CALL("timer_delete", syscall(SYS_timer_delete, id));
	CALL("timer_delete again", syscall(SYS_timer_delete, id));
	CALL("timer_delete of the other", syscall(SYS_timer_delete, other));
	default_signal(SIGUSR1);
}

static void run_clocks(void)
{
	check_timers();
	check_clocks();
	check_intervals();
}

const struct part part_interrupted = { "interrupted", run_interrupted };
const struct part part_limits = { "limits", run_limits };
const struct part part_clocks = { "clocks", run_clocks };
