/* channels.c - pipes; and descriptors that wait: poll, select, epoll, eventfd, timerfd, inotify. */
#include "conformity.h"

#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <sys/ioctl.h>
#include <sys/select.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <unistd.h>

static void check_full(void)
{
	static char block[4096];
	int fds[2], blocks = 0, waiting;

	must("pipe", pipe2(fds, O_NONBLOCK));
	CALL("read of an empty pipe", read(fds[0], block, 1));
	WORKS("F_SETPIPE_SZ", fcntl(fds[1], F_SETPIPE_SZ, 16384));
	CALL("F_GETPIPE_SZ", fcntl(fds[1], F_GETPIPE_SZ));
	while (write(fds[1], block, sizeof block) == sizeof block)
		blocks++;
	show("blocks that a pipe of 16 KiB holds", "%d", blocks);
	CALL("write to a full pipe", write(fds[1], block, sizeof block));
	CALL("FIONREAD", ioctl(fds[0], FIONREAD, &waiting));
	show("it", "%d", waiting);
	struct pollfd list = { fds[1], POLLOUT, 0 };
	CALL("poll of a full pipe", poll(&list, 1, 0));
	CALL("read of one block", read(fds[0], block, sizeof block));
	CALL("poll then", poll(&list, 1, 0));
	CALL("write that fits in part", write(fds[1], block, sizeof block));
	CALL("read of the writing end", read(fds[1], block, 1));
	CALL("write to the reading end", write(fds[0], block, 1));
	close(fds[1]);
	while (read(fds[0], block, sizeof block) > 0)
		;
	CALL("read at the end", read(fds[0], block, 1));
	list = (struct pollfd){ fds[0], POLLIN, 0 };
	CALL("poll at the end", poll(&list, 1, 0));
	show("its events", "%#x", list.revents);
	close(fds[0]);
}

static void check_broken(void)
{
	int fds[2];

	must("pipe", pipe(fds));
	close(fds[0]);
	struct pollfd list = { fds[1], POLLOUT, 0 };
	CALL("poll of a broken pipe", poll(&list, 1, 0));
	show("its events", "%#x", list.revents);
	catch_signal(SIGPIPE, 0);
	CALL("write to a broken pipe", write(fds[1], "x", 1));
	show("SIGPIPE", "%d code %d", (int)caught, caught_info.si_code);
	signal(SIGPIPE, SIG_IGN);
	CALL("write to it with SIGPIPE ignored", write(fds[1], "x", 1));
	default_signal(SIGPIPE);
	close(fds[1]);
	CALL("pipe2 with bad flags", pipe2(fds, 99));
	must("mkfifo", mkfifo("fifo", 0600));
	CALL("open of a fifo for writing without a reader", open("fifo", O_WRONLY | O_NONBLOCK));
	fds[0] = must("fifo", open("fifo", O_RDONLY | O_NONBLOCK));
	fds[1] = must("fifo", open("fifo", O_WRONLY | O_NONBLOCK));
	CALL("write to a fifo", write(fds[1], "text", 4));
	char text[8];
	CALL("read of it", read(fds[0], text, sizeof text));
	close(fds[0]);
	close(fds[1]);
	alarm_in(50, 0);
	LASTS("open of a fifo that waits and is interrupted", 49, open("fifo", O_RDONLY));
	alarm_in(0, 0);
}

static void run_pipes(void)
{
	check_full();
	check_broken();
}

static void check_poll(void)
{
	int fds[2];
	fd_set in, out;
	struct timespec limit = { 0, 30000000 };

	must("pipe", pipe(fds));
	struct pollfd list[4] = { { fds[0], POLLIN, 0 }, { fds[1], POLLOUT, 0 }, { -1, POLLIN, 0x77 },
		{ 999, POLLIN, 0 } };
	CALL("poll of four", poll(list, 4, 0));
	show("events", "%#x %#x %#x %#x", list[0].revents, list[1].revents, list[2].revents, list[3].revents);
	LASTS("poll of none with a limit", 30, poll(NULL, 0, 30));
	LASTS("ppoll with a limit", 29, ppoll(list, 1, &limit, NULL));
	limit.tv_nsec = -1;
	CALL("ppoll with a bad limit", ppoll(list, 1, &limit, NULL));
	CALL("poll of too many", syscall(SYS_poll, list, 1u << 30, 0));
	FD_ZERO(&in);
	FD_ZERO(&out);
	FD_SET(fds[0], &in);
	FD_SET(fds[1], &out);
	struct timeval time = { 0, 30000 };
	CALL("select", select(fds[1] + 1, &in, &out, NULL, &time));
	show("sets", "%d %d", !!FD_ISSET(fds[0], &in), !!FD_ISSET(fds[1], &out));
	FD_SET(fds[0], &in);
	time = (struct timeval){ 0, 30000 };
	LASTS("select with a limit", 30, select(fds[0] + 1, &in, NULL, NULL, &time));
	show("what is left of it", "%ld %ld", (long)time.tv_sec, (long)time.tv_usec);
	FD_ZERO(&in);
	FD_SET(999, &in);
	CALL("select of a closed descriptor", select(1000, &in, NULL, NULL, &time));
	CALL("select of a negative count", select(-1, NULL, NULL, NULL, &time));
	limit = (struct timespec){ 0, 30000000 };
	LASTS("pselect with a limit", 29, pselect(0, NULL, NULL, NULL, &limit, NULL));
	close(fds[0]);
	close(fds[1]);
}

