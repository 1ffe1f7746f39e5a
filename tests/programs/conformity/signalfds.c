/* signalfds.c - signalfd(2).
 *
 * What it reads, in which order, who is woken, and signals that leave it again.
 */
#include "conformity.h"

#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/select.h>
#include <sys/signalfd.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

static sigset_t mask_before;

static sigset_t set_of(int first, int second, int third)
{
	sigset_t set;

	sigemptyset(&set);
	if (first)
		sigaddset(&set, first);
	if (second)
		sigaddset(&set, second);
	if (third)
		sigaddset(&set, third);
	return set;
}

static void block(int first, int second, int third)
{
	sigset_t set = set_of(first, second, third);

	sigprocmask(SIG_BLOCK, &set, NULL);
}

static void queue_to_self(int number, int value)
{
	sigqueue(getpid(), number, (union sigval){ .sival_int = value });
}

static void show_read(const char *name, int fd)
{
	struct signalfd_siginfo info[8];
	char text[512] = "";
	ssize_t size = read(fd, info, sizeof info);

	if (size < 0) {
		show(name, "%s", strerrorname_np(errno));
		return;
	}
	for (size_t i = 0; i < (size_t)size / sizeof info[0]; i++)
		snprintf(text + strlen(text), sizeof text - strlen(text), " (%u code %d value %d own %d %d)",
			info[i].ssi_signo, info[i].ssi_code, info[i].ssi_int, info[i].ssi_pid == (unsigned)getpid(),
			info[i].ssi_uid == getuid());
	show(name, "%zu:%s", (size_t)size / sizeof info[0], text);
}

static int ready(int fd)
{
	struct pollfd list = { .fd = fd, .events = POLLIN | POLLOUT };

	return poll(&list, 1, 0) < 0 ? -1 : list.revents;
}

static void check_making(void)
{
	sigset_t set = set_of(SIGUSR1, SIGKILL, 0);
	int fd, regular = make_file("regular", "x");

	CALL("signalfd4 with a short mask", syscall(SYS_signalfd4, -1, &set, 4, 0));
	CALL("signalfd4 with flags that do not exist", syscall(SYS_signalfd4, -1, &set, 8, 1));
	CALL("signalfd4 of bad memory", syscall(SYS_signalfd4, -1, BAD, 8, 0));
	CALL("signalfd of a file", signalfd(regular, &set, 0));
	CALL("signalfd of no descriptor", signalfd(9999, &set, 0));
	close(regular);
	fd = must("signalfd", (int)syscall(SYS_signalfd, -1, &set, 8));
	show("flags", "%d %d", fcntl(fd, F_GETFD), (fcntl(fd, F_GETFL) & O_NONBLOCK) != 0);
	close(fd);
	fd = must("signalfd", signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC));
	show("flags then", "%d %d", fcntl(fd, F_GETFD), (fcntl(fd, F_GETFL) & O_NONBLOCK) != 0);
	CALL("read of no signal", read(fd, &set, 128));
	CALL("read of too little", read(fd, &set, 100));
	CALL("write", write(fd, "x", 1));
	show("ready", "%#x", ready(fd));
	close(fd);
}

static void check_reading(void)
{
	sigset_t all = set_of(SIGUSR1, SIGUSR2, SIGRTMIN), one = set_of(SIGUSR2, 0, 0), pending;
	struct timespec now = { 0, 0 };
	int fd, other;

	block(SIGUSR1, SIGUSR2, SIGRTMIN);
	fd = must("signalfd", signalfd(-1, &all, SFD_NONBLOCK));
	other = must("signalfd", signalfd(-1, &one, SFD_NONBLOCK));
	queue_to_self(SIGRTMIN, 1);
	queue_to_self(SIGRTMIN, 2);
	kill(getpid(), SIGUSR2);
	kill(getpid(), SIGUSR2);
	raise(SIGUSR1);
	show("ready", "%#x %#x", ready(fd), ready(other));
	sigpending(&pending);
	show("pending", "%d %d %d %d", sigismember(&pending, SIGUSR1), sigismember(&pending, SIGUSR2),
		sigismember(&pending, SIGRTMIN), sigismember(&pending, SIGALRM));
	show_read("the other one", other);
	show("ready then", "%#x %#x", ready(fd), ready(other));
	show_read("all", fd);
	show_read("nothing", fd);
	for (int i = 0; i < 10; i++)
		queue_to_self(SIGRTMIN, 100 + i);
	show_read("eight of ten", fd);
	show_read("two of ten", fd);
	queue_to_self(SIGUSR2, 5);
	queue_to_self(SIGRTMIN, 6);
	CALL("sigtimedwait", sigtimedwait(&one, NULL, &now));
	show_read("the rest", fd);
	CALL("sigtimedwait of nothing", sigtimedwait(&all, NULL, &now));
	queue_to_self(SIGUSR1, 7);
	queue_to_self(SIGUSR2, 8);
	show("another mask", "%d", signalfd(fd, &one, 0) == fd);
	show_read("by it", fd);
	show_read("nothing by it", fd);
	signalfd(fd, &all, 0);
	show_read("by the first mask", fd);
	close(other);
	other = dup(fd);
	close(fd);
	queue_to_self(SIGRTMIN, 9);
	show_read("a duplicate", other);
	close(other);
}

