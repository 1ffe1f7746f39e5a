/* signalloop.c - An event loop under a storm of signals.
 *
 * Of epoll, signalfd and timerfd; each record is checked.
 *
 *   signalloop SECONDS            prints "ready", then "OK ..." or one line that says what was wrong
 *   signalloop send PID SECONDS   sends it signals meanwhile; prints how many
 *
 * The sender queues RT + 3 with values 1, 2, 3, ..., which must come once each and in order, sometimes SIGUSR1, and at
 * its end RT + 4 with the last number. The program queues RT + 5 to itself in the same way. Both sometimes come to a
 * handler, when they are let through, or by sigtimedwait(2), and go on in the signalfd. Besides there are a POSIX timer
 * (RT + 6), an interval timer (SIGALRM) and children, whose SIGCHLD has the default action. One signalfd is level-, the
 * other edge-triggered.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <sys/time.h>
#include <sys/timerfd.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define OUTSIDE (SIGRTMIN + 3)
#define TOTAL (SIGRTMIN + 4)
#define OWN (SIGRTMIN + 5)
#define TIMER (SIGRTMIN + 6)
#define TIMER_MS 4
#define ALARM_US 7000
#define TICK_NS 10000000L
#define SEND_NS 800000L
#define CHILD_MS 500 /* between two: a process with a child stays at home */

static volatile long outside, own, handled;
static long own_sent, total = -1, users, alarms, ticks, fd_ticks, children, reads;
static pid_t self, sender, child;
static int level_fd, edge_fd, timer_fd, epoll_fd;
static sigset_t level_set, edge_set, all_set;

static void die(const char *what, long a, long b)
{
	printf("FAILED %s: %ld %ld errno %d\n", what, a, b, errno);
	fflush(stdout);
	_exit(1);
}

static int64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static void count_queued(int number, long value, pid_t from)
{
	if (number == OUTSIDE) {
		if (value != outside + 1)
			die("order of signals from outside", value, outside + 1);
		if (sender != 0 && from != sender)
			die("who has sent it", from, sender);
		sender = from;
		outside = value;
	} else {
		if (value != own + 1)
			die("order of signals of its own", value, own + 1);
		if (from != self)
			die("who has sent one of its own", from, self);
		own = value;
	}
}

static void on_queued(int number, siginfo_t *info, void *context)
{
	(void)context;
	handled++;
	count_queued(number, info->si_value.sival_int, info->si_pid);
}

static void end_child(const struct signalfd_siginfo *info)
{
	int status;

	if (info->ssi_pid != (uint32_t)child || info->ssi_code != CLD_EXITED ||
		info->ssi_status != (int)(children & 63))
		die("a child's signal", info->ssi_pid, info->ssi_status);
	if (waitpid(child, &status, 0) != child || WEXITSTATUS(status) != (children & 63))
		die("a child's end", child, status);
	child = 0;
}

static void take(const struct signalfd_siginfo *info)
{
	int number = (int)info->ssi_signo;

	if (number == OUTSIDE || number == OWN) {
		if (info->ssi_code != SI_QUEUE || info->ssi_uid != getuid())
			die("a queued signal's origin", info->ssi_code, info->ssi_uid);
		count_queued(number, info->ssi_int, (pid_t)info->ssi_pid);
	} else if (number == TOTAL) {
		total = info->ssi_int;
	} else if (number == TIMER) {
		if (info->ssi_code != SI_TIMER || info->ssi_int != 815)
			die("a timer's signal", info->ssi_code, info->ssi_int);
		ticks += 1 + info->ssi_overrun;
	} else if (number == SIGALRM) {
		alarms++;
	} else if (number == SIGUSR1) {
		users++;
	} else if (number == SIGCHLD) {
		end_child(info);
	} else {
		die("an unknown signal", number, info->ssi_code);
	}
}

/* Until there is none left: the edge-triggered one tells only once. */
static void read_all(int fd)
{
	struct signalfd_siginfo info[5];
	ssize_t size;

	while ((size = read(fd, info, sizeof info)) > 0) {
		reads++;
		if (size % sizeof info[0] != 0)
			die("the size of what was read", size, 0);
		for (size_t i = 0; i < (size_t)size / sizeof info[0]; i++)
			take(&info[i]);
	}
	if (size == 0 || errno != EAGAIN)
		die("read", size, fd);
}

