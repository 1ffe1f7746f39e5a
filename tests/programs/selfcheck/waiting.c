/* waiting.c - poll, select and epoll on pipes and sockets. */
#include "selfcheck.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <unistd.h>

static int pipe_ends[2], socket_ends[2], interest;

static void setup(void)
{
	struct epoll_event wanted = { .events = EPOLLIN, .data.u64 = 0xabcdef0123456789u };

	interest = epoll_create1(EPOLL_CLOEXEC);
	if (interest < 0 || pipe(pipe_ends) < 0 || socketpair(AF_UNIX, SOCK_STREAM, 0, socket_ends) < 0 ||
		epoll_ctl(interest, EPOLL_CTL_ADD, socket_ends[0], &wanted) < 0 || write(pipe_ends[1], "p", 1) != 1) {
		perror("selfcheck: cannot set up waiting");
		exit(2);
	}
}

/* poll and select restart by hand: the interval timer of the signal group may interrupt them. */
static int poll_again(struct pollfd *list, nfds_t count, int timeout_ms)
{
	int ready;

	do
		ready = poll(list, count, timeout_ms);
	while (ready < 0 && errno == EINTR);
	return ready;
}

static void check_round(long round)
{
	struct pollfd list[3] = { { .fd = pipe_ends[0], .events = POLLIN }, { .fd = socket_ends[0], .events = POLLIN },
		{ .fd = -1, .events = POLLIN } };
	struct epoll_event found = { 0 };
	struct timeval no_time = { 0, 0 };
	fd_set set;
	char byte;

	(void)round;
	CHECK(poll_again(list, 3, 1000) == 1 && list[0].revents == POLLIN && list[1].revents == 0,
		"poll does not tell what is ready");
	CHECK(poll_again(list + 1, 1, 2) == 0, "poll does not time out");
	CHECK(epoll_wait(interest, &found, 1, 0) == 0, "epoll tells too much");
	CHECK(send(socket_ends[1], "z", 1, 0) == 1, "send: errno %d", errno);
	CHECK(epoll_wait(interest, &found, 1, 1000) == 1 && found.data.u64 == 0xabcdef0123456789u,
		"epoll does not tell what is ready: errno %d", errno);
	FD_ZERO(&set);
	FD_SET(socket_ends[0], &set);
	CHECK(select(socket_ends[0] + 1, &set, NULL, NULL, &no_time) == 1 && FD_ISSET(socket_ends[0], &set),
		"select does not tell what is ready");
	CHECK(recv(socket_ends[0], &byte, 1, 0) == 1 && byte == 'z', "recv is wrong");
}

const struct group group_waiting = { "waiting", setup, check_round };
