/* test_shadow.c - The shadow's execution of calls, and its end. Whatever is asked of it; it ends as its guest does.
 * Units: c/shadow/{backlog,birth,block,calls,child,children,control,descriptors,end,execute,grant,held,home,last_image,links,memory,message,park,paths,serve,signalfds,signals,state,threads,tickets,transfers,wait,wake,worker}.c c/restorer/map_lines.c c/base/{load,mem}.c tests/c/shadow_world.c
 */
#include "shadow_world.h"

static void calls_give_results(void)
{
	char path[] = "/tmp/lb-test-file.XXXXXX";
	int temporary = mkstemp(path);
	const struct answer *answer;
	int64_t fd;

	close(temporary);
	start();
	CHECK_EQUAL(values(SYS_getpid, 0, 0, 0), shadow.pid);
	fd = call_open(path, O_RDWR);
	CHECK(fd >= 0 && fd < 600);
	CHECK_EQUAL(call_write(SYS_write, fd, "hello\n", 6), 6);
	CHECK_EQUAL(call_write(SYS_writev, fd, "world\n", 6), 6);
	CHECK_EQUAL(values(SYS_lseek, (uint64_t)fd, 0, SEEK_SET), 0);
	answer = reply(send_read(fd, 4096));
	CHECK_EQUAL(answer->result, 12);
	CHECK_EQUAL(answer->out_size, 12);
	CHECK_EQUAL(answer->flags, LB_REPLY_REGULAR);
	CHECK(memcmp(answer->out, "hello\nworld\n", 12) == 0);
	CHECK_EQUAL(reply(send_read(fd, 4096))->result, 0);
	CHECK_EQUAL(call_open("/nonexistent/file", O_RDONLY), -ENOENT);
	CHECK_EQUAL(values(SYS_close, (uint64_t)fd, 0, 0), 0);
	CHECK_EQUAL(values(SYS_close, (uint64_t)fd, 0, 0), -EBADF);
	end_with(7);
	unlink(path);
}

static void own_descriptors_are_hidden(void)
{
	int64_t fds[2];
	int64_t fd;

	start();
	for (fd = 590; fd < 1024; fd++)
		CHECK_EQUAL(values(SYS_fcntl, (uint64_t)fd, F_GETFD, 0), -EBADF);
	CHECK_EQUAL(values(SYS_close, 600, 0, 0), -EBADF);
	CHECK_EQUAL(values(SYS_dup, 600, 0, 0), -EBADF);
	CHECK_EQUAL(values(SYS_close_range, 3, UINT32_MAX, 0), 0);
	CHECK_EQUAL(values(SYS_getpid, 0, 0, 0), shadow.pid);
	/* A number that one of ours has is the program's for the asking. */
	make_pipe(fds);
	for (uint64_t wanted = 598; wanted < 604; wanted++)
		CHECK_EQUAL(values(SYS_dup2, (uint64_t)fds[1], wanted, 0), (int64_t)wanted);
	CHECK_EQUAL(call_write(SYS_write, 601, "x", 1), 1);
	CHECK_EQUAL(reply(send_read(fds[0], 10))->result, 1);
	end_with(0);
}

static void a_blocking_call_can_be_cancelled(void)
{
	int64_t fds[2];
	uint64_t seq;

	start();
	make_pipe(fds);
	for (int round = 0; round < 50; round++) {
		seq = send_read(fds[0], 100);
		/* Before it blocks, while it does, and when it has ended: never lost, never twice. */
		usleep((unsigned)round * 40);
		tell(LB_LINK_CANCEL, seq, NULL, 0);
		CHECK_EQUAL(reply(seq)->result, -EINTR);
		CHECK_EQUAL(call_write(SYS_write, fds[1], "ab", 2), 2);
		seq = send_read(fds[0], 100);
		CHECK_EQUAL(reply(seq)->result, 2);
		tell(LB_LINK_CANCEL, seq, NULL, 0); /* late: nothing happens */
	}
	end_with(0);
}

/* At home a call that need not wait is over before a signal could end it, however late home hears of it. */
static void a_call_that_need_not_wait_is_made_although_it_is_cancelled(void)
{
	struct {
		struct lb_link_header header;
		struct lb_link_call call;
		struct lb_link_header cancel;
	} message = { .call = new_call(SYS_read, LB_CALL_MAY_BLOCK), .cancel = { .type = LB_LINK_CANCEL } };
	int64_t fds[2];

	start();
	make_pipe(fds);
	message.call.args[0] = (uint64_t)fds[0];
	message.call.kinds[1] = LB_ARG_OUT;
	message.call.arg_sizes[1] = message.call.args[2] = message.call.out_size = 100;
	message.header = (struct lb_link_header){ LB_LINK_CALL, sizeof message.call, 0 };
	for (int round = 0; round < 50; round++) {
		bool waits = round % 2 == 1;

		if (!waits)
			CHECK_EQUAL(call_write(SYS_write, fds[1], "ab", 2), 2);
		message.header.seq = message.cancel.seq = ++shadow.seq;
		CHECK(send(shadow.link, &message, sizeof message, MSG_NOSIGNAL) == sizeof message);
		CHECK_EQUAL(reply(message.header.seq)->result, waits ? -EINTR : 2);
	}
	end_with(0);
}

