/* test_keeper.c - The keeper between a daemon and a guest. Units: c/keeper/{guest,link,control,loop}.c
 *
 * This program is the daemon and the guest's home; the keeper runs in a child of it. The guest, which would be
 * restored from an image, is one of the functions guest_*().
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stddef.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>

#include "check.h"
#include "keeper.h"
#include "lb_state.h"
#include "proc_stat.h"

#define TICKET 0x1122334455667788u
#define SOON_MS 5000  /* for what must happen; the machine may be busy */
#define QUIET_MS 300  /* for what must not */
#define SERVE 's'     /* one byte that stands for the message SERVE */

static char control_path[64];
static int listen_fd = -1;
static void (*guest_script)(const struct lb_guest_start *start);

static struct { /* the keeper under test and what the test holds of it */
	pid_t pid;
	int control; /* connection it made to us */
	int home;    /* home's end of its stream */
	uint32_t guest_pid;
} kept;

/* ---- the guest's side ------------------------------------------------------------------------ */

_Noreturn void lb_guest_enter(const struct lb_guest_start *start)
{
	guest_script(start);
	_exit(0);
}

static void say(const struct lb_guest_start *start, uint32_t type)
{
	struct lb_keeper_message message = { type, (uint32_t)getpid() };

	CHECK_EQUAL(send(start->keeper_fd, &message, sizeof message, 0), sizeof message);
}

static void be_parked(const struct lb_guest_start *start)
{
	struct lb_image_header header;

	CHECK_EQUAL(recv(start->stream_fd, &header, sizeof header, MSG_WAITALL), sizeof header);
	say(start, LB_KEEPER_PARKED);
}

static void be_served(const struct lb_guest_start *start)
{
	char byte;

	be_parked(start);
	CHECK_EQUAL(read(start->link_fd, &byte, 1), 1);
	CHECK_EQUAL(byte, SERVE);
	say(start, LB_KEEPER_SERVED);
}

/* Takes a LINK from the keeper and says a word on it. */
static void take_link(const struct lb_guest_start *start)
{
	struct lb_keeper_message message;
	char ancillary[CMSG_SPACE(sizeof(int))] __attribute__((aligned(8)));
	struct iovec io = { &message, sizeof message };
	struct msghdr header = { .msg_iov = &io, .msg_iovlen = 1, .msg_control = ancillary,
				 .msg_controllen = sizeof ancillary };
	int fd;

	CHECK_EQUAL(recvmsg(start->keeper_fd, &header, 0), sizeof message);
	CHECK_EQUAL(message.type, LB_KEEPER_LINK);
	CHECK(CMSG_FIRSTHDR(&header) != NULL);
	memcpy(&fd, CMSG_DATA(CMSG_FIRSTHDR(&header)), sizeof fd);
	CHECK_EQUAL(write(fd, "hello", 5), 5);
	close(fd);
}

static void guest_exits(const struct lb_guest_start *start)
{
	be_served(start);
	_exit(7);
}

static void guest_waits(const struct lb_guest_start *start)
{
	be_served(start);
	for (;;)
		pause();
}

static void guest_fails(const struct lb_guest_start *start)
{
	(void)start;
	_exit(1);
}

static void guest_leaves(const struct lb_guest_start *start)
{
	be_served(start);
	say(start, LB_KEEPER_LEFT);
	_exit(0);
}

/* Leaves with something unread, which resets the keeper's end of the socket pair. */
static void guest_leaves_early(const struct lb_guest_start *start)
{
	struct pollfd link = { .fd = start->keeper_fd, .events = POLLIN };

	be_served(start);
	say(start, LB_KEEPER_LOST);
	CHECK_EQUAL(poll(&link, 1, SOON_MS), 1);
	say(start, LB_KEEPER_LEFT);
	_exit(0);
}

/* Computes until it is poked, then does as the library: says LOST and takes the link that is there. */
static void guest_is_poked(const struct lb_guest_start *start)
{
	siginfo_t info;
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGURG);
	sigprocmask(SIG_BLOCK, &set, NULL);
	be_served(start);
	CHECK_EQUAL(sigwaitinfo(&set, &info), SIGURG);
	CHECK_EQUAL(info.si_code, SI_QUEUE);
	CHECK_EQUAL((uintptr_t)info.si_value.sival_ptr, LB_POKE_LINK);
	say(start, LB_KEEPER_LOST);
	take_link(start);
	for (;;)
		pause();
}

