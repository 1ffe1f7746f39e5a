/* keeper_world.c - A daemon, a home and guests around a keeper under test. */
#include "keeper_world.h"

struct kept kept;
guest_function *guest_script;
uint32_t io_timeout_ms = 2000;
static char folder[] = "/tmp/lb-test-XXXXXX";
static char control_path[64];
static int listen_fd = -1;

void world_start(void)
{
	signal(SIGPIPE, SIG_IGN);
	CHECK(mkdtemp(folder) != NULL);
	snprintf(control_path, sizeof control_path, "%s/control.sock", folder);
	daemon_start();
}

void world_stop(void)
{
	daemon_stop();
	rmdir(folder);
}

_Noreturn void lb_guest_enter(const struct lb_guest_start *start)
{
	guest_script(start);
	_exit(0);
}

void say(const struct lb_guest_start *start, uint32_t type)
{
	struct lb_keeper_message message = { type, (uint32_t)getpid() };

	CHECK_EQUAL(send(start->keeper_fd, &message, sizeof message, 0), sizeof message);
}

void be_parked(const struct lb_guest_start *start)
{
	struct lb_image_header header;

	CHECK_EQUAL(recv(start->stream_fd, &header, sizeof header, MSG_WAITALL), sizeof header);
	say(start, LB_KEEPER_PARKED);
}

void be_served(const struct lb_guest_start *start)
{
	char byte;

	be_parked(start);
	CHECK_EQUAL(read(start->link_fd, &byte, 1), 1);
	CHECK_EQUAL(byte, SERVE);
	say(start, LB_KEEPER_SERVED);
}

void take_link(const struct lb_guest_start *start)
{
	struct lb_keeper_message message;
	char ancillary[CMSG_SPACE(sizeof(int))] __attribute__((aligned(8)));
	struct iovec io = { &message, sizeof message };
	struct msghdr header = {
		.msg_iov = &io, .msg_iovlen = 1, .msg_control = ancillary, .msg_controllen = sizeof ancillary
	};
	int fd;

	CHECK_EQUAL(recvmsg(start->keeper_fd, &header, 0), sizeof message);
	CHECK_EQUAL(message.type, LB_KEEPER_LINK);
	CHECK(CMSG_FIRSTHDR(&header) != NULL);
	memcpy(&fd, CMSG_DATA(CMSG_FIRSTHDR(&header)), sizeof fd);
	CHECK_EQUAL(write(fd, "hello", 5), 5);
	close(fd);
}

void guest_waits(const struct lb_guest_start *start)
{
	be_served(start);
	for (;;)
		pause();
}

void daemon_start(void)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };

	unlink(control_path);
	strcpy(address.sun_path, control_path);
	listen_fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	CHECK_EQUAL(bind(listen_fd, (struct sockaddr *)&address, sizeof address), 0);
	CHECK_EQUAL(listen(listen_fd, 16), 0);
}

void daemon_stop(void)
{
	close(listen_fd);
	unlink(control_path);
}

bool readable_within(int fd, int ms)
{
	struct pollfd ready = { .fd = fd, .events = POLLIN };

	return poll(&ready, 1, ms) == 1;
}

void accept_keeper(void)
{
	CHECK(readable_within(listen_fd, SOON_MS));
	kept.control = accept4(listen_fd, NULL, NULL, SOCK_CLOEXEC);
	CHECK(kept.control >= 0);
}

void expect(uint32_t type, void *message, size_t size)
{
	CHECK(readable_within(kept.control, SOON_MS));
	CHECK_EQUAL(recv(kept.control, message, size, 0), size);
	CHECK_EQUAL(((struct lb_local_ack *)message)->type, type);
	CHECK_EQUAL(((struct lb_local_ack *)message)->size, size);
}

void expect_state(uint32_t state)
{
	struct lb_local_keeper message;

	expect(LB_LOCAL_KEEPER, &message, sizeof message);
	CHECK_EQUAL(message.state, state);
	CHECK_EQUAL(message.ticket, TICKET);
	CHECK_EQUAL(message.keeper_pid, kept.pid);
	CHECK_EQUAL(message.home_pid, 4242);
	CHECK_EQUAL(message.start_ticks, 99);
	CHECK_TEXT(message.home_node, "home:9734");
	kept.guest_pid = message.guest_pid;
	if (message.guest_pid != 0) {
		uint64_t started;
		char letter;

		CHECK_TEXT(message.program, "matmul");
		if (lb_proc_stat(message.guest_pid, &letter, &started) == 0)
			CHECK_EQUAL(message.guest_start_ticks, started);
	}
}

void expect_need(void)
{
	struct lb_local_need_link message;

	expect(LB_LOCAL_NEED_LINK, &message, sizeof message);
	CHECK_EQUAL(message.ticket, TICKET);
	CHECK_EQUAL(message.home_pid, 4242);
	CHECK_TEXT(message.home_node, "home:9734");
}