static void set_up(void)
{
	struct epoll_event level = { .events = EPOLLIN }, edge = { .events = EPOLLIN | EPOLLET };
	struct sigaction action = { .sa_sigaction = on_queued, .sa_flags = SA_SIGINFO | SA_RESTART };
	struct sigevent event = { .sigev_notify = SIGEV_SIGNAL, .sigev_signo = TIMER };
	struct itimerspec each = { { 0, TIMER_MS * 1000000 }, { 0, TIMER_MS * 1000000 } };
	struct itimerspec tick = { { 0, TICK_NS }, { 0, TICK_NS } };
	struct itimerval alarm = { { 0, ALARM_US }, { 0, ALARM_US } };
	timer_t timer;

	sigaction(OUTSIDE, &action, NULL);
	sigaction(OWN, &action, NULL);
	sigemptyset(&level_set);
	sigaddset(&level_set, OUTSIDE);
	sigaddset(&level_set, OWN);
	sigaddset(&level_set, TOTAL);
	sigemptyset(&edge_set);
	sigaddset(&edge_set, SIGALRM);
	sigaddset(&edge_set, SIGUSR1);
	sigaddset(&edge_set, SIGCHLD);
	sigaddset(&edge_set, TIMER);
	sigorset(&all_set, &level_set, &edge_set);
	sigprocmask(SIG_BLOCK, &all_set, NULL);
	level_fd = level.data.fd = signalfd(-1, &level_set, SFD_NONBLOCK | SFD_CLOEXEC);
	edge_fd = edge.data.fd = signalfd(-1, &edge_set, SFD_NONBLOCK | SFD_CLOEXEC);
	timer_fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK);
	epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	if (epoll_ctl(epoll_fd, EPOLL_CTL_ADD, level_fd, &level) < 0 ||
		epoll_ctl(epoll_fd, EPOLL_CTL_ADD, edge_fd, &edge) < 0)
		die("epoll_ctl", level_fd, edge_fd);
	level.data.fd = timer_fd;
	epoll_ctl(epoll_fd, EPOLL_CTL_ADD, timer_fd, &level);
	timerfd_settime(timer_fd, 0, &tick, NULL);
	event.sigev_value.sival_int = 815;
	if (timer_create(CLOCK_MONOTONIC, &event, &timer) < 0 || timer_settime(timer, 0, &each, NULL) < 0)
		die("timer", 0, 0);
	setitimer(ITIMER_REAL, &alarm, NULL);
}

static void wait_events(void)
{
	struct epoll_event events[4];
	int count = epoll_wait(epoll_fd, events, 4, 5000);
	uint64_t expired;

	if (count <= 0)
		die("epoll_wait", count, 0);
	for (int i = 0; i < count; i++) {
		if (events[i].data.fd != timer_fd)
			read_all(events[i].data.fd);
		else if (read(timer_fd, &expired, sizeof expired) == sizeof expired)
			fd_ticks += (long)expired;
	}
}

static void let_through(void)
{
	sigprocmask(SIG_UNBLOCK, &level_set, NULL);
	sigprocmask(SIG_BLOCK, &level_set, NULL);
}

static void wait_for_own(void)
{
	struct timespec now = { 0, 0 };
	siginfo_t info;
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, OWN);
	while (sigtimedwait(&set, &info, &now) == OWN)
		count_queued(OWN, info.si_value.sival_int, info.si_pid);
}

static void begin_child(void)
{
	children++;
	child = fork();
	if (child == 0)
		_exit((int)(children & 63));
	if (child < 0)
		die("fork", child, 0);
}

static int run(int seconds)
{
	int64_t begin_ms = now_ms(), end_ms = begin_ms + seconds * 1000L, child_ms = begin_ms, least;

	self = getpid();
	set_up();
	printf("ready\n");
	fflush(stdout);
	for (long round = 1; now_ms() < end_ms || total < 0 || outside < total || child != 0; round++) {
		if (now_ms() > end_ms + 30000)
			die("what is missing at the end", outside, total);
		for (int i = 0; i < 3; i++)
			sigqueue(self, OWN, (union sigval){ .sival_int = (int)++own_sent });
		wait_events();
		if (round % 7 == 0)
			let_through();
		if (round % 11 == 0)
			wait_for_own();
		if (child == 0 && now_ms() > child_ms + CHILD_MS && now_ms() < end_ms) {
			begin_child();
			child_ms = now_ms();
		}
	}
	read_all(level_fd);
	if (own != own_sent)
		die("signals of its own", own, own_sent);
	least = (now_ms() - begin_ms) / TIMER_MS;
	/* None comes while it is frozen, which on a busy machine is long; but none comes twice. */
	if (ticks < least / 3 || ticks > least + 2)
		die("ticks of the POSIX timer", ticks, least);
	if (alarms == 0 || fd_ticks == 0 || users == 0)
		die("a kind that never came", alarms, fd_ticks);
	printf("OK outside %ld own %ld handled %ld children %ld\n", outside, own, handled, children);
	return 0;
}

static int send_signals(pid_t pid, int seconds)
{
	struct timespec rest = { 0, SEND_NS };
	int64_t end_ms = now_ms() + seconds * 1000L;
	int number = 0;

	while (now_ms() < end_ms) {
		while (sigqueue(pid, OUTSIDE, (union sigval){ .sival_int = number + 1 }) < 0) {
			if (errno != EAGAIN)
				die("sigqueue", pid, number);
			nanosleep(&rest, NULL);
		}
		if (++number % 50 == 0)
			kill(pid, SIGUSR1);
		nanosleep(&rest, NULL);
	}
	while (sigqueue(pid, TOTAL, (union sigval){ .sival_int = number }) < 0)
		nanosleep(&rest, NULL);
	printf("%d\n", number);
	return 0;
}

int main(int argc, char **argv)
{
	if (argc == 4)
		return send_signals(atoi(argv[2]), atoi(argv[3]));
	return run(argc > 1 ? atoi(argv[1]) : 10);
}