static void guest_asks(const struct lb_guest_start *start)
{
	sigset_t set, pending;

	sigemptyset(&set);
	sigaddset(&set, SIGURG);
	sigprocmask(SIG_BLOCK, &set, NULL);
	be_served(start);
	say(start, LB_KEEPER_LOST);
	take_link(start);
	usleep(50000);
	sigpending(&pending);
	_exit(sigismember(&pending, SIGURG) ? 1 : 0);
}

/* Looks at what it was started with. */
static void guest_looks_around(const struct lb_guest_start *start)
{
	sigset_t blocked;
	int open_fds = 0;

	sigprocmask(SIG_SETMASK, NULL, &blocked);
	for (int signal = 1; signal < 32; signal++) {
		struct sigaction action;

		CHECK_EQUAL(sigaction(signal, NULL, &action), 0);
		CHECK(action.sa_handler == SIG_DFL);
		CHECK(sigismember(&blocked, signal) || signal == SIGKILL || signal == SIGSTOP);
	}
	CHECK(start->stream_fd >= 64);
	CHECK_EQUAL(start->link_fd, start->stream_fd);
	CHECK(start->keeper_fd >= 64);
	for (int fd = 0; fd < 2048; fd++)
		open_fds += fcntl(fd, F_GETFD) >= 0;
	CHECK_EQUAL(open_fds, 5); /* and 0 to 2: */
	for (int fd = 0; fd <= 2; fd++)
		CHECK(write(fd, "", 0) == 0 && lseek(fd, 0, SEEK_CUR) == 0);
	CHECK_EQUAL(getsid(0), getpid());
	be_served(start);
}

static void guest_of_a_file(const struct lb_guest_start *start)
{
	siginfo_t info;
	sigset_t set;

	sigfillset(&set);
	CHECK_EQUAL(start->link_fd, -1);
	say(start, LB_KEEPER_PARKED);
	/* Signals that the keeper got: passed on, the queued one with its value. */
	CHECK_EQUAL(sigwaitinfo(&set, &info), SIGUSR1);
	CHECK_EQUAL(sigwaitinfo(&set, &info), SIGRTMIN + 3);
	CHECK_EQUAL(info.si_value.sival_int, 42);
	signal(SIGTERM, SIG_DFL);
	sigprocmask(SIG_UNBLOCK, &set, NULL);
	for (;;)
		pause();
}

/* ---- the daemon's side ------------------------------------------------------------------------- */

static void daemon_start(void)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };

	unlink(control_path);
	strcpy(address.sun_path, control_path);
	listen_fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	CHECK_EQUAL(bind(listen_fd, (struct sockaddr *)&address, sizeof address), 0);
	CHECK_EQUAL(listen(listen_fd, 16), 0);
}

static void daemon_stop(void)
{
	close(listen_fd);
	unlink(control_path);
}

static bool readable_within(int fd, int ms)
{
	struct pollfd ready = { .fd = fd, .events = POLLIN };

	return poll(&ready, 1, ms) == 1;
}

static void accept_keeper(void)
{
	CHECK(readable_within(listen_fd, SOON_MS));
	kept.control = accept4(listen_fd, NULL, NULL, SOCK_CLOEXEC);
	CHECK(kept.control >= 0);
}

/* The next message of the keeper, which must be of this type. */
static void expect(uint32_t type, void *message, size_t size)
{
	CHECK(readable_within(kept.control, SOON_MS));
	CHECK_EQUAL(recv(kept.control, message, size, 0), size);
	CHECK_EQUAL(((struct lb_local_ack *)message)->type, type);
	CHECK_EQUAL(((struct lb_local_ack *)message)->size, size);
}

static void expect_state(uint32_t state)
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

static void expect_need(void)
{
	struct lb_local_need_link message;

	expect(LB_LOCAL_NEED_LINK, &message, sizeof message);
	CHECK_EQUAL(message.ticket, TICKET);
	CHECK_EQUAL(message.home_pid, 4242);
	CHECK_TEXT(message.home_node, "home:9734");
}

static void expect_ended(int wait_status)
{
	struct lb_local_guest_ended message;

	expect(LB_LOCAL_GUEST_ENDED, &message, sizeof message);
	CHECK_EQUAL(message.ticket, TICKET);
	CHECK_EQUAL(message.start_ticks, 99);
	CHECK_EQUAL(message.home_pid, 4242);
	CHECK_EQUAL(message.wait_status, wait_status);
}

