/* test_shadow.c - The shadow serves a guest over a real link. Units: c/shadow/{birth,child,children,control,descriptors,end,execute,grant,home,links,message,serve,signals,stream,tickets}.c
 *
 * Each case forks a process that becomes a shadow, as the library's exec would make it, and plays its guest over
 * TCP and its daemon over a unix socket.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdbool.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>

#include "check.h"

int shadow_main(int argc, char **argv, char **environment);
#define main shadow_main
#include "shadow/main.c"
#undef main

#include "lb_restorer.h"

#define TICKET 77u
#define DATA_MAX 65536u
#define RECONNECT_MS 1500

/* Homecoming by exec is for the end to end tests; here there is no program to come back to. */
int lb_enter(const struct lb_enter_request *request, struct lb_image_header *header)
{
	(void)request;
	(void)header;
	return -LB_E_UNSUPPORTED;
}

static struct {
	pid_t pid;
	int link, listener, daemon;
	uint64_t seq, copy;
	char path[64];
	char fault[32]; /* LB_FAULT=... */
} shadow;

struct answer {
	int64_t result;
	uint32_t flags, out_size;
	uint8_t out[DATA_MAX];
};

static void make_pair(int ends[2])
{
	struct sockaddr_in address = { .sin_family = AF_INET,
				       .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t size = sizeof address;
	int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), on = 1;

	CHECK(bind(listener, (struct sockaddr *)&address, sizeof address) == 0);
	CHECK(listen(listener, 1) == 0);
	CHECK(getsockname(listener, (struct sockaddr *)&address, &size) == 0);
	ends[0] = socket(AF_INET, SOCK_STREAM, 0);
	CHECK(connect(ends[0], (struct sockaddr *)&address, sizeof address) == 0);
	ends[1] = accept(listener, NULL, NULL);
	CHECK(ends[1] >= 0);
	CHECK(setsockopt(ends[0], SOL_SOCKET, SO_OOBINLINE, &on, sizeof on) == 0);
	close(listener);
}

static void run_shadow(int link, int state_fd)
{
	char variable[32];
	char *envp[3] = { variable, shadow.fault[0] != '\0' ? shadow.fault : NULL, NULL };
	static struct lb_state state;
	sigset_t all;

	state.magic = LB_STATE_MAGIC;
	state.abi_version = LB_ABI_VERSION;
	state.home_pid = (uint32_t)getpid();
	state.live_ticket = TICKET;
	state.link_fd = link;
	state.shadow_fd = state.preload_fd = state.exe_fd = state.trace_fd = -1;
	state.state_fd = state_fd;
	state.reconnect_limit_ms = RECONNECT_MS;
	state.io_timeout_ms = 1000;
	state.order_id = LB_ORDER_ID_MIN;
	strcpy(state.comm, "shadow");
	strcpy(state.program, "program");
	strcpy(state.runs_on, "away:1");
	strcpy(state.control_path, shadow.path);
	CHECK(pwrite(state_fd, &state, sizeof state, 0) == sizeof state);
	snprintf(variable, sizeof variable, "LB_STATE=%d", state_fd);
	putenv(variable);
	sigfillset(&all);
	sigprocmask(SIG_SETMASK, &all, NULL);
	_exit(shadow_main(0, NULL, envp));
}

/* In a loop: even MSG_WAITALL stops at an urgent mark. */
static void receive(int fd, void *to, size_t size)
{
	for (size_t done = 0; done < size;) {
		ssize_t got = recv(fd, (uint8_t *)to + done, size - done, 0);

		CHECK(got > 0);
		done += (size_t)got;
	}
}

/* The next message must be of this type; its body goes to `body`. Returns its size. */
static uint32_t expect(uint32_t type, uint64_t seq, void *body, size_t size)
{
	struct lb_link_header header;
	struct lb_link_applied applied;

	for (;;) {
		receive(shadow.link, &header, sizeof header);
		if (header.type != LB_LINK_APPLIED || type == LB_LINK_APPLIED)
			break;
		receive(shadow.link, &applied, sizeof applied); /* comes when it comes */
	}
	CHECK_EQUAL(header.type, type);
	CHECK_EQUAL(header.seq, seq);
	CHECK(header.size <= size);
	receive(shadow.link, body, header.size);
	return header.size;
}

