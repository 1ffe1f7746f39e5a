/* shadow_world.c - see shadow_world.h. */
#include "shadow_world.h"

#include <netinet/in.h>
#include <sys/un.h>

int shadow_main(int argc, char **argv, char **environment);
#define main shadow_main
#include "shadow/main.c"
#undef main

#include "lb_restorer.h"

/* Homecoming is for the end to end tests; here there is no program to come back to. */
int lb_enter(const struct lb_enter_request *request, struct lb_image_header *header)
{
	(void)request;
	(void)header;
	return -LB_E_UNSUPPORTED;
}

struct shadow_world shadow = { .reconnect_ms = RECONNECT_MS };

static void make_pair(int ends[2])
{
	struct sockaddr_in address = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
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
	state.shadow_fd = -1;
	state.reconnect_limit_ms = shadow.reconnect_ms;
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
void receive(int fd, void *to, size_t size)
{
	for (size_t done = 0; done < size;) {
		ssize_t got = recv(fd, (uint8_t *)to + done, size - done, 0);

		CHECK(got > 0);
		done += (size_t)got;
	}
}

uint32_t expect(uint32_t type, uint64_t seq, void *body, size_t size)
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

uint64_t expect_serve(void)
{
	struct lb_link_serve serve;

	CHECK_EQUAL(expect(LB_LINK_SERVE, 0, &serve, sizeof serve), sizeof serve);
	return serve.backlog_at;
}

void tell(uint32_t type, uint64_t seq, const void *body, uint32_t size)
{
	struct lb_link_header header = { .type = type, .size = size, .seq = seq };

	CHECK_EQUAL(send(shadow.link, &header, sizeof header, MSG_NOSIGNAL | (size ? MSG_MORE : 0)), sizeof header);
	if (size > 0)
		CHECK_EQUAL(send(shadow.link, body, size, MSG_NOSIGNAL), size);
}

void start(void)
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

struct lb_link_call new_call(uint32_t number, uint32_t flags)
{
	return (struct lb_link_call){ .number = number, .flags = flags };
}

uint64_t send_call(const struct lb_link_call *call, const void *in)
{
	static uint8_t body[sizeof *call + DATA_MAX];

	memcpy(body, call, sizeof *call);
	memcpy(body + sizeof *call, in != NULL ? in : "", call->in_size);
	tell(LB_LINK_CALL, ++shadow.seq, body, (uint32_t)sizeof *call + call->in_size);
	return shadow.seq;
}

const struct answer *reply(uint64_t seq)
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

int64_t values(uint32_t number, uint64_t a, uint64_t b, uint64_t c)
{
	struct lb_link_call call = new_call(number, 0);

	call.args[0] = a;
	call.args[1] = b;
	call.args[2] = c;
	return reply(send_call(&call, NULL))->result;
}

int64_t call_open(const char *path, int flags)
{
	struct lb_link_call call = new_call(SYS_open, LB_CALL_MAY_BLOCK);

	call.kinds[0] = LB_ARG_IN;
	call.arg_sizes[0] = strlen(path) + 1;
	call.in_size = (uint32_t)strlen(path) + 1;
	call.args[1] = (uint64_t)flags;
	call.args[2] = 0600;
	return reply(send_call(&call, path))->result;
}

int64_t call_write(uint32_t number, int64_t fd, const void *data, uint32_t size)
{
	struct lb_link_call call = new_call(number, LB_CALL_MAY_BLOCK);

	call.args[0] = (uint64_t)fd;
	call.kinds[1] = LB_ARG_IN;
	call.arg_sizes[1] = size;
	call.in_size = size;
	call.args[2] = number == SYS_write ? size : 1;
	return reply(send_call(&call, data))->result;
}

uint64_t send_read(int64_t fd, uint32_t size)
{
	struct lb_link_call call = new_call(SYS_read, LB_CALL_MAY_BLOCK | LB_CALL_RESULT_SIZE);

	call.args[0] = (uint64_t)fd;
	call.kinds[1] = LB_ARG_OUT;
	call.arg_sizes[1] = size;
	call.out_size = size;
	call.args[2] = size;
	return send_call(&call, NULL);
}

int open_other(int64_t fd, int flags)
{
	char path[64];
	int other;

	snprintf(path, sizeof path, "/proc/%d/fd/%d", (int)shadow.pid, (int)fd);
	other = open(path, flags | O_CLOEXEC);
	CHECK(other >= 0);
	return other;
}

void write_outside(int64_t fd, const void *data, uint32_t size)
{
	int other = open_other(fd, O_WRONLY);

	CHECK_EQUAL(write(other, data, size), size);
	close(other);
}

uint64_t as(uint64_t thread, struct lb_link_call call, const void *in)
{
	call.thread = thread;
	return send_call(&call, in);
}

struct lb_link_call value_call(uint32_t number, uint32_t flags, uint64_t a, uint64_t b, uint64_t c)
{
	struct lb_link_call call = new_call(number, flags);

	call.args[0] = a;
	call.args[1] = b;
	call.args[2] = c;
	return call;
}

int64_t values_as(uint64_t thread, uint32_t number, uint64_t a, uint64_t b, uint64_t c)
{
	return reply(as(thread, value_call(number, 0, a, b, c), NULL))->result;
}

uint64_t make_thread(void)
{
	int64_t tid = values(LB_HOME_THREAD, 0, 0, 0);

	CHECK(tid > 0 && tid != shadow.pid);
	return (uint64_t)tid;
}

uint64_t read_as(uint64_t thread, int64_t fd, uint32_t size)
{
	struct lb_link_call call = value_call(SYS_read, LB_CALL_MAY_BLOCK | LB_CALL_RESULT_SIZE, (uint64_t)fd, 0, size);

	call.kinds[1] = LB_ARG_OUT;
	call.arg_sizes[1] = call.out_size = size;
	return as(thread, call, NULL);
}

uint64_t write_as(uint64_t thread, uint32_t flags, int64_t fd, const void *data, uint32_t size)
{
	struct lb_link_call call = value_call(SYS_write, flags, (uint64_t)fd, 0, size);

	call.kinds[1] = LB_ARG_IN;
	call.arg_sizes[1] = call.in_size = size;
	return as(thread, call, data);
}

void make_pipe(int64_t fds[2])
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

int wait_end(void)
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

void end_with(int code)
{
	struct lb_link_status status = { .code = code };
	int wait_status;

	tell(LB_LINK_EXIT, 0, &status, sizeof status);
	wait_status = wait_end();
	CHECK(WIFEXITED(wait_status));
	CHECK_EQUAL(WEXITSTATUS(wait_status), code & 0xff);
}

void daemon_receive(uint32_t type, void *message, size_t size)
{
	struct {
		uint32_t type, size;
	} *head = message;

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

void daemon_tell(const void *message, size_t size)
{
	CHECK_EQUAL(send(shadow.daemon, message, size, MSG_NOSIGNAL), size);
}

void daemon_link(uint64_t ticket)
{
	struct lb_local_link message = { .type = LB_LOCAL_LINK, .size = sizeof message, .ticket = ticket };
	union {
		struct cmsghdr align;
		char bytes[CMSG_SPACE(sizeof(int))];
	} control = { 0 };
	struct iovec piece = { &message, sizeof message };
	struct msghdr header = {
		.msg_iov = &piece, .msg_iovlen = 1, .msg_control = control.bytes, .msg_controllen = sizeof control.bytes
	};
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

void hello(uint64_t ticket)
{
	struct lb_link_hello message = {
		.ticket = ticket, .last_seq = shadow.seq, .copy = shadow.copy, .signals = shadow.signals
	};

	strcpy(message.node, "away:2");
	tell(LB_LINK_HELLO, 0, &message, sizeof message);
}
