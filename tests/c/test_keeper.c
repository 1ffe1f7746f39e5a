/* test_keeper.c - A guest's start and end.
 * Units: c/keeper/{control,ending,guest,keeper,link,loop,ring}.c tests/c/keeper_world.c
 */
#include "keeper_world.h"

static void guest_exits(const struct lb_guest_start *start)
{
	be_served(start);
	_exit(7);
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
	CHECK(start->link_fd >= 64);
	CHECK(start->link_fd != start->stream_fd);
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

static void wait_for_home_to_end(const struct lb_guest_start *start)
{
	char byte;

	say(start, LB_KEEPER_PARKED);
	CHECK_EQUAL(read(start->link_fd, &byte, 1), 0);
}

static void guest_ends_with_home(const struct lb_guest_start *start)
{
	wait_for_home_to_end(start);
	_exit(7);
}

static void guest_ends_after_home(const struct lb_guest_start *start)
{
	wait_for_home_to_end(start);
	usleep(LB_KEEPER_ENDING_MS * 1000 * 6);
	_exit(7);
}

static void reports_exits(void)
{
	char byte;

	arrive_served(guest_exits, 60000);
	expect_ended(7 << 8);
	/* Home sees the end of the stream and does what was written while the keeper waits. */
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

/* A source that is slow to hear of its order, as on a machine with much to do, breaks no stream. */
static void waits_for_an_order(void)
{
	struct lb_image_header header = image_header();
	int ends[2];

	io_timeout_ms = 300;
	guest_script = guest_exits;
	CHECK_EQUAL(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
	kept.home = ends[0];
	kept.pid = fork_child();
	if (kept.pid == 0) {
		close(ends[0]);
		keeper_child(ends[1], -1, false, 60000);
	}
	io_timeout_ms = 2000;
	close(ends[1]);
	accept_keeper();
	expect_state(LB_GUEST_RESTORING);
	usleep(1200000); /* longer than two silences, shorter than an order may take */
	CHECK_EQUAL(write(ends[0], &header, sizeof header), sizeof header);
	expect_state(LB_GUEST_RESTORING);
	expect_state(LB_GUEST_RUNNING);
	serve();
	expect_ended(7 << 8);
	send_ack();
	expect_hangup();
	CHECK_EQUAL(keeper_status(), 0);
	close(kept.home);
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

/* Starts a keeper in front from an image in a file; kept.home is its link's other end. */
static void restart(guest_function *script)
{
	struct lb_image_header header = image_header();
	int file = memfd_create("image", MFD_CLOEXEC);
	int ends[2];

	CHECK_EQUAL(write(file, &header, sizeof header), sizeof header);
	CHECK_EQUAL(lseek(file, 0, SEEK_SET), 0);
	CHECK_EQUAL(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
	guest_script = script;
	kept.home = ends[0];
	kept.pid = fork_child();
	if (kept.pid == 0) {
		close(ends[0]);
		keeper_child(file, ends[1], true, 60000);
	}
	close(ends[1]);
	close(file);
	accept_keeper();
	expect_state(LB_GUEST_RESTORING); /* with all that the image's header says */
	expect_state(LB_GUEST_RUNNING);
}

static void restarts_in_front(void)
{
	restart(guest_of_a_file);
	kill(kept.pid, SIGUSR1);
	usleep(50000);
	sigqueue(kept.pid, SIGRTMIN + 3, (union sigval){ .sival_int = 42 });
	usleep(50000);
	kill(kept.pid, SIGTERM);
	expect_ended(SIGTERM);
	send_ack();
	expect_hangup();
	CHECK_EQUAL(keeper_status(), 128 + SIGTERM);
	close(kept.home);
}

/* The shadow ends at the guest's word, before the guest itself does: home is right to say that
 * the process is no more, and the guest's status is its own all the same. */
static void tells_an_end_from_a_dead_copy(void)
{
	restart(guest_ends_after_home);
	close(kept.home);
	expect_need();
	send_verdict(LB_VERDICT_DEAD, TICKET);
	expect_state(LB_GUEST_LEFT);
	expect_hangup();
	CHECK_EQUAL(keeper_status(), 7);
}

static void asks_nothing_for_a_guest_that_ends(void)
{
	restart(guest_ends_with_home);
	close(kept.home);
	expect_ended(7 << 8); /* no NeedLink before it */
	send_ack();
	expect_hangup();
	CHECK_EQUAL(keeper_status(), 7);
}

int main(void)
{
	world_start();
	run_case("a guest's exit is told to home, and the link's end before it", reports_exits);
	run_case("a guest's death by a signal is told to home", reports_signals);
	run_case("a keeper waits for an order to be heard", waits_for_an_order);
	run_case("of a guest that was never restored home hears nothing", reports_no_failed_restore);
	run_case("of a guest that moved on home hears nothing", reports_nothing_of_who_left);
	run_case("a guest does not outlive its keeper", guests_never_outlive_it);
	run_case("a guest starts with three descriptors and default signals", starts_clean);
	run_case("a restart passes signals on and ends with the guest's status", restarts_in_front);
	run_case("a guest that ends after its shadow is no dead copy", tells_an_end_from_a_dead_copy);
	run_case("a guest that ends with its shadow needs no link", asks_nothing_for_a_guest_that_ends);
	world_stop();
	return 0;
}
