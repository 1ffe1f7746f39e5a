/* test_keeper_link.c - Lost links, daemons that restart, and patience.
 * Units: c/keeper/{control,ending,guest,keeper,link,loop,ring}.c tests/c/keeper_world.c
 */
#include "keeper_world.h"

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

/* Computes until it is poked, then does as the library: says LOST and takes the link. */
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
	CHECK_EQUAL(keeper_status(), KEEPER_DEAD);
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

int main(void)
{
	world_start();
	run_case("a guest's last words count though it left something unread", hears_last_words);
	run_case("a link that home lost is replaced and the guest is poked", replaces_a_cut_link);
	run_case("a guest that asks for a link gets one, without a poke", gets_a_link_when_asked);
	run_case("a copy whose ticket is dead ends, and home hears nothing", ends_a_dead_copy);
	run_case("the daemon may restart: what matters is said again", outlives_the_daemon);
	run_case("waiting for a link and for an answer has limits", gives_up_in_time);
	run_case("traffic on the link does not wake the keeper", sleeps_while_all_is_well);
	world_stop();
	return 0;
}
