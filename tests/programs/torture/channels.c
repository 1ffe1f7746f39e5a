/* channels.c - Threads that wait for descriptors while others call. */
#include "torture.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <unistd.h>

#define TEXT 64

/* pipe: a thread blocked in read. */

static int to_reader[2], from_reader[2];
static pthread_t reader;

static void *read_and_answer(void *argument)
{
	uint64_t value = 0;

	for (;;) {
		AT("a read from a pipe");
		RETURNS(read(to_reader[0], &value, sizeof value), sizeof value);
		if (is_over())
			return argument;
		value = mix(value, 1);
		RETURNS(write(from_reader[1], &value, sizeof value), sizeof value);
	}
}

static void set_up_pipe(void)
{
	must("pipe", pipe2(to_reader, O_CLOEXEC));
	must("pipe", pipe2(from_reader, O_CLOEXEC));
	reader = start(read_and_answer, NULL);
}

static uint64_t ask_by_pipe(long round)
{
	uint64_t value = value_of(round, 0), answer = 0;

	RETURNS(write(to_reader[1], &value, sizeof value), sizeof value);
	AT("an answer by a pipe");
	RETURNS(read(from_reader[0], &answer, sizeof answer), sizeof answer);
	EXPECT(answer == mix(value, 1), "a pipe gives %016lx, not %016lx", answer, mix(value, 1));
	return answer;
}

static void end_pipe(void)
{
	uint64_t value = 0;

	RETURNS(write(to_reader[1], &value, sizeof value), sizeof value);
	join(reader, NULL);
}

const struct check check_pipe = { "pipe", false, set_up_pipe, ask_by_pipe, end_pipe };

/* sockets: a server that polls and accepts. */

static int listening;
static struct sockaddr_in address = { .sin_family = AF_INET };
static pthread_t server;

static void serve_one(void)
{
	char text[TEXT];
	int fd = accept4(listening, NULL, NULL, SOCK_CLOEXEC);

	if (!EXPECT(fd >= 0, "accept4: %s", strerrorname_np(errno)))
		return;
	AT("a server's read");
	ssize_t size = recv(fd, text, sizeof text, 0);
	EXPECT(size >= 0, "recv: %s", strerrorname_np(errno));
	for (ssize_t i = 0; i < size; i++)
		text[i] = (char)toupper(text[i]);
	if (size > 0)
		RETURNS(send(fd, text, (size_t)size, MSG_NOSIGNAL), size);
	close(fd);
}

static void *serve(void *argument)
{
	struct pollfd list = { .fd = listening, .events = POLLIN };

	while (!is_over()) {
		AT("a server's poll");
		RETURNS(poll(&list, 1, -1), 1);
		serve_one();
	}
	return argument;
}

static void set_up_sockets(void)
{
	socklen_t size = sizeof address;

	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	listening = (int)must("socket", socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
	must("bind", bind(listening, (struct sockaddr *)&address, sizeof address));
	must("listen", listen(listening, 8));
	must("getsockname", getsockname(listening, (struct sockaddr *)&address, &size));
	server = start(serve, NULL);
}

static int connect_to_server(void)
{
	int fd = (int)must("socket", socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));

	RETURNS(connect(fd, (struct sockaddr *)&address, sizeof address), 0);
	return fd;
}

static uint64_t ask_server(long round)
{
	char text[TEXT], wanted[TEXT], got[TEXT] = "";
	int fd = connect_to_server();
	int size = snprintf(text, sizeof text, "round %ld %016lx", round, value_of(round, 0));

	for (int i = 0; i <= size; i++)
		wanted[i] = (char)toupper(text[i]);
	RETURNS(send(fd, text, (size_t)size, MSG_NOSIGNAL), size);
	AT("an answer of the server");
	RETURNS(recv(fd, got, sizeof got, MSG_WAITALL), size);
	EXPECT(strcmp(got, wanted) == 0, "the server says \"%.60s\", not \"%.60s\"", got, wanted);
	close(fd);
	return hash_bytes(got, (size_t)size);
}

static void end_sockets(void)
{
	close(connect_to_server());
	join(server, NULL);
	close(listening);
}

const struct check check_sockets = { "sockets", false, set_up_sockets, ask_server, end_sockets };

/* events: a thread in epoll_wait, for an eventfd and a timerfd. */

static int events_fd, event, answer_event, clock_fd;
static _Atomic long clock_ticks;
static pthread_t watcher;

static void take_event(int fd)
{
	uint64_t count = 0;

	RETURNS(read(fd, &count, sizeof count), sizeof count);
	if (fd == clock_fd) {
		clock_ticks += (long)count;
		return;
	}
	EXPECT(count == 3, "an eventfd gives %lu, not 3", count);
	RETURNS(write(answer_event, &count, sizeof count), sizeof count);
}

static void *watch_events(void *argument)
{
	struct epoll_event found[2];

	while (!is_over()) {
		AT("epoll_wait");
		int count = epoll_wait(events_fd, found, 2, -1);
		EXPECT(count > 0, "epoll_wait gives %d: %s", count, strerrorname_np(errno));
		for (int i = 0; i < count; i++)
			take_event(found[i].data.fd);
	}
	return argument;
}

static void add_event(int fd)
{
	struct epoll_event wanted = { .events = EPOLLIN, .data.fd = fd };

	must("epoll_ctl", epoll_ctl(events_fd, EPOLL_CTL_ADD, fd, &wanted));
}

static void set_up_events(void)
{
	struct itimerspec times = { { 0, 5000000 }, { 0, 5000000 } };

	events_fd = (int)must("epoll_create1", epoll_create1(EPOLL_CLOEXEC));
	event = (int)must("eventfd", eventfd(0, EFD_CLOEXEC));
	answer_event = (int)must("eventfd", eventfd(0, EFD_CLOEXEC));
	clock_fd = (int)must("timerfd_create", timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC));
	must("timerfd_settime", timerfd_settime(clock_fd, 0, &times, NULL));
	add_event(event);
	add_event(clock_fd);
	watcher = start(watch_events, NULL);
}

static uint64_t send_event(long round)
{
	uint64_t three = 3, answer = 0;
	long before = clock_ticks;

	RETURNS(write(event, &three, sizeof three), sizeof three);
	AT("an answer by an eventfd");
	RETURNS(read(answer_event, &answer, sizeof answer), sizeof answer);
	EXPECT(answer == 3, "the answer is %lu, not 3", answer);
	AT("a tick of a timerfd");
	while (clock_ticks == before)
		rest_us(1000);
	return (uint64_t)round;
}

static void end_events(void)
{
	join(watcher, NULL); /* the next tick wakes it */
}

const struct check check_events = { "events", false, set_up_events, send_event, end_events };