static void check_epoll(void)
{
	int fds[2], file = make_file("epoll", "x"), epoll = must("epoll", epoll_create1(EPOLL_CLOEXEC));
	struct epoll_event event = { EPOLLIN | EPOLLET, { .u64 = 0x123456789abcdefULL } }, got[4];
	struct timespec limit = { 0, 20000000 };
	char byte;

	must("pipe", pipe(fds));
	CALL("epoll_ctl of a file", epoll_ctl(epoll, EPOLL_CTL_ADD, file, &event));
	CALL("epoll_ctl", epoll_ctl(epoll, EPOLL_CTL_ADD, fds[0], &event));
	CALL("epoll_ctl again", epoll_ctl(epoll, EPOLL_CTL_ADD, fds[0], &event));
	CALL("epoll_ctl of what is not in it", epoll_ctl(epoll, EPOLL_CTL_DEL, fds[1], NULL));
	CALL("epoll_ctl of itself", epoll_ctl(epoll, EPOLL_CTL_ADD, epoll, &event));
	CALL("epoll_ctl of a closed descriptor", epoll_ctl(epoll, EPOLL_CTL_ADD, 999, &event));
	LASTS("epoll_wait of nothing", 20, epoll_wait(epoll, got, 4, 20));
	write(fds[1], "xy", 2);
	CALL("epoll_wait", epoll_wait(epoll, got, 4, 1000));
	show("its event", "%#x %#lx", got[0].events, (long)got[0].data.u64);
	CALL("edge triggered: again", epoll_wait(epoll, got, 4, 0));
	event.events = EPOLLIN | EPOLLONESHOT;
	CALL("epoll_ctl EPOLL_CTL_MOD", epoll_ctl(epoll, EPOLL_CTL_MOD, fds[0], &event));
	CALL("one shot", epoll_pwait(epoll, got, 4, 0, NULL));
	CALL("one shot: again", epoll_pwait(epoll, got, 4, 0, NULL));
	CALL("epoll_pwait2", epoll_pwait2(epoll, got, 4, &limit, NULL));
	read(fds[0], &byte, 1);
	event.events = EPOLLIN;
	epoll_ctl(epoll, EPOLL_CTL_MOD, fds[0], &event);
	CALL("level triggered", epoll_pwait2(epoll, got, 4, &limit, NULL));
	CALL("epoll_wait for no events", epoll_wait(epoll, got, 0, 0));
	CALL("epoll_wait of a pipe", epoll_wait(fds[0], got, 4, 0));
	close(fds[0]);
	CALL("epoll_wait after close", epoll_wait(epoll, got, 4, 0));
	CALL("epoll_create of 0", epoll_create(0));
	close(epoll);
	close(file);
	close(fds[1]);
}

static void check_counters(void)
{
	int fd = must("eventfd", eventfd(3, EFD_NONBLOCK | EFD_SEMAPHORE));
	uint64_t value = 0;
	struct itimerspec timer = { { 0, 10000000 }, { 0, 10000000 } }, left;
	struct timespec now;

	CALL("read of a semaphore", read(fd, &value, 8));
	show("it", "%lu", (long)value);
	read(fd, &value, 8);
	read(fd, &value, 8);
	CALL("read of it when it is 0", read(fd, &value, 8));
	value = UINT64_MAX;
	CALL("write of too much", write(fd, &value, 8));
	CALL("read into too little", read(fd, &value, 7));
	close(fd);
	fd = must("timerfd", timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK));
	CALL("read of a timer that is off", read(fd, &value, 8));
	CALL("timerfd_settime", timerfd_settime(fd, 0, &timer, NULL));
	usleep(35000);
	CALL("read of it", read(fd, &value, 8));
	show("it came", "%d", value >= 3);
	clock_gettime(CLOCK_MONOTONIC, &now);
	timer = (struct itimerspec){ { 0, 0 }, { now.tv_sec + 100, 0 } };
	CALL("timerfd_settime to a point in time", timerfd_settime(fd, TFD_TIMER_ABSTIME, &timer, &left));
	CALL("timerfd_gettime", timerfd_gettime(fd, &left));
	show("what is left", "%d", left.it_value.tv_sec >= 90 && left.it_value.tv_sec < 100);
	timer = (struct itimerspec){ { 0, 0 }, { now.tv_sec, now.tv_nsec } };
	CALL("timerfd_settime to the past", timerfd_settime(fd, TFD_TIMER_ABSTIME, &timer, NULL));
	usleep(2000);
	CALL("read of that", read(fd, &value, 8));
	timer.it_value.tv_nsec = 2000000000;
	CALL("timerfd_settime to no time", timerfd_settime(fd, 0, &timer, NULL));
	CALL("timerfd_create of an unknown clock", timerfd_create(99, 0));
	close(fd);
}

static void check_inotify(void)
{
	int fd = must("inotify", inotify_init1(IN_NONBLOCK | IN_CLOEXEC)), watch;
	char buffer[1024];
	struct inotify_event *event = (void *)buffer;

	watch = inotify_add_watch(fd, ".", IN_CREATE | IN_DELETE | IN_MOVED_TO);
	show("inotify_add_watch", "%d", watch);
	CALL("inotify_add_watch of nothing", inotify_add_watch(fd, "none", IN_CREATE));
	CALL("read of no event", read(fd, buffer, sizeof buffer));
	close(creat("watched", 0600));
	CALL("read of an event", read(fd, buffer, sizeof buffer));
	show("it", "%#x %s", event->mask, event->name);
	unlink("watched");
	CALL("read into too little", read(fd, buffer, 4));
	CALL("inotify_rm_watch", inotify_rm_watch(fd, watch));
	CALL("inotify_rm_watch again", inotify_rm_watch(fd, watch));
	close(fd);
}

static void run_events(void)
{
	check_poll();
	check_epoll();
	check_counters();
	check_inotify();
}

const struct part part_pipes = { "pipes", run_pipes };
const struct part part_events = { "events", run_events };
