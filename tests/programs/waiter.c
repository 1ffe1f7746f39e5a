/* waiter.c - Waits in one kind of call, and times it.
 *
 *   waiter KIND MS
 *
 * Prints "ready", waits for the file "go", waits by the call, and prints "waited MS". The call itself must end as it
 * does when nothing happens: by its limit, or by its signal; else one line says how it ended, and exit status 1.
 */
#include <errno.h>
#include <linux/futex.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/select.h>
#include <sys/sem.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

static struct timespec limit, until;
static int limit_ms;

static void on_signal(int number)
{
	(void)number;
}

static void arm(void)
{
	struct itimerval timer = { { 0, 0 }, { limit_ms / 1000, limit_ms % 1000 * 1000 } };
	struct sigaction action = { .sa_handler = on_signal };

	sigaction(SIGALRM, &action, NULL);
	setitimer(ITIMER_REAL, &timer, NULL);
}

static long do_nanosleep(void)
{
	return nanosleep(&limit, NULL);
}

static long do_sleep(void)
{
	return sleep((unsigned)limit_ms / 1000);
}

static long do_until(void)
{
	return clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, NULL);
}

static long do_poll(void)
{
	return poll(NULL, 0, limit_ms);
}

static long do_ppoll(void)
{
	return ppoll(NULL, 0, &limit, NULL);
}

static long do_select(void)
{
	struct timeval time = { limit.tv_sec, limit.tv_nsec / 1000 };

	return select(0, NULL, NULL, NULL, &time);
}

static long do_pselect(void)
{
	return pselect(0, NULL, NULL, NULL, &limit, NULL);
}

static long do_epoll(void)
{
	struct epoll_event event;

	return epoll_wait(epoll_create1(0), &event, 1, limit_ms);
}

static long do_epoll2(void)
{
	struct epoll_event event;

	return epoll_pwait2(epoll_create1(0), &event, 1, &limit, NULL);
}

static long do_sigtimedwait(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	return sigtimedwait(&set, NULL, &limit) < 0 && errno == EAGAIN ? 0 : -1;
}

/* As a C library makes it: what goes through syscall(2) ends with EINTR when it is moved (docs/LIMITS.md). */
static long do_futex(void)
{
	register const struct timespec *r10 __asm__("r10") = &limit;
	uint32_t word = 1;
	long result;

	__asm__ volatile("mov $202, %%eax\n\tsyscall"
		: "=&a"(result)
		: "D"(&word), "S"(FUTEX_WAIT_PRIVATE), "d"(1), "r"(r10)
		: "rcx", "r11", "memory");
	errno = result < 0 ? (int)-result : 0;
	return result == -ETIMEDOUT ? 0 : -1;
}

static long do_futex_until(void)
{
	uint32_t word = 1;

	return syscall(SYS_futex, &word, FUTEX_WAIT_BITSET, 1, &until, NULL, ~0u) < 0 && errno == ETIMEDOUT ? 0 : -1;
}

static long do_semaphore(void)
{
	struct sembuf down = { 0, -1, 0 };
	int set = semget(IPC_PRIVATE, 1, 0600);
	long result = semtimedop(set, &down, 1, &limit) < 0 && errno == EAGAIN ? 0 : -1;

	semctl(set, 0, IPC_RMID);
	return result;
}

static long do_timerfd(void)
{
	struct itimerspec timer = { { 0, 0 }, limit };
	int fd = timerfd_create(CLOCK_MONOTONIC, 0);
	uint64_t ticks;

	timerfd_settime(fd, 0, &timer, NULL);
	return read(fd, &ticks, sizeof ticks) == sizeof ticks ? 0 : -1;
}

static long do_receive(void)
{
	struct timeval time = { limit.tv_sec, limit.tv_nsec / 1000 };
	char byte;
	int fds[2];

	if (socketpair(AF_UNIX, SOCK_STREAM, 0, fds) < 0 ||
		setsockopt(fds[0], SOL_SOCKET, SO_RCVTIMEO, &time, sizeof time) < 0)
		return -1;
	return recv(fds[0], &byte, 1, 0) < 0 && errno == EAGAIN ? 0 : -1;
}

static long do_pause(void)
{
	arm();
	return pause() < 0 && errno == EINTR ? 0 : -1;
}

static long do_read(void)
{
	char byte;
	int fds[2];

	if (pipe(fds) < 0)
		return -1;
	arm();
	return read(fds[0], &byte, 1) < 0 && errno == EINTR ? 0 : -1;
}

static long do_timer(void)
{
	struct sigevent event = { .sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR2 };
	struct itimerspec time = { { 0, 0 }, until };
	sigset_t set;
	timer_t id;

	sigemptyset(&set);
	sigaddset(&set, SIGUSR2);
	sigprocmask(SIG_BLOCK, &set, NULL);
	if (timer_create(CLOCK_MONOTONIC, &event, &id) < 0 || timer_settime(id, TIMER_ABSTIME, &time, NULL) < 0)
		return -1;
	return sigwaitinfo(&set, NULL) == SIGUSR2 ? 0 : -1;
}

static const struct {
	const char *name;
	long (*wait)(void);
} kinds[] = {
	{ "nanosleep", do_nanosleep },
	{ "sleep", do_sleep },
	{ "until", do_until },
	{ "poll", do_poll },
	{ "ppoll", do_ppoll },
	{ "select", do_select },
	{ "pselect", do_pselect },
	{ "epoll", do_epoll },
	{ "epoll2", do_epoll2 },
	{ "sigtimedwait", do_sigtimedwait },
	{ "futex", do_futex },
	{ "futex-until", do_futex_until },
	{ "semaphore", do_semaphore },
	{ "timerfd", do_timerfd },
	{ "receive", do_receive },
	{ "pause", do_pause },
	{ "read", do_read },
	{ "timer", do_timer },
};

static int64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static void run(long (*wait)(void))
{
	int64_t from_ms;
	long result;

	printf("ready\n");
	fflush(stdout);
	while (access("go", F_OK) < 0)
		usleep(20000);
	limit = (struct timespec){ limit_ms / 1000, limit_ms % 1000 * 1000000 };
	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec += limit.tv_sec + (until.tv_nsec + limit.tv_nsec) / 1000000000;
	until.tv_nsec = (until.tv_nsec + limit.tv_nsec) % 1000000000;
	from_ms = now_ms();
	result = wait();
	if (result != 0) {
		printf("FAILED: %ld, errno %d, after %ld ms\n", result, errno, (long)(now_ms() - from_ms));
		exit(1);
	}
	printf("waited %ld\n", (long)(now_ms() - from_ms));
}

int main(int argc, char **argv)
{
	for (size_t i = 0; argc == 3 && i < sizeof kinds / sizeof *kinds; i++) {
		if (strcmp(argv[1], kinds[i].name) != 0)
			continue;
		limit_ms = atoi(argv[2]);
		run(kinds[i].wait);
		return 0;
	}
	fprintf(stderr, "usage: waiter KIND MS\n");
	return 2;
}
