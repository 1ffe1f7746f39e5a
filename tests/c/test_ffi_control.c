/* test_ffi_control.c - The control socket that Deno cannot have. Units: c/ffi/
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>

#include "check.h"
#include "lb_ffi.h"

static char path[64];
static struct lb_ffi_event event;

static uint32_t next_event(void)
{
	CHECK_EQUAL(lb_ffi_control_next((uint8_t *)&event, sizeof event), 1);
	return event.kind;
}

static int connect_client(void)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);

	strcpy(address.sun_path, path);
	CHECK(fd >= 0);
	CHECK(connect(fd, (struct sockaddr *)&address, sizeof address) == 0);
	return fd;
}

static void send_register(int fd, uint32_t pid)
{
	struct lb_local_register message = { LB_LOCAL_REGISTER, sizeof message, 1, pid, 1 };

	CHECK_EQUAL(send(fd, &message, sizeof message, 0), sizeof message);
}

/* Sends `size` bytes with descriptors. */
static void send_fds(int fd, const void *message, size_t size, const int *fds, size_t count)
{
	char ancillary[CMSG_SPACE(8 * sizeof(int))] __attribute__((aligned(8))) = { 0 };
	struct iovec io = { (void *)(uintptr_t)message, size };
	struct msghdr header = { .msg_iov = &io,
		.msg_iovlen = 1,
		.msg_control = ancillary,
		.msg_controllen = CMSG_SPACE(count * sizeof(int)) };
	struct cmsghdr *rights = CMSG_FIRSTHDR(&header);

	rights->cmsg_level = SOL_SOCKET;
	rights->cmsg_type = SCM_RIGHTS;
	rights->cmsg_len = CMSG_LEN(count * sizeof(int));
	memcpy(CMSG_DATA(rights), fds, count * sizeof(int));
	CHECK_EQUAL(sendmsg(fd, &header, 0), size);
}

/* Number of open descriptors. */
static int count_fds(void)
{
	int count = 0;

	for (int fd = 0; fd < 1024; fd++)
		count += fcntl(fd, F_GETFD) >= 0;
	return count;
}

static void listens(void)
{
	struct stat status;
	uint8_t small[8];

	CHECK_EQUAL(lb_ffi_control_next((uint8_t *)&event, sizeof event), -ENOTCONN);
	CHECK_EQUAL(lb_ffi_control_wake(), -ENOTCONN);
	CHECK_EQUAL(lb_ffi_watch_pid((uint32_t)getpid(), 0), -ENOTCONN);
	umask(0);
	CHECK_EQUAL(lb_ffi_control_listen("/nowhere/control.sock"), -ENOENT);
	CHECK_EQUAL(close(open(path, O_CREAT | O_WRONLY, 0600)), 0); /* left by an earlier daemon */
	CHECK_EQUAL(lb_ffi_control_listen(path), 0);
	CHECK_EQUAL(stat(path, &status), 0);
	CHECK(S_ISSOCK(status.st_mode));
	CHECK_EQUAL(status.st_mode & 0777, 0600);
	CHECK_EQUAL(lb_ffi_control_listen(path), -EALREADY);
	CHECK_EQUAL(lb_ffi_control_next(small, sizeof small), -EINVAL);
}

static void receives_and_answers(void)
{
	struct lb_local_register message;
	struct lb_local_ack ack = { LB_LOCAL_ACK, sizeof ack, 0, 0 };
	int client = connect_client();

	send_register(client, 42);
	CHECK_EQUAL(next_event(), LB_FFI_EVENT_MESSAGE);
	CHECK_EQUAL(event.size, sizeof message);
	memcpy(&message, event.message, sizeof message);
	CHECK_EQUAL(message.pid, 42);
	CHECK_EQUAL(event.peer_pid, getpid());
	CHECK_EQUAL(event.peer_uid, geteuid());
	CHECK_EQUAL(event.fds_count, 0);
	CHECK_EQUAL(event.fds[0], -1);
	CHECK_EQUAL(lb_ffi_control_send(event.connection, (uint8_t *)&ack, sizeof ack, NULL, 0), 0);
	memset(&ack, 0xff, sizeof ack);
	CHECK_EQUAL(recv(client, &ack, sizeof ack, 0), sizeof ack);
	CHECK_EQUAL(ack.type, LB_LOCAL_ACK);
	close(client);
	CHECK_EQUAL(next_event(), LB_FFI_EVENT_HANGUP);
	CHECK_EQUAL(event.peer_pid, getpid());
	CHECK_EQUAL(lb_ffi_control_send(event.connection, (uint8_t *)&ack, sizeof ack, NULL, 0), -ENOTCONN);
	CHECK_EQUAL(lb_ffi_control_close(event.connection), -ENOTCONN);
}