void expect_ended(int wait_status)
{
	struct lb_local_guest_ended message;

	expect(LB_LOCAL_GUEST_ENDED, &message, sizeof message);
	CHECK_EQUAL(message.ticket, TICKET);
	CHECK_EQUAL(message.start_ticks, 99);
	CHECK_EQUAL(message.home_pid, 4242);
	CHECK_EQUAL(message.wait_status, wait_status);
}

void expect_hangup(void)
{
	char byte;

	CHECK(readable_within(kept.control, SOON_MS));
	CHECK_EQUAL(recv(kept.control, &byte, 1, 0), 0);
	close(kept.control);
}

void send_ack(void)
{
	struct lb_local_ack ack = { LB_LOCAL_ACK, sizeof ack, 0, 0 };

	CHECK_EQUAL(send(kept.control, &ack, sizeof ack, 0), sizeof ack);
}

void send_verdict(uint32_t verdict, uint64_t ticket)
{
	struct lb_local_verdict message = { LB_LOCAL_VERDICT, sizeof message, ticket, verdict, 0 };

	CHECK_EQUAL(send(kept.control, &message, sizeof message, 0), sizeof message);
}

int send_link(void)
{
	struct lb_local_link message = { .type = LB_LOCAL_LINK, .size = sizeof message, .ticket = TICKET };
	char ancillary[CMSG_SPACE(sizeof(int))] __attribute__((aligned(8))) = { 0 };
	struct iovec io = { &message, sizeof message };
	struct msghdr header = {
		.msg_iov = &io, .msg_iovlen = 1, .msg_control = ancillary, .msg_controllen = sizeof ancillary
	};
	struct cmsghdr *rights = CMSG_FIRSTHDR(&header);
	int ends[2];

	CHECK_EQUAL(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
	rights->cmsg_level = SOL_SOCKET;
	rights->cmsg_type = SCM_RIGHTS;
	rights->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(rights), &ends[1], sizeof(int));
	CHECK_EQUAL(sendmsg(kept.control, &header, 0), sizeof message);
	close(ends[1]);
	return ends[0];
}

void expect_hello(int link)
{
	char word[5];

	CHECK(readable_within(link, SOON_MS));
	CHECK_EQUAL(recv(link, word, sizeof word, MSG_WAITALL), sizeof word);
	CHECK(memcmp(word, "hello", 5) == 0);
}

void serve(void)
{
	CHECK_EQUAL(write(kept.home, &(char){ SERVE }, 1), 1);
}

int keeper_status(void)
{
	int status;

	CHECK_EQUAL(waitpid(kept.pid, &status, 0), kept.pid);
	CHECK(WIFEXITED(status));
	return WEXITSTATUS(status);
}

struct lb_image_header image_header(void)
{
	struct lb_image_header header;

	memset(&header, 0, sizeof header);
	header.magic = LB_IMAGE_MAGIC;
	header.ticket = TICKET;
	header.home_pid = 4242;
	header.start_ticks = 99;
	strcpy(header.home_node, "home:9734");
	strcpy(header.program, "matmul");
	return header;
}

void keeper_child(int stream_fd, int link_fd, bool restart, uint32_t limit_ms)
{
	static struct lb_keeper keeper;
	int error;

	keeper.options.restart = restart;
	keeper.options.control_path = control_path;
	keeper.options.io_timeout_ms = io_timeout_ms;
	keeper.options.reconnect_limit_ms = limit_ms;
	strcpy(keeper.options.node, "here:9734");
	if (!restart) {
		strcpy(keeper.options.home_node, "home:9734");
		keeper.options.ticket = TICKET;
		keeper.options.start_ticks = 99;
		keeper.options.home_pid = 4242;
	}
	error = lb_keeper_run(&keeper, stream_fd, link_fd);
	if (error == 0 && keeper.dead)
		_exit(KEEPER_DEAD);
	if (error == 0 && restart)
		_exit(WIFEXITED(keeper.wait_status) ? WEXITSTATUS(keeper.wait_status)
						    : 128 + WTERMSIG(keeper.wait_status));
	_exit(error == 0 ? 0 : 1);
}

void arrive(guest_function *script, uint32_t limit_ms)
{
	struct lb_image_header header = image_header();
	int ends[2];

	guest_script = script;
	CHECK_EQUAL(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
	CHECK_EQUAL(write(ends[0], &header, sizeof header), sizeof header);
	kept.home = ends[0];
	kept.pid = fork_child();
	if (kept.pid == 0) {
		close(ends[0]);
		keeper_child(ends[1], -1, false, limit_ms);
	}
	close(ends[1]);
	accept_keeper();
	expect_state(LB_GUEST_RESTORING); /* before the guest is forked */
	CHECK_EQUAL(kept.guest_pid, 0);
	expect_state(LB_GUEST_RESTORING);
	CHECK(kept.guest_pid != 0);
}

void arrive_served(guest_function *script, uint32_t limit_ms)
{
	arrive(script, limit_ms);
	expect_state(LB_GUEST_RUNNING);
	serve();
}

void end_guest(void)
{
	kill((pid_t)kept.guest_pid, SIGKILL);
	expect_ended(SIGKILL);
	send_ack();
	expect_hangup();
	CHECK_EQUAL(keeper_status(), 0);
	close(kept.home);
}