/* Returns how far home is in the stream. */
static uint64_t expect_serve(void)
{
	struct lb_link_serve serve;

	CHECK_EQUAL(expect(LB_LINK_SERVE, 0, &serve, sizeof serve), sizeof serve);
	return serve.stream_at;
}

static void tell(uint32_t type, uint64_t seq, const void *body, uint32_t size)
{
	struct lb_link_header header = { .type = type, .size = size, .seq = seq };

	CHECK_EQUAL(send(shadow.link, &header, sizeof header, MSG_NOSIGNAL | (size ? MSG_MORE : 0)),
		    sizeof header);
	if (size > 0)
		CHECK_EQUAL(send(shadow.link, body, size, MSG_NOSIGNAL), size);
}

static void start(void)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int ends[2], state_fd = memfd_create("state", 0);

	snprintf(shadow.path, sizeof shadow.path, "/tmp/lb-test-shadow.%d", (int)getpid());
	unlink(shadow.path);
	strcpy(address.sun_path, shadow.path);
	shadow.listener = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	CHECK(bind(shadow.listener, (struct sockaddr *)&address, sizeof address) == 0);
	CHECK(listen(shadow.listener, 4) == 0);
	shadow.daemon = -1;
	shadow.seq = 0;
	make_pair(ends);
	shadow.pid = fork_child();
	/* Not in an orphaned group, where stop signals are dropped: the parent is in the same session. */
	setpgid(shadow.pid, shadow.pid);
	if (shadow.pid == 0) {
		int high = fcntl(ends[1], F_DUPFD, 600);

		close(ends[0]);
		close(ends[1]);
		close(shadow.listener);
		run_shadow(high, fcntl(state_fd, F_DUPFD, 600));
	}
	close(ends[1]);
	close(state_fd);
	shadow.link = ends[0];
	expect_serve();
}

static struct lb_link_call new_call(uint32_t number, uint32_t flags)
{
	return (struct lb_link_call){ .number = number, .flags = flags };
}

static uint64_t send_call(const struct lb_link_call *call, const void *in)
{
	static uint8_t body[sizeof *call + DATA_MAX];

	memcpy(body, call, sizeof *call);
	memcpy(body + sizeof *call, in != NULL ? in : "", call->in_size);
	tell(LB_LINK_CALL, ++shadow.seq, body, (uint32_t)sizeof *call + call->in_size);
	return shadow.seq;
}

static const struct answer *reply(uint64_t seq)
{
	static struct answer answer;
	static uint8_t body[sizeof(struct lb_link_reply) + DATA_MAX];
	struct lb_link_reply head;
	uint32_t size = expect(LB_LINK_REPLY, seq, body, sizeof body);

	CHECK(size >= sizeof head);
	memcpy(&head, body, sizeof head);
	CHECK_EQUAL(head.out_size, size - sizeof head);
	answer.result = head.result;
	answer.flags = head.flags;
	answer.out_size = head.out_size;
	memcpy(answer.out, body + sizeof head, head.out_size);
	return &answer;
}

/* A call of values only. */
static int64_t values(uint32_t number, uint64_t a, uint64_t b, uint64_t c)
{
	struct lb_link_call call = new_call(number, 0);

	call.args[0] = a;
	call.args[1] = b;
	call.args[2] = c;
	return reply(send_call(&call, NULL))->result;
}

static int64_t call_open(const char *path, int flags)
{
	struct lb_link_call call = new_call(SYS_open, LB_CALL_MAY_BLOCK);

	call.kinds[0] = LB_ARG_IN;
	call.arg_sizes[0] = strlen(path) + 1;
	call.in_size = (uint32_t)strlen(path) + 1;
	call.args[1] = (uint64_t)flags;
	call.args[2] = 0600;
	return reply(send_call(&call, path))->result;
}

static int64_t call_write(uint32_t number, int64_t fd, const void *data, uint32_t size)
{
	struct lb_link_call call = new_call(number, LB_CALL_MAY_BLOCK);

	call.args[0] = (uint64_t)fd;
	call.kinds[1] = LB_ARG_IN;
	call.arg_sizes[1] = size;
	call.in_size = size;
	call.args[2] = number == SYS_write ? size : 1;
	return reply(send_call(&call, data))->result;
}