static void passes_descriptors(void)
{
	struct lb_local_link link = { .type = LB_LOCAL_LINK, .size = sizeof link };
	char ancillary[CMSG_SPACE(4 * sizeof(int))] __attribute__((aligned(8)));
	struct iovec io = { &link, sizeof link };
	struct msghdr header = {
		.msg_iov = &io, .msg_iovlen = 1, .msg_control = ancillary, .msg_controllen = sizeof ancillary
	};
	int client = connect_client();
	int pipe_to[2], pipe_from[2], received[2];
	char byte;

	CHECK_EQUAL(pipe(pipe_to), 0);
	CHECK_EQUAL(pipe(pipe_from), 0);
	send_fds(client, &link, sizeof link, pipe_to, 2);
	CHECK_EQUAL(next_event(), LB_FFI_EVENT_MESSAGE);
	CHECK_EQUAL(event.fds_count, 2);
	CHECK_EQUAL(event.fds[2], -1);
	CHECK(fcntl(event.fds[0], F_GETFD) & FD_CLOEXEC);
	CHECK_EQUAL(write(event.fds[1], "x", 1), 1);
	CHECK_EQUAL(read(pipe_to[0], &byte, 1), 1);
	CHECK_EQUAL(lb_ffi_close(event.fds[0]), 0);
	CHECK_EQUAL(lb_ffi_close(event.fds[1]), 0);
	CHECK_EQUAL(lb_ffi_control_send(event.connection, (uint8_t *)&link, sizeof link, pipe_from, 2), 0);
	CHECK_EQUAL(recvmsg(client, &header, 0), sizeof link);
	memcpy(received, CMSG_DATA(CMSG_FIRSTHDR(&header)), sizeof received);
	CHECK_EQUAL(write(received[1], "y", 1), 1);
	CHECK_EQUAL(read(pipe_from[0], &byte, 1), 1);
	CHECK_EQUAL(byte, 'y');
	for (int i = 0; i < 2; i++) {
		close(received[i]);
		close(pipe_to[i]);
		close(pipe_from[i]);
	}
	CHECK_EQUAL(lb_ffi_control_close(event.connection), 0);
	CHECK_EQUAL(recv(client, &byte, 1, 0), 0);
	close(client);
}

static void refuses_malformed(void)
{
	char big[LB_LOCAL_MESSAGE_SIZE_MAX + 1] = { 0 };
	int fds[8];
	int before;
	int client = connect_client();

	CHECK_EQUAL(send(client, big, sizeof big, 0), sizeof big);
	CHECK_EQUAL(next_event(), LB_FFI_EVENT_HANGUP);
	CHECK_EQUAL(recv(client, big, sizeof big, 0), 0);
	close(client);
	client = connect_client();
	CHECK_EQUAL(send(client, big, 7, 0), 7);
	CHECK_EQUAL(next_event(), LB_FFI_EVENT_HANGUP);
	close(client);
	client = connect_client();
	for (int i = 0; i < 8; i++)
		fds[i] = 0;
	before = count_fds();
	send_fds(client, big, 16, fds, 8);
	CHECK_EQUAL(next_event(), LB_FFI_EVENT_HANGUP);
	CHECK_EQUAL(event.fds_count, 0);
	close(client);
	CHECK_EQUAL(count_fds(), before - 1); /* none of the eight is left open */
	CHECK_EQUAL(lb_ffi_control_send(1, (uint8_t *)big, sizeof big, NULL, 0), -EINVAL);
	CHECK_EQUAL(lb_ffi_control_send(1, (uint8_t *)big, 16, fds, 5), -EINVAL);
}

/* A peer that ends with an answer unread resets its connection; what it said before counts all
 * the same. */
static void hears_last_words(void)
{
	struct lb_local_ack ack = { LB_LOCAL_ACK, sizeof ack, 0, 0 };
	int client = connect_client();

	send_register(client, 1);
	CHECK_EQUAL(next_event(), LB_FFI_EVENT_MESSAGE);
	CHECK_EQUAL(lb_ffi_control_send(event.connection, (uint8_t *)&ack, sizeof ack, NULL, 0), 0);
	send_register(client, 2);
	close(client);
	CHECK_EQUAL(next_event(), LB_FFI_EVENT_MESSAGE);
	CHECK_EQUAL(((struct lb_local_register *)(void *)event.message)->pid, 2);
	CHECK_EQUAL(next_event(), LB_FFI_EVENT_HANGUP);
}