/* What the shadow has to hear meanwhile is not the program's affair: no short count. */
static void a_write_that_waits_is_whole(void)
{
	enum { SIZE = 60000 };
	uint8_t message[LB_LOCAL_MESSAGE_SIZE_MAX] __attribute__((aligned(8)));
	struct lb_local_inquire inquire = { .type = LB_LOCAL_INQUIRE, .size = sizeof inquire };
	static const uint32_t numbers[] = { SYS_write, SYS_writev };
	static uint8_t data[SIZE], seen[SIZE];
	char path[64];
	int64_t fds[2];
	int fd;

	for (int i = 0; i < SIZE; i++)
		data[i] = (uint8_t)(i / 251);
	start();
	daemon_receive(LB_LOCAL_REPORT, message, sizeof(struct lb_local_report));
	make_pipe(fds);
	snprintf(path, sizeof path, "/proc/%d/fd/%d", (int)shadow.pid, (int)fds[0]);
	fd = open(path, O_RDONLY);
	CHECK(fd >= 0);
	CHECK(fcntl(fd, F_SETPIPE_SZ, 4096) == 4096);
	for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
		struct lb_link_call call = new_call(numbers[i], LB_CALL_MAY_BLOCK);
		uint64_t seq;

		call.args[0] = (uint64_t)fds[1];
		call.kinds[1] = LB_ARG_IN;
		call.arg_sizes[1] = call.in_size = SIZE;
		call.args[2] = numbers[i] == SYS_write ? SIZE : 1;
		seq = send_call(&call, data);
		for (size_t done = 0; done < SIZE;) {
			struct pollfd readable = { .fd = fd, .events = POLLIN };
			ssize_t got;

			CHECK_EQUAL(poll(&readable, 1, 5000), 1); /* else the rest is never written */
			got = read(fd, seen + done, SIZE - done);
			CHECK(got > 0);
			done += (size_t)got;
			if (done < SIZE / 2) {
				daemon_tell(&inquire, sizeof inquire);
				daemon_receive(LB_LOCAL_VERDICT, message, sizeof(struct lb_local_verdict));
			}
		}
		CHECK_EQUAL(reply(seq)->result, SIZE);
		CHECK(memcmp(data, seen, SIZE) == 0);
	}
	close(fd);
	end_with(0);
}

/* The program's RLIMIT_FSIZE is on its files, not on what the shadow notes for itself. */
static void a_small_file_limit_does_no_harm(void)
{
	uint8_t message[LB_LOCAL_MESSAGE_SIZE_MAX] __attribute__((aligned(8)));
	const struct rlimit none = { 0, 0 };

	start();
	daemon_receive(LB_LOCAL_REPORT, message, sizeof(struct lb_local_report));
	CHECK(prlimit(shadow.pid, RLIMIT_FSIZE, &none, NULL) == 0);
	close(shadow.link);
	daemon_receive(LB_LOCAL_LOST_LINK, message, sizeof(struct lb_local_lost_link));
	daemon_link(TICKET);
	hello(TICKET); /* it notes which link is live */
	expect_serve();
	CHECK_EQUAL(values(SYS_getpid, 0, 0, 0), shadow.pid); /* a SIGXFSZ would come before */
	end_with(0);
}

static void a_guest_killed_away_ends_its_shadow_the_same_way(void)
{
	uint8_t message[LB_LOCAL_MESSAGE_SIZE_MAX] __attribute__((aligned(8)));
	struct lb_local_guest_ended ended = { .type = LB_LOCAL_GUEST_ENDED, .size = sizeof ended, .ticket = TICKET };
	static const int signals[] = { SIGKILL, SIGSEGV, SIGTERM, 40 };

	for (size_t i = 0; i < sizeof signals / sizeof signals[0]; i++) {
		int status;

		start();
		daemon_receive(LB_LOCAL_REPORT, message, sizeof(struct lb_local_report));
		shutdown(shadow.link, SHUT_WR);
		ended.wait_status = (uint32_t)signals[i];
		daemon_tell(&ended, sizeof ended);
		status = wait_end();
		CHECK(WIFSIGNALED(status));
		CHECK_EQUAL(WTERMSIG(status), signals[i]);
	}
}

static void a_lost_guest_is_given_up_in_the_end(void)
{
	int status, null_fd = open("/dev/null", O_WRONLY), error_fd = dup(2);

	shadow.reconnect_ms = 1500;
	dup2(null_fd, 2); /* the one clear line is for the user, not for this test's output */
	start();
	dup2(error_fd, 2);
	close(shadow.link);
	status = wait_end();
	CHECK(WIFSIGNALED(status));
	CHECK_EQUAL(WTERMSIG(status), SIGKILL);
	close(null_fd);
	close(error_fd);
	shadow.reconnect_ms = RECONNECT_MS;
}