static uint64_t send_read(int64_t fd, uint32_t size)
{
	struct lb_link_call call = new_call(SYS_read, LB_CALL_MAY_BLOCK | LB_CALL_RESULT_SIZE);

	call.args[0] = (uint64_t)fd;
	call.kinds[1] = LB_ARG_OUT;
	call.arg_sizes[1] = size;
	call.out_size = size;
	call.args[2] = size;
	return send_call(&call, NULL);
}

static void make_pipe(int64_t fds[2])
{
	struct lb_link_call call = new_call(SYS_pipe2, 0);
	const struct answer *answer;
	int32_t ends[2];

	call.kinds[0] = LB_ARG_OUT;
	call.arg_sizes[0] = sizeof ends;
	call.out_size = sizeof ends;
	answer = reply(send_call(&call, NULL));
	CHECK_EQUAL(answer->result, 0);
	CHECK_EQUAL(answer->out_size, sizeof ends);
	memcpy(ends, answer->out, sizeof ends);
	fds[0] = ends[0];
	fds[1] = ends[1];
}

static int wait_end(void)
{
	int status;

	CHECK_EQUAL(waitpid(shadow.pid, &status, 0), shadow.pid);
	unlink(shadow.path);
	close(shadow.link);
	close(shadow.listener);
	if (shadow.daemon >= 0)
		close(shadow.daemon);
	return status;
}

static void end_with(int code)
{
	struct lb_link_status status = { .code = code };
	int wait_status;

	tell(LB_LINK_EXIT, 0, &status, sizeof status);
	wait_status = wait_end();
	CHECK(WIFEXITED(wait_status));
	CHECK_EQUAL(WEXITSTATUS(wait_status), code & 0xff);
}

/* ---- the daemon's part */

static void daemon_receive(uint32_t type, void *message, size_t size)
{
	struct { uint32_t type, size; } *head = message;

	if (shadow.daemon < 0) {
		shadow.daemon = accept(shadow.listener, NULL, NULL);
		CHECK(shadow.daemon >= 0);
	}
	for (;;) {
		CHECK_EQUAL(recv(shadow.daemon, message, LB_LOCAL_MESSAGE_SIZE_MAX, 0) > 8, 1);
		if (head->type == type)
			break;
	}
	CHECK_EQUAL(head->size, size);
}

static void daemon_tell(const void *message, size_t size)
{
	CHECK_EQUAL(send(shadow.daemon, message, size, MSG_NOSIGNAL), size);
}

static void daemon_link(uint64_t ticket)
{
	struct lb_local_link message = { .type = LB_LOCAL_LINK, .size = sizeof message, .ticket = ticket };
	union {
		struct cmsghdr align;
		char bytes[CMSG_SPACE(sizeof(int))];
	} control = { 0 };
	struct iovec piece = { &message, sizeof message };
	struct msghdr header = { .msg_iov = &piece, .msg_iovlen = 1, .msg_control = control.bytes,
				 .msg_controllen = sizeof control.bytes };
	int ends[2];

	make_pair(ends);
	control.align.cmsg_level = SOL_SOCKET;
	control.align.cmsg_type = SCM_RIGHTS;
	control.align.cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(&control.align), &ends[1], sizeof(int));
	CHECK_EQUAL(sendmsg(shadow.daemon, &header, MSG_NOSIGNAL), sizeof message);
	close(ends[1]);
	shadow.link = ends[0];
}

static void hello(uint64_t ticket)
{
	struct lb_link_hello message = { .ticket = ticket, .last_seq = shadow.seq, .copy = shadow.copy };

	strcpy(message.node, "away:2");
	tell(LB_LINK_HELLO, 0, &message, sizeof message);
}

/* ---- cases */

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