static void check_letting_through(void)
{
	sigset_t set = set_of(SIGUSR1, SIGRTMIN, 0), none, old;
	struct timespec limit = { 5, 0 };
	struct sigaction ignore = { .sa_handler = SIG_IGN };
	int fd = must("signalfd", signalfd(-1, &set, SFD_NONBLOCK));

	sigemptyset(&none);
	block(SIGUSR1, SIGRTMIN, 0);
	catch_signal(SIGUSR1, 0);
	queue_to_self(SIGUSR1, 21);
	sigprocmask(SIG_UNBLOCK, &set, &old);
	show("let through", "%d %d", (int)caught, caught_info.si_value.sival_int);
	show_read("nothing is left", fd);
	queue_to_self(SIGUSR1, 22);
	show("not blocked", "%d %d", (int)caught, caught_info.si_value.sival_int);
	sigprocmask(SIG_SETMASK, &old, NULL);
	queue_to_self(SIGUSR1, 23);
	CALL("sigsuspend", sigsuspend(&none));
	show("suspended", "%d %d", (int)caught, caught_info.si_value.sival_int);
	queue_to_self(SIGUSR1, 24);
	CALL("ppoll that lets it through", ppoll(NULL, 0, &limit, &none));
	show("polled", "%d %d", (int)caught, caught_info.si_value.sival_int);
	queue_to_self(SIGUSR1, 25);
	show("blocked again", "%d", (int)caught);
	show_read("it", fd);
	queue_to_self(SIGUSR1, 26);
	sigaction(SIGUSR1, &ignore, NULL);
	show_read("ignored", fd);
	queue_to_self(SIGUSR1, 27);
	show_read("ignored and blocked", fd);
	default_signal(SIGUSR1);
	queue_to_self(SIGRTMIN, 28);
	close(fd);
	fd = must("signalfd", signalfd(-1, &set, SFD_NONBLOCK));
	show_read("a new one", fd);
	close(fd);
}

/* What does nothing by default waits all the same while it is blocked. */
static void check_quiet(void)
{
	sigset_t set = set_of(SIGCHLD, SIGWINCH, 0);
	struct timespec now = { 0, 0 };
	int fd;

	block(SIGCHLD, SIGWINCH, 0);
	kill(getpid(), SIGCHLD);
	fd = must("signalfd", signalfd(-1, &set, SFD_NONBLOCK));
	kill(getpid(), SIGWINCH);
	show_read("quiet ones", fd);
	kill(getpid(), SIGCHLD);
	CALL("sigtimedwait of a quiet one", sigtimedwait(&set, NULL, &now));
	close(fd);
	kill(0, SIGCHLD); /* to its group, and so to itself, from home */
	CALL("sigtimedwait of one from the group", sigtimedwait(&set, NULL, &(struct timespec){ 5, 0 }));
}

static int wait_events(int epoll, int limit_ms)
{
	struct epoll_event events[4];
	int count, sum = 0;

	do
		count = epoll_wait(epoll, events, 4, limit_ms);
	while (count < 0 && errno == EINTR);
	for (int i = 0; i < count; i++)
		sum = sum * 10 + events[i].data.fd;
	return count < 0 ? -1 : sum;
}