static void never_blocks_on_send(void)
{
	struct lb_local_ack ack = { LB_LOCAL_ACK, sizeof ack, 0, 0 };
	int client = connect_client();
	int32_t rv = 0;
	int sent;

	send_register(client, 1);
	CHECK_EQUAL(next_event(), LB_FFI_EVENT_MESSAGE);
	for (sent = 0; rv == 0 && sent < 100000; sent++)
		rv = lb_ffi_control_send(event.connection, (uint8_t *)&ack, sizeof ack, NULL, 0);
	CHECK_EQUAL(rv, -EAGAIN);
	CHECK_EQUAL(lb_ffi_control_close(event.connection), 0);
	close(client);
}

static void watches_processes(void)
{
	pid_t pid = fork_child();
	uint64_t started;

	if (pid == 0) {
		pause();
		_exit(0);
	}
	started = (uint64_t)lb_ffi_start_ticks((uint32_t)pid);
	CHECK((int64_t)started > 0);
	CHECK_EQUAL(lb_ffi_watch_pid((uint32_t)pid, started + 1), -ESRCH);
	CHECK_EQUAL(lb_ffi_watch_pid((uint32_t)pid, started), 0);
	CHECK_EQUAL(lb_ffi_watch_pid((uint32_t)pid, started), -EEXIST);
	CHECK_EQUAL(lb_ffi_unwatch_pid((uint32_t)pid), 0);
	CHECK_EQUAL(lb_ffi_unwatch_pid((uint32_t)pid), -ESRCH);
	CHECK_EQUAL(lb_ffi_watch_pid((uint32_t)pid, started), 0);
	kill(pid, SIGTERM);
	CHECK_EQUAL(next_event(), LB_FFI_EVENT_PID_EXITED);
	CHECK_EQUAL(event.pid, pid);
	CHECK_EQUAL(event.start_ticks, started);
	CHECK_EQUAL(event.wait_status, SIGTERM);
	CHECK_EQUAL(waitpid(pid, NULL, WNOHANG), -1); /* reaped with the event */
	CHECK_EQUAL(lb_ffi_watch_pid((uint32_t)pid, 0), -ESRCH);
}

static void reports_exit_status(void)
{
	pid_t pid = fork_child();
	pid_t grandchild;
	int ends[2];

	if (pid == 0)
		_exit(7);
	usleep(20000); /* a zombie by now: the event comes at once */
	CHECK_EQUAL(lb_ffi_watch_pid((uint32_t)pid, 0), 0);
	CHECK_EQUAL(next_event(), LB_FFI_EVENT_PID_EXITED);
	CHECK_EQUAL(event.wait_status, 7 << 8);
	/* Not a child of ours: only that it ended is known. */
	CHECK_EQUAL(pipe(ends), 0);
	pid = fork_child();
	if (pid == 0) {
		grandchild = fork();
		if (grandchild == 0) {
			pause();
			_exit(0);
		}
		CHECK_EQUAL(write(ends[1], &grandchild, sizeof grandchild), sizeof grandchild);
		_exit(0);
	}
	CHECK_EQUAL(waitpid(pid, NULL, 0), pid);
	CHECK_EQUAL(read(ends[0], &grandchild, sizeof grandchild), sizeof grandchild);
	CHECK_EQUAL(lb_ffi_watch_pid((uint32_t)grandchild, 0), 0);
	kill(grandchild, SIGKILL);
	CHECK_EQUAL(next_event(), LB_FFI_EVENT_PID_EXITED);
	CHECK_EQUAL(event.wait_status, -1);
	close(ends[0]);
	close(ends[1]);
}

static void *wait_in_thread(void *kinds)
{
	uint32_t *seen = kinds;

	for (int i = 0; i < 3; i++)
		seen[i] = next_event();
	return NULL;
}

static void blocks_until_woken(void)
{
	struct lb_local_ack ack = { LB_LOCAL_ACK, sizeof ack, 0, 0 };
	uint32_t seen[3] = { 0, 0, 0 };
	pthread_t thread;
	int client;

	CHECK_EQUAL(pthread_create(&thread, NULL, wait_in_thread, seen), 0);
	usleep(20000);
	client = connect_client(); /* calls from here while the other thread waits */
	send_register(client, 1);
	usleep(20000);
	CHECK_EQUAL(lb_ffi_control_send(event.connection, (uint8_t *)&ack, sizeof ack, NULL, 0), 0);
	CHECK_EQUAL(recv(client, &ack, sizeof ack, 0), sizeof ack);
	close(client);
	usleep(20000);
	CHECK_EQUAL(lb_ffi_control_wake(), 0);
	CHECK_EQUAL(pthread_join(thread, NULL), 0);
	CHECK_EQUAL(seen[0], LB_FFI_EVENT_MESSAGE);
	CHECK_EQUAL(seen[1], LB_FFI_EVENT_HANGUP);
	CHECK_EQUAL(seen[2], LB_FFI_EVENT_WOKEN);
}