static void signals_are_passed_on(void)
{
	siginfo_t info;
	union sigval value = { .sival_int = 4711 };
	int64_t fds[2];
	uint64_t seq;

	start();
	CHECK(sigqueue(shadow.pid, SIGUSR1, value) == 0);
	CHECK_EQUAL(expect(LB_LINK_SIGNAL, 0, &info, sizeof info), sizeof info);
	CHECK_EQUAL(info.si_signo, SIGUSR1);
	CHECK_EQUAL(info.si_pid, getpid());
	CHECK_EQUAL(info.si_value.sival_int, 4711);
	/* While a call blocks, which then goes on. */
	make_pipe(fds);
	seq = send_read(fds[0], 100);
	usleep(20000);
	CHECK(kill(shadow.pid, SIGRTMIN + 3) == 0);
	expect(LB_LINK_SIGNAL, 0, &info, sizeof info);
	CHECK_EQUAL(info.si_signo, SIGRTMIN + 3);
	CHECK(kill(shadow.pid, SIGWINCH) == 0); /* does nothing to a program that does not catch it */
	tell(LB_LINK_CANCEL, seq, NULL, 0);
	CHECK_EQUAL(reply(seq)->result, -EINTR);
	/* What a call causes comes before its result. */
	CHECK_EQUAL(values(SYS_close, (uint64_t)fds[0], 0, 0), 0);
	struct lb_link_call call = new_call(SYS_write, LB_CALL_MAY_BLOCK);

	call.args[0] = (uint64_t)fds[1];
	call.kinds[1] = LB_ARG_IN;
	call.arg_sizes[1] = call.args[2] = call.in_size = 1;
	seq = send_call(&call, "x");
	expect(LB_LINK_SIGNAL, 0, &info, sizeof info);
	CHECK_EQUAL(info.si_signo, SIGPIPE);
	CHECK_EQUAL(reply(seq)->result, -EPIPE);
	/* Ignored ones are the kernel's to drop. */
	struct lb_link_actions actions = { .ignored = UINT64_C(1) << (SIGPIPE - 1) };

	tell(LB_LINK_ACTIONS, 0, &actions, sizeof actions);
	seq = send_call(&call, "x");
	CHECK_EQUAL(reply(seq)->result, -EPIPE);
	end_with(0);
}

static void a_stop_is_seen_at_home(void)
{
	int status;

	start();
	CHECK(kill(shadow.pid, SIGTSTP) == 0);
	expect(LB_LINK_STOP, 0, NULL, 0);
	CHECK_EQUAL(waitpid(shadow.pid, &status, WUNTRACED), shadow.pid);
	CHECK(WIFSTOPPED(status));
	CHECK_EQUAL(WSTOPSIG(status), SIGTSTP);
	CHECK(kill(shadow.pid, SIGCONT) == 0);
	expect(LB_LINK_CONTINUE, 0, NULL, 0);
	CHECK_EQUAL(values(SYS_getpid, 0, 0, 0), shadow.pid);
	end_with(0);
}

static void each_call_happens_once_across_links(void)
{
	uint8_t message[LB_LOCAL_MESSAGE_SIZE_MAX] __attribute__((aligned(8)));
	struct lb_local_verdict *verdict = (void *)message;
	struct lb_local_inquire inquire = { .type = LB_LOCAL_INQUIRE, .size = sizeof inquire };
	struct lb_link_call call = new_call(SYS_write, LB_CALL_MAY_BLOCK);
	int64_t fds[2];
	uint64_t seq;

	start();
	make_pipe(fds);
	daemon_receive(LB_LOCAL_REPORT, message, sizeof(struct lb_local_report));
	call.args[0] = (uint64_t)fds[1];
	call.kinds[1] = LB_ARG_IN;
	call.arg_sizes[1] = call.args[2] = call.in_size = 1;
	seq = send_call(&call, "a");
	CHECK_EQUAL(reply(seq)->result, 1);
	close(shadow.link); /* as if the reply had been lost */
	daemon_receive(LB_LOCAL_LOST_LINK, message, sizeof(struct lb_local_lost_link));
	inquire.ticket = TICKET + 1;
	daemon_tell(&inquire, sizeof inquire);
	daemon_receive(LB_LOCAL_VERDICT, message, sizeof *verdict);
	CHECK_EQUAL(verdict->verdict, LB_VERDICT_DEAD);
	inquire.ticket = TICKET;
	daemon_tell(&inquire, sizeof inquire);
	daemon_receive(LB_LOCAL_VERDICT, message, sizeof *verdict);
	CHECK_EQUAL(verdict->verdict, LB_VERDICT_LIVE);
	daemon_link(TICKET);
	hello(TICKET);
	expect_serve();
	shadow.seq--;
	CHECK_EQUAL(reply(send_call(&call, "a"))->result, 1); /* the kept reply */
	CHECK_EQUAL(reply(send_read(fds[0], 10))->result, 1); /* written once */
	/* The link is lost while a call blocks, more often than there are links: the call goes on, and is answered
	 * over the last one. */
	seq = send_read(fds[0], 10);
	for (int i = 0; i < 2 * LB_LINKS; i++) {
		usleep(i == 0 ? 20000 : 0);
		close(shadow.link);
		daemon_receive(LB_LOCAL_LOST_LINK, message, sizeof(struct lb_local_lost_link));
		daemon_link(TICKET);
		hello(TICKET);
		expect_serve();
		shadow.seq--;
		CHECK_EQUAL(send_read(fds[0], 10), seq);
	}
	tell(LB_LINK_CANCEL, seq, NULL, 0);
	CHECK_EQUAL(reply(seq)->result, -EINTR);
	end_with(3);
}