static void malformed_messages_close_the_link(void)
{
	uint8_t message[LB_LOCAL_MESSAGE_SIZE_MAX] __attribute__((aligned(8)));
	struct lb_link_call call;

	start();
	daemon_receive(LB_LOCAL_REPORT, message, sizeof(struct lb_local_report));
	for (int kind = 0; kind < 9; kind++) {
		call = new_call(SYS_write, 0);
		call.args[2] = 8;
		call.in_size = 8;
		call.kinds[1] = LB_ARG_IN;
		call.arg_sizes[1] = 8;
		if (kind == 0)
			call.args[1] = 1; /* ends past the data */
		else if (kind == 1)
			call.args[1] = UINT64_MAX;
		else if (kind == 2)
			call.arg_sizes[1] = UINT64_MAX;
		else if (kind == 3)
			call.kinds[1] = 9;
		else if (kind == 4)
			call.kinds[1] = LB_ARG_OUT; /* there is no output area */
		else if (kind == 5)
			call.out_size = LB_LINK_DATA_SIZE_MAX + 1;
		else if (kind == 6)
			call.number = SYS_chdir, call.kinds[0] = LB_ARG_IN,
			call.arg_sizes[0] = 8; /* a path without its NUL */
		else if (kind == 8)
			call.number = SYS_recvmsg; /* no struct lb_link_message to answer in */
		if (kind == 7)
			tell(99, 0, NULL, 0);
		else
			send_call(&call, "AAAAAAAA");
		CHECK_EQUAL(recv(shadow.link, message, 1, 0), 0);
		close(shadow.link);
		daemon_link(TICKET);
		hello(TICKET);
		expect_serve();
	}
	end_with(0);
}

static uint64_t random_size(uint64_t *seed)
{
	*seed = *seed * 6364136223846793005u + 1442695040888963407u;
	switch (*seed >> 61) {
	case 0:
		return UINT64_MAX - (*seed >> 33) % 64;
	case 1:
		return LB_LINK_DATA_SIZE_MAX - 32 + (*seed >> 33) % 64;
	default:
		return (*seed >> 33) % 48;
	}
}

static void no_layout_reaches_outside_the_message(void)
{
	uint8_t message[LB_LOCAL_MESSAGE_SIZE_MAX] __attribute__((aligned(8)));
	static const uint8_t data[64];
	uint64_t seed = 1;
	int answered = 0, refused = 0;

	start();
	daemon_receive(LB_LOCAL_REPORT, message, sizeof(struct lb_local_report));
	for (int round = 0; round < 400; round++) {
		struct lb_link_call call = new_call(SYS_getpid, LB_CALL_RESULT_SIZE);
		uint8_t byte;

		call.in_size = (uint32_t)(random_size(&seed) % sizeof data);
		call.out_size = (uint32_t)random_size(&seed);
		for (int i = 0; i < LB_CALL_ARGS; i++) {
			call.kinds[i] = (uint8_t)(random_size(&seed) % (round % 8 == 0 ? 5 : 2));
			call.args[i] = random_size(&seed) / (round % 4 == 0 ? 1 : 8);
			call.arg_sizes[i] = random_size(&seed) / (round % 4 == 0 ? 1 : 16);
			call.out_offsets[i] = random_size(&seed);
		}
		send_call(&call, data);
		if (recv(shadow.link, &byte, 1, MSG_PEEK) == 1) {
			struct lb_link_header header;
			static uint8_t body[LB_LINK_SIZE_MAX];

			receive(shadow.link, &header, sizeof header);
			CHECK_EQUAL(header.type, LB_LINK_REPLY);
			CHECK(header.size <= sizeof body);
			receive(shadow.link, body, header.size);
			answered++;
			continue;
		}
		refused++;
		close(shadow.link);
		daemon_receive(LB_LOCAL_LOST_LINK, message, sizeof(struct lb_local_lost_link));
		daemon_link(TICKET);
		hello(TICKET);
		expect_serve();
	}
	CHECK(answered > 20);
	CHECK(refused > 20);
	end_with(0);
}

int main(void)
{
	run_case("calls give the results and the output that they give at home", calls_give_results);
	run_case("the shadow's own descriptors do not exist for the program", own_descriptors_are_hidden);
	run_case("a blocking call ends with EINTR when it is cancelled", a_blocking_call_can_be_cancelled);
	run_case("a call that need not wait is made although it is cancelled",
		a_call_that_need_not_wait_is_made_although_it_is_cancelled);
	run_case("a write that waits is whole", a_write_that_waits_is_whole);
	run_case("a small limit on files does no harm", a_small_file_limit_does_no_harm);
	run_case("a guest that is killed ends its shadow the same way",
		a_guest_killed_away_ends_its_shadow_the_same_way);
	run_case("a guest that is lost is given up in the end", a_lost_guest_is_given_up_in_the_end);
	run_case("no layout of arguments reaches outside the message", no_layout_reaches_outside_the_message);
	run_case("malformed messages close the link and nothing else", malformed_messages_close_the_link);
	return 0;
}