static double cpu_seconds(void)
{
	struct timespec used;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used);
	return (double)used.tv_sec + (double)used.tv_nsec / 1e9;
}

/* Out of descriptors a connection is refused, not left to make epoll spin. The clients are
 * children's. */
static void survives_exhaustion(void)
{
	struct rlimit limit;
	int held[1024];
	int count = 0;
	uint32_t seen[3] = { 0, 0, 0 };
	pthread_t thread;
	double before;
	int client, last;
	int status;
	pid_t pid = fork_child();

	if (pid == 0) {
		char byte;

		usleep(100000);
		client = connect_client();
		_exit(recv(client, &byte, 1, 0) == 0 ? 0 : 1); /* refused */
	}
	CHECK_EQUAL(getrlimit(RLIMIT_NOFILE, &limit), 0);
	CHECK_EQUAL(setrlimit(RLIMIT_NOFILE, &(struct rlimit){ 256, limit.rlim_max }), 0);
	client = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	while ((held[count] = open("/dev/null", O_RDONLY)) >= 0)
		count++;
	before = cpu_seconds();
	CHECK_EQUAL(pthread_create(&thread, NULL, wait_in_thread, seen), 0);
	CHECK_EQUAL(waitpid(pid, &status, 0), pid);
	CHECK_EQUAL(status, 0);
	usleep(200000);
	CHECK(cpu_seconds() - before < 0.1);
	for (int i = 0; i < count; i++)
		close(held[i]);
	CHECK_EQUAL(setrlimit(RLIMIT_NOFILE, &limit), 0);
	last = connect_client(); /* and the next one is served */
	send_register(last, 1);
	usleep(20000);
	close(last);
	CHECK_EQUAL(lb_ffi_control_wake(), 0);
	CHECK_EQUAL(pthread_join(thread, NULL), 0);
	CHECK_EQUAL(seen[0], LB_FFI_EVENT_MESSAGE);
	close(client);
}

static void refuses_other_users(void)
{
	int status;
	pid_t pid;

	if (geteuid() != 0) {
		printf("skip a peer of another user is refused: needs root\n");
		return;
	}
	CHECK_EQUAL(chmod(path, 0666), 0); /* so that only the check of the peer is left */
	pid = fork_child();
	if (pid == 0) {
		char byte;
		int client;

		if (setresuid(65534, 65534, 65534) < 0)
			_exit(2);
		client = connect_client();
		_exit(recv(client, &byte, 1, 0) == 0 ? 0 : 1);
	}
	/* The child's connection makes no event; what follows it does. */
	CHECK_EQUAL(lb_ffi_watch_pid((uint32_t)pid, 0), 0);
	CHECK_EQUAL(next_event(), LB_FFI_EVENT_PID_EXITED);
	status = event.wait_status;
	CHECK_EQUAL(status, 0);
}

int main(void)
{
	char folder[] = "/tmp/lb-test-XXXXXX";

	signal(SIGPIPE, SIG_IGN);
	CHECK(mkdtemp(folder) != NULL);
	chmod(folder, 0755);
	snprintf(path, sizeof path, "%s/control.sock", folder);
	run_case("lb_ffi_control_listen() makes a socket that only its user can open", listens);
	run_case("lb_ffi_control_next() tells messages and hang-ups with the peer", receives_and_answers);
	run_case("descriptors travel both ways", passes_descriptors);
	run_case("a malformed message closes its connection and leaves nothing open", refuses_malformed);
	run_case("the last words of a peer that ends early are heard", hears_last_words);
	run_case("lb_ffi_control_send() never blocks", never_blocks_on_send);
	run_case("lb_ffi_watch_pid() tells the end of a process, once", watches_processes);
	run_case("the exit status of a child comes with the event", reports_exit_status);
	run_case("lb_ffi_control_next() waits on one thread while others send", blocks_until_woken);
	run_case("running out of descriptors refuses connections without spinning", survives_exhaustion);
	run_case("a peer of another user is refused", refuses_other_users);
	unlink(path);
	rmdir(folder);
	return 0;
}