static void a_later_move_has_one_winner(void)
{
	uint8_t message[LB_LOCAL_MESSAGE_SIZE_MAX] __attribute__((aligned(8)));
	struct lb_link_ticket prepare = { .ticket = TICKET + 5, .node = "away:3" };
	int old;

	start();
	daemon_receive(LB_LOCAL_REPORT, message, sizeof(struct lb_local_report));
	/* A ticket that nobody has prepared gets nothing. */
	old = shadow.link;
	daemon_link(TICKET + 5);
	hello(TICKET + 5);
	expect(LB_LINK_MOVED, 0, NULL, 0);
	close(shadow.link);
	shadow.link = old;
	tell(LB_LINK_PREPARE, 0, &prepare, sizeof prepare);
	expect(LB_LINK_PREPARED, 0, NULL, 0);
	tell(LB_LINK_ABORT, 0, &prepare, sizeof prepare);
	expect(LB_LINK_ABORTED, 0, NULL, 0);
	tell(LB_LINK_PREPARE, 0, &prepare, sizeof prepare);
	expect(LB_LINK_PREPARED, 0, NULL, 0);
	daemon_link(TICKET + 5);
	hello(TICKET + 5);
	expect_serve();
	int fresh = shadow.link;

	shadow.link = old;
	expect(LB_LINK_MOVED, 0, NULL, 0);
	CHECK_EQUAL(recv(old, message, 1, 0), 0);
	close(old);
	shadow.link = fresh;
	CHECK_EQUAL(values(SYS_getpid, 0, 0, 0), shadow.pid);
	end_with(0);
}

/* A copy that is not admitted leaves no trace: the one that lives may still come back. */
static void a_candidate_that_is_turned_away_changes_nothing(void)
{
	uint8_t message[LB_LOCAL_MESSAGE_SIZE_MAX] __attribute__((aligned(8)));
	struct lb_link_ticket prepare = { .ticket = TICKET + 5, .node = "away:3" };

	snprintf(shadow.fault, sizeof shadow.fault, "LB_FAULT=%d:fail", LB_FAULT_SHADOW_ACTIVATE);
	start();
	shadow.fault[0] = '\0';
	daemon_receive(LB_LOCAL_REPORT, message, sizeof(struct lb_local_report));
	tell(LB_LINK_PREPARE, 0, &prepare, sizeof prepare);
	expect(LB_LINK_PREPARED, 0, NULL, 0);
	int old = shadow.link;

	daemon_link(TICKET + 5);
	shadow.copy = 9;
	hello(TICKET + 5);
	CHECK_EQUAL(recv(shadow.link, message, 1, 0), 0);
	close(shadow.link);
	close(old);
	for (int round = 0; round < 2; round++) {
		daemon_receive(LB_LOCAL_LOST_LINK, message, sizeof(struct lb_local_lost_link));
		daemon_link(TICKET);
		shadow.copy = 4;
		hello(TICKET);
		expect_serve();
		CHECK_EQUAL(values(SYS_getpid, 0, 0, 0), shadow.pid);
		if (round == 0)
			close(shadow.link);
	}
	shadow.copy = 0;
	end_with(0);
}