static void expect_hangup(void)
{
	char byte;

	CHECK(readable_within(kept.control, SOON_MS));
	CHECK_EQUAL(recv(kept.control, &byte, 1, 0), 0);
	close(kept.control);
}

static void send_ack(void)
{
	struct lb_local_ack ack = { LB_LOCAL_ACK, sizeof ack, 0, 0 };

	CHECK_EQUAL(send(kept.control, &ack, sizeof ack, 0), sizeof ack);
}

static void send_verdict(uint32_t verdict, uint64_t ticket)
{
	struct lb_local_verdict message = { LB_LOCAL_VERDICT, sizeof message, ticket, verdict, 0 };

	CHECK_EQUAL(send(kept.control, &message, sizeof message, 0), sizeof message);
}

/* Sends a Link and returns home's end of it. */
static int send_link(void)
{
	struct lb_local_link message = { .type = LB_LOCAL_LINK, .size = sizeof message,
					 .ticket = TICKET };
	char ancillary[CMSG_SPACE(sizeof(int))] __attribute__((aligned(8))) = { 0 };
	struct iovec io = { &message, sizeof message };
	struct msghdr header = { .msg_iov = &io, .msg_iovlen = 1, .msg_control = ancillary,
				 .msg_controllen = sizeof ancillary };
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

static void expect_hello(int link)
{
	char word[5];

	CHECK(readable_within(link, SOON_MS));
	CHECK_EQUAL(recv(link, word, sizeof word, MSG_WAITALL), sizeof word);
	CHECK(memcmp(word, "hello", 5) == 0);
}

static void serve(void)
{
	CHECK_EQUAL(write(kept.home, &(char){ SERVE }, 1), 1);
}

static int keeper_status(void)
{
	int status;

	CHECK_EQUAL(waitpid(kept.pid, &status, 0), kept.pid);
	CHECK(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static struct lb_image_header image_header(void)
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

/* Runs a keeper in a child; it ends with 0, or 1 where lb_keeper_run() says that the guest never ran. */
static void keeper_child(int stream_fd, bool restart, uint32_t limit_ms)
{
	static struct lb_keeper keeper;
	int error;

	keeper.options.restart = restart;
	keeper.options.control_path = control_path;
	keeper.options.io_timeout_ms = 2000;
	keeper.options.reconnect_limit_ms = limit_ms;
	strcpy(keeper.options.node, "here:9734");
	if (!restart) {
		strcpy(keeper.options.home_node, "home:9734");
		keeper.options.ticket = TICKET;
		keeper.options.start_ticks = 99;
		keeper.options.home_pid = 4242;
	}
	error = lb_keeper_run(&keeper, stream_fd, -1);
	if (error == 0 && restart)
		_exit(keeper.wait_status);
	_exit(error == 0 ? 0 : 1);
}

/* A move arrives: starts the keeper and sends the image's header. */
static void arrive(void (*script)(const struct lb_guest_start *start), uint32_t limit_ms)
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
		keeper_child(ends[1], false, limit_ms);
	}
	close(ends[1]);
	accept_keeper();
	expect_state(LB_GUEST_RESTORING); /* before the guest is forked */
	CHECK_EQUAL(kept.guest_pid, 0);
	expect_state(LB_GUEST_RESTORING);
	CHECK(kept.guest_pid != 0);
}

/* ... and is served. */
static void arrive_served(void (*script)(const struct lb_guest_start *start), uint32_t limit_ms)
{
	arrive(script, limit_ms);
	expect_state(LB_GUEST_RUNNING);
	serve();
}

static void end_guest(void)
{
	kill((pid_t)kept.guest_pid, SIGKILL);
	expect_ended(SIGKILL);
	send_ack();
	expect_hangup();
	CHECK_EQUAL(keeper_status(), 0);
	close(kept.home);
}

/* ---- cases --------------------------------------------------------------------------------------- */

static void reports_exits(void)
{
	char byte;

	arrive_served(guest_exits, 60000);
	expect_ended(7 << 8);
	/* Home sees the end of the stream at once, so that it does what was written, while the keeper waits. */
	CHECK(readable_within(kept.home, SOON_MS));
	CHECK_EQUAL(read(kept.home, &byte, 1), 0);
	CHECK_EQUAL(waitpid(kept.pid, NULL, WNOHANG), 0);
	send_ack();
	expect_hangup();
	CHECK_EQUAL(keeper_status(), 0);
	close(kept.home);
}

static void reports_signals(void)
{
	arrive_served(guest_waits, 60000);
	end_guest();
}

static void reports_no_failed_restore(void)
{
	arrive(guest_fails, 60000);
	expect_state(LB_GUEST_ENDED);
	expect_hangup();
	CHECK_EQUAL(keeper_status(), 1);
	close(kept.home);
}

static void reports_nothing_of_who_left(void)
{
	arrive_served(guest_leaves, 60000);
	expect_state(LB_GUEST_LEFT);
	expect_hangup();
	CHECK_EQUAL(keeper_status(), 0);
	close(kept.home);
}

static void hears_last_words(void)
{
	int link;

	arrive_served(guest_leaves_early, 60000);
	expect_need();
	link = send_link();
	expect_state(LB_GUEST_LEFT);
	expect_hangup();
	CHECK_EQUAL(keeper_status(), 0);
	close(link);
	close(kept.home);
}

static void replaces_a_cut_link(void)
{
	int link;

	arrive_served(guest_is_poked, 60000);
	usleep(50000); /* let the guest read SERVE */
	close(kept.home);
	expect_need();
	link = send_link();
	expect_hello(link);
	CHECK(!readable_within(kept.control, QUIET_MS)); /* LOST was answered before it was said */
	close(link); /* and again: the guest only waits, so nobody reads the next one */
	expect_need();
	kept.home = send_link();
	usleep(50000);
	end_guest();
}

static void gets_a_link_when_asked(void)
{
	int link;

	arrive_served(guest_asks, 60000);
	expect_need();
	link = send_link();
	expect_hello(link);
	expect_ended(0); /* 1 would be: poked although it had asked */
	send_ack();
	expect_hangup();
	CHECK_EQUAL(keeper_status(), 0);
	close(link);
	close(kept.home);
}

static void ends_a_dead_copy(void)
{
	arrive_served(guest_waits, 60000);
	usleep(50000);
	close(kept.home);
	expect_need();
	send_verdict(LB_VERDICT_DEAD, TICKET + 1); /* of another: not heard */
	send_verdict(LB_VERDICT_UNKNOWN, TICKET);
	CHECK(!readable_within(kept.control, QUIET_MS)); /* asked again, but not at once */
	expect_need();
	send_verdict(LB_VERDICT_DEAD, TICKET);
	expect_state(LB_GUEST_LEFT);
	expect_hangup();
	CHECK_EQUAL(keeper_status(), 0);
	CHECK_EQUAL(kill((pid_t)kept.guest_pid, 0), -1);
}

static void outlives_the_daemon(void)
{
	arrive_served(guest_waits, 60000);
	close(kept.control);
	daemon_stop();
	usleep(50000);
	close(kept.home); /* the link is lost while nobody can be asked */
	daemon_start();
	accept_keeper();
	expect_state(LB_GUEST_RUNNING);
	expect_need();
	kept.home = send_link();
	usleep(50000);
	close(kept.control);
	daemon_stop();
	kill((pid_t)kept.guest_pid, SIGKILL); /* all else is blocked */
	usleep(50000);
	for (int i = 0; i < 2; i++) { /* said again until it is answered */
		daemon_start();
		accept_keeper();
		expect_state(LB_GUEST_ENDED);
		expect_ended(SIGKILL);
		if (i == 0) {
			close(kept.control);
			daemon_stop();
		}
	}
	send_ack();
	expect_hangup();
	CHECK_EQUAL(keeper_status(), 0);
	close(kept.home);
}

static void gives_up_in_time(void)
{
	arrive_served(guest_waits, 400);
	usleep(50000);
	close(kept.home);
	expect_need();
	/* No link within the limit: the guest ends, and as nobody answers, the keeper too. */
	expect_ended(SIGKILL);
	expect_hangup();
	CHECK_EQUAL(keeper_status(), 0);
}

static void guests_never_outlive_it(void)
{
	int status;

	arrive_served(guest_waits, 60000);
	kill(kept.pid, SIGKILL);
	CHECK_EQUAL(waitpid(kept.pid, &status, 0), kept.pid);
	expect_hangup();
	for (int i = 0; i < SOON_MS / 10; i++) {
		uint64_t started;
		char letter = 'X';

		if (lb_proc_stat(kept.guest_pid, &letter, &started) < 0 || letter == 'Z')
			break;
		CHECK(i + 1 < SOON_MS / 10);
		usleep(10000);
	}
	close(kept.home);
}

static void starts_clean(void)
{
	int leak = open("/dev/null", O_RDONLY);

	signal(SIGUSR1, SIG_IGN);
	arrive_served(guest_looks_around, 60000);
	signal(SIGUSR1, SIG_DFL);
	expect_ended(0);
	send_ack();
	expect_hangup();
	CHECK_EQUAL(keeper_status(), 0);
	close(leak);
	close(kept.home);
}

static long context_switches(pid_t pid)
{
	char path[40], line[128];
	long count = -1;
	FILE *file;

	snprintf(path, sizeof path, "/proc/%d/status", pid);
	file = fopen(path, "r");
	CHECK(file != NULL);
	while (count < 0 && fgets(line, sizeof line, file) != NULL)
		sscanf(line, "voluntary_ctxt_switches: %ld", &count);
	fclose(file);
	CHECK(count >= 0);
	return count;
}

static void sleeps_while_all_is_well(void)
{
	long before;

	arrive_served(guest_waits, 60000);
	usleep(100000);
	before = context_switches(kept.pid);
	for (int i = 0; i < 20; i++) { /* the guest's traffic is not the keeper's */
		CHECK_EQUAL(write(kept.home, "data", 4), 4);
		usleep(10000);
	}
	CHECK_EQUAL(context_switches(kept.pid), before);
	end_guest();
}

static void restarts_in_front(void)
{
	struct lb_image_header header = image_header();
	int file = memfd_create("image", MFD_CLOEXEC);
	int status;

	CHECK_EQUAL(write(file, &header, sizeof header), sizeof header);
	lseek(file, 0, SEEK_SET);
	guest_script = guest_of_a_file;
	kept.pid = fork_child();
	if (kept.pid == 0)
		keeper_child(file, true, 60000);
	accept_keeper();
	expect_state(LB_GUEST_RESTORING); /* with all that the image's header says */
	expect_state(LB_GUEST_RUNNING);
	kill(kept.pid, SIGUSR1);
	usleep(50000);
	sigqueue(kept.pid, SIGRTMIN + 3, (union sigval){ .sival_int = 42 });
	usleep(50000);
	kill(kept.pid, SIGTERM);
	expect_ended(SIGTERM);
	send_ack();
	expect_hangup();
	CHECK_EQUAL(waitpid(kept.pid, &status, 0), kept.pid);
	CHECK_EQUAL(status, SIGTERM << 8); /* main.c ends by that signal */
	close(file);
}

int main(void)
{
	char folder[] = "/tmp/lb-test-XXXXXX";

	signal(SIGPIPE, SIG_IGN);
	CHECK(mkdtemp(folder) != NULL);
	snprintf(control_path, sizeof control_path, "%s/control.sock", folder);
	daemon_start();
	run_case("a guest's exit is told to home, and the link's end before it", reports_exits);
	run_case("a guest's death by a signal is told to home", reports_signals);
	run_case("of a guest that was never restored home hears nothing", reports_no_failed_restore);
	run_case("of a guest that moved on home hears nothing", reports_nothing_of_who_left);
	run_case("a guest's last words count though it left something unread", hears_last_words);
	run_case("a link that home lost is replaced and the guest is poked", replaces_a_cut_link);
	run_case("a guest that asks for a link gets one, without a poke", gets_a_link_when_asked);
	run_case("a copy whose ticket is dead ends, and home hears nothing", ends_a_dead_copy);
	run_case("the daemon may restart: what matters is said again", outlives_the_daemon);
	run_case("waiting for a link and for an answer has limits", gives_up_in_time);
	run_case("a guest does not outlive its keeper", guests_never_outlive_it);
	run_case("a guest starts with three descriptors and default signals", starts_clean);
	run_case("traffic on the link does not wake the keeper", sleeps_while_all_is_well);
	run_case("a restart passes signals on and ends with the guest's status", restarts_in_front);
	daemon_stop();
	rmdir(folder);
	return 0;
}