static void check_waiting(void)
{
	sigset_t set = set_of(SIGUSR1, SIGALRM, SIGRTMIN), other = set_of(SIGUSR2, 0, 0);
	int fd = must("signalfd", signalfd(-1, &set, SFD_NONBLOCK));
	int second = must("signalfd", signalfd(-1, &other, SFD_NONBLOCK)), epoll = epoll_create1(0);
	struct epoll_event level = { .events = EPOLLIN, .data.fd = 1 };
	struct epoll_event edge = { .events = EPOLLIN | EPOLLET, .data.fd = 2 };
	struct itimerval timer = { { 0, 0 }, { 0, 50000 } };
	fd_set readable;

	block(SIGUSR1, SIGALRM, SIGRTMIN);
	block(SIGUSR2, 0, 0);
	CALL("epoll_ctl", epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &level));
	CALL("epoll_ctl with edges", epoll_ctl(epoll, EPOLL_CTL_ADD, second, &edge));
	CALL("epoll_wait of nothing", wait_events(epoll, 10));
	raise(SIGUSR1);
	CALL("epoll_wait", wait_events(epoll, 5000));
	CALL("epoll_wait again", wait_events(epoll, 0));
	show_read("the signal", fd);
	CALL("epoll_wait then", wait_events(epoll, 0));
	raise(SIGUSR2);
	CALL("epoll_wait of an edge", wait_events(epoll, 5000));
	show_read("its signal", second);
	CALL("epoll_wait of no edge", wait_events(epoll, 0));
	setitimer(ITIMER_REAL, &timer, NULL);
	CALL("epoll_wait of a timer", wait_events(epoll, 10000));
	show_read("the timer's", fd);
	FD_ZERO(&readable);
	FD_SET(fd, &readable);
	setitimer(ITIMER_REAL, &timer, NULL);
	CALL("select of a timer", select(fd + 1, &readable, NULL, NULL, &(struct timeval){ 10, 0 }));
	show_read("the timer's", fd);
	fcntl(fd, F_SETFL, 0);
	setitimer(ITIMER_REAL, &timer, NULL);
	show_read("a read that waits", fd);
	close(fd);
	close(second);
	close(epoll);
}

static void check_timer(void)
{
	sigset_t set = set_of(SIGRTMIN + 1, 0, 0);
	struct sigevent event = { .sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGRTMIN + 1 };
	struct itimerspec each = { { 0, 2000000 }, { 0, 2000000 } };
	struct signalfd_siginfo info = { 0 };
	int fd, ticks = 0, reads = 0;
	timer_t timer;

	block(SIGRTMIN + 1, 0, 0);
	event.sigev_value.sival_int = 4711;
	must("timer_create", timer_create(CLOCK_MONOTONIC, &event, &timer));
	fd = must("signalfd", signalfd(-1, &set, 0));
	timer_settime(timer, 0, &each, NULL);
	for (; ticks < 30; reads++) {
		if (reads == 3)
			usleep(20000); /* what is missed counts */
		if (read(fd, &info, sizeof info) != sizeof info)
			break;
		ticks += 1 + info.ssi_overrun;
	}
	show("ticks", "%d %d value %d code %d", ticks >= 30, reads <= 25, info.ssi_int, info.ssi_code);
	usleep(10000); /* ticks that wait, and count no more */
	timer_delete(timer);
	fcntl(fd, F_SETFL, O_NONBLOCK);
	show_read("of a timer that is gone", fd);
	close(fd);
}

static void run_signalfds(void)
{
	sigset_t set = set_of(SIGUSR1, SIGUSR2, SIGRTMIN), more = set_of(SIGALRM, SIGCHLD, SIGWINCH);
	struct timespec now = { 0, 0 };

	sigprocmask(SIG_BLOCK, NULL, &mask_before);
	check_making();
	check_reading();
	check_letting_through();
	check_quiet();
	check_waiting();
	check_timer();
	while (sigtimedwait(&set, NULL, &now) > 0 || sigtimedwait(&more, NULL, &now) > 0)
		;
	sigprocmask(SIG_SETMASK, &mask_before, NULL);
}

const struct part part_signalfds = { "signalfds", run_signalfds };