/* What was sent and not applied is sent again over the next link; nothing of it is done twice. */
static void a_stream_goes_on_over_a_new_link(void)
{
	uint8_t message[LB_LOCAL_MESSAGE_SIZE_MAX] __attribute__((aligned(8)));
	const uint64_t one = sizeof(struct lb_link_header) + 8;
	const uint64_t pad = UINT64_C(4) << 32; /* of 4 bytes in 8 */
	struct lb_link_applied applied;
	char path[] = "/tmp/lb-test-stream.XXXXXX", content[16];
	int fd = mkstemp(path);

	CHECK(fd >= 0);
	start();
	daemon_receive(LB_LOCAL_REPORT, message, sizeof(struct lb_local_report));
	tell(LB_LINK_WRITE, (uint64_t)fd | pad, "abcd....", 8);
	CHECK_EQUAL(expect(LB_LINK_APPLIED, 0, &applied, sizeof applied), sizeof applied);
	CHECK_EQUAL(applied.stream_at, one);
	CHECK_EQUAL(applied.fd, -1);
	tell(LB_LINK_WRITE, (uint64_t)fd | pad, "efgh....", 8);
	tell(LB_LINK_WRITE, (uint64_t)fd | pad, "ijkl....", 8);
	CHECK_EQUAL(values(SYS_lseek, (uint64_t)fd, 0, SEEK_CUR), 12); /* a call comes behind */
	close(shadow.link);
	daemon_receive(LB_LOCAL_LOST_LINK, message, sizeof(struct lb_local_lost_link));
	daemon_link(TICKET);
	hello(TICKET);
	CHECK_EQUAL(expect_serve(), 3 * one);
	uint64_t back = (uint64_t)-8;

	tell(LB_LINK_ADVANCE, (uint64_t)fd, &back, sizeof back);
	tell(LB_LINK_WRITE, (uint64_t)fd | UINT64_C(6) << 32, "EF......", 8);
	CHECK_EQUAL(values(SYS_lseek, (uint64_t)fd, 0, SEEK_CUR), 6);
	CHECK_EQUAL(pread(fd, content, sizeof content, 0), 12);
	CHECK(memcmp(content, "abcdEFghijkl", 12) == 0);
	unlink(path);
	close(fd);
	end_with(0);
}

/* A write that fails is told once, by the next call that could; what follows it until then is not made. */
static void a_failed_write_is_told_once(void)
{
	uint8_t message[LB_LOCAL_MESSAGE_SIZE_MAX] __attribute__((aligned(8)));
	struct lb_link_applied applied;
	const uint64_t pad = UINT64_C(4) << 32;
	int fd = open("/dev/full", O_WRONLY);

	CHECK(fd >= 0);
	start();
	daemon_receive(LB_LOCAL_REPORT, message, sizeof(struct lb_local_report));
	tell(LB_LINK_WRITE, (uint64_t)fd | pad, "abcd....", 8);
	CHECK_EQUAL(expect(LB_LINK_APPLIED, 0, &applied, sizeof applied), sizeof applied);
	CHECK_EQUAL(applied.fd, fd);
	CHECK_EQUAL(applied.error, ENOSPC);
	tell(LB_LINK_WRITE, (uint64_t)fd | pad, "efgh....", 8);
	CHECK_EQUAL(expect(LB_LINK_APPLIED, 0, &applied, sizeof applied), sizeof applied);
	CHECK_EQUAL(values(SYS_fsync, (uint64_t)fd, 0, 0), -ENOSPC);
	CHECK_EQUAL(values(SYS_fsync, (uint64_t)fd, 0, 0), -EINVAL); /* as the device has it */
	close(fd);
	end_with(0);
}

static void a_failed_write_that_nobody_heard_of_is_told_at_the_end(void)
{
	uint8_t message[LB_LOCAL_MESSAGE_SIZE_MAX] __attribute__((aligned(8)));
	const uint64_t pad = UINT64_C(4) << 32;
	int fd = open("/dev/full", O_WRONLY);

	CHECK(fd >= 0);
	start();
	daemon_receive(LB_LOCAL_REPORT, message, sizeof(struct lb_local_report));
	tell(LB_LINK_WRITE, (uint64_t)fd | pad, "abcd....", 8);
	close(fd);
	struct lb_link_status status = { .code = 0 };
	struct lb_link_applied applied;

	expect(LB_LINK_APPLIED, 0, &applied, sizeof applied);
	tell(LB_LINK_EXIT, 0, &status, sizeof status);
	CHECK_EQUAL(wait_end(), 74 << 8);
}

/* The source of a move is frozen: a signal that it were told now would end with it. */
static void signals_wait_while_a_copy_is_on_its_way(void)
{
	uint8_t message[LB_LOCAL_MESSAGE_SIZE_MAX] __attribute__((aligned(8)));
	struct lb_link_ticket prepare = { .ticket = TICKET + 5, .node = "away:3" };
	siginfo_t info;
	int old;

	start();
	daemon_receive(LB_LOCAL_REPORT, message, sizeof(struct lb_local_report));
	for (int value = 0; value < 2; value++) {
		tell(LB_LINK_PREPARE, 0, &prepare, sizeof prepare);
		expect(LB_LINK_PREPARED, 0, NULL, 0);
		CHECK(sigqueue(shadow.pid, SIGUSR1, (union sigval){ .sival_int = value }) == 0);
		CHECK_EQUAL(values(SYS_getpid, 0, 0, 0), shadow.pid); /* else the signal comes before */
		if (value == 1)
			break;
		tell(LB_LINK_ABORT, 0, &prepare, sizeof prepare);
		expect(LB_LINK_ABORTED, 0, NULL, 0);
		expect(LB_LINK_SIGNAL, 0, &info, sizeof info);
		CHECK_EQUAL(info.si_value.sival_int, 0);
	}
	old = shadow.link;
	daemon_link(TICKET + 5);
	hello(TICKET + 5);
	expect_serve();
	expect(LB_LINK_SIGNAL, 0, &info, sizeof info);
	CHECK_EQUAL(info.si_value.sival_int, 1);
	int fresh = shadow.link;

	shadow.link = old;
	expect(LB_LINK_MOVED, 0, NULL, 0);
	close(old);
	shadow.link = fresh;
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
	struct lb_local_guest_ended ended = { .type = LB_LOCAL_GUEST_ENDED, .size = sizeof ended,
					      .ticket = TICKET };
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

	dup2(null_fd, 2); /* the one clear line is for the user, not for this test's output */
	start();
	dup2(error_fd, 2);
	close(shadow.link);
	status = wait_end();
	CHECK(WIFSIGNALED(status));
	CHECK_EQUAL(WTERMSIG(status), SIGKILL);
	close(null_fd);
	close(error_fd);
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
	run_case("signals to the home PID reach the guest, in order", signals_are_passed_on);
	run_case("a stop is seen at home and the guest hears of it", a_stop_is_seen_at_home);
	run_case("each call happens once across lost links", each_call_happens_once_across_links);
	run_case("a later move has one winner", a_later_move_has_one_winner);
	run_case("a candidate that is turned away changes nothing",
		 a_candidate_that_is_turned_away_changes_nothing);
	run_case("signals wait while a copy is on its way",
		 signals_wait_while_a_copy_is_on_its_way);
	run_case("a write that waits is whole", a_write_that_waits_is_whole);
	run_case("a stream goes on over a new link", a_stream_goes_on_over_a_new_link);
	run_case("a failed write is told once", a_failed_write_is_told_once);
	run_case("a failed write that nobody heard of is told at the end",
		 a_failed_write_that_nobody_heard_of_is_told_at_the_end);
	run_case("a small limit on files does no harm", a_small_file_limit_does_no_harm);
	run_case("a guest that is killed ends its shadow the same way",
		 a_guest_killed_away_ends_its_shadow_the_same_way);
	run_case("a guest that is lost is given up in the end", a_lost_guest_is_given_up_in_the_end);
	run_case("no layout of arguments reaches outside the message", no_layout_reaches_outside_the_message);
	run_case("malformed messages close the link and nothing else", malformed_messages_close_the_link);
	return 0;
}
