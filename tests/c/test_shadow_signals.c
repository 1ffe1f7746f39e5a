/* test_shadow_signals.c - Signals to the home PID. Passed on, held, or stopping the process at home.
 * Units: c/shadow/{backlog,birth,block,calls,child,children,control,descriptors,end,execute,grant,held,home,last_image,links,memory,message,park,paths,serve,signalfds,signals,state,threads,tickets,transfers,wait,wake,worker}.c c/restorer/map_lines.c c/base/{load,mem}.c tests/c/shadow_world.c
 */
#include "shadow_world.h"

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

/* LB_HOME_HOLD with one signal that has come to the guest, if `value` is not 0. */
static uint64_t send_hold(uint64_t set, int signal, int value)
{
	struct lb_link_call call = new_call(LB_HOME_HOLD, 0);
	siginfo_t info = { .si_signo = signal, .si_code = SI_QUEUE };

	info.si_value.sival_int = value;
	call.args[0] = set;
	call.args[2] = 1;
	call.kinds[1] = value != 0 ? LB_ARG_IN : LB_ARG_VALUE;
	call.arg_sizes[1] = call.in_size = value != 0 ? sizeof info : 0;
	call.kinds[3] = LB_ARG_OUT;
	call.arg_sizes[3] = call.out_size = sizeof(uint64_t);
	return send_call(&call, &info);
}

static void signals_wait_at_home_for_a_signalfd(void)
{
	const int signal = SIGRTMIN + 3;
	const uint64_t set = UINT64_C(1) << (signal - 1) | UINT64_C(1) << (SIGCHLD - 1);
	struct lb_link_call call = new_call(SYS_signalfd4, 0);
	struct signalfd_siginfo records[8];
	const struct answer *answer;
	uint64_t told, seq;
	siginfo_t info;
	int64_t fd;

	start();
	call.args[0] = (uint64_t)-1;
	call.kinds[1] = LB_ARG_IN;
	call.arg_sizes[1] = call.in_size = sizeof set;
	call.args[2] = sizeof set;
	answer = reply(send_call(&call, &set));
	fd = answer->result;
	CHECK(fd >= 0);
	CHECK_EQUAL(answer->flags, LB_REPLY_SIGNALFD);
	answer = reply(send_hold(set, 0, 0));
	memcpy(&told, answer->out, sizeof told);
	CHECK_EQUAL(told, set);
	for (int i = 2; i <= 3; i++)
		CHECK(sigqueue(shadow.pid, signal, (union sigval){ .sival_int = i }) == 0);
	CHECK(kill(shadow.pid, SIGCHLD) == 0);                    /* it waits, though it does nothing by default */
	CHECK_EQUAL(reply(send_hold(set, signal, 1))->result, 0); /* older than those */
	answer = reply(send_read(fd, sizeof records));
	CHECK_EQUAL(answer->result, 4 * (int)sizeof records[0]);
	memcpy(records, answer->out, sizeof records);
	CHECK_EQUAL(records[0].ssi_signo, SIGCHLD);
	for (int i = 1; i <= 3; i++)
		CHECK_EQUAL(records[i].ssi_int, i);
	/* A read that waits is woken. */
	seq = send_read(fd, sizeof records);
	usleep(20000);
	CHECK(sigqueue(shadow.pid, signal, (union sigval){ .sival_int = 4 }) == 0);
	CHECK_EQUAL(reply(seq)->result, sizeof records[0]);
	/* Let through again: it comes before the reply. */
	CHECK(sigqueue(shadow.pid, signal, (union sigval){ .sival_int = 5 }) == 0);
	usleep(20000);
	seq = send_hold(set & ~(UINT64_C(1) << (signal - 1)), 0, 0);
	expect(LB_LINK_SIGNAL, 0, &info, sizeof info);
	CHECK_EQUAL(info.si_value.sival_int, 5);
	CHECK_EQUAL(reply(seq)->result, 0);
	/* What cannot be held, and what is not. */
	CHECK_EQUAL(reply(send_hold(UINT64_C(1) << (SIGIO - 1), 0, 0))->result, -EINVAL);
	CHECK_EQUAL(reply(send_hold(set, SIGUSR1, 1))->result, -EINVAL);
	CHECK_EQUAL(reply(send_hold(set, 65, 1))->result, -EINVAL);
	end_with(0);
}

/* Which of those that were sent have arrived only the guest knows. */
static void signals_that_a_link_takes_with_it_are_told_again(void)
{
	uint8_t message[LB_LOCAL_MESSAGE_SIZE_MAX] __attribute__((aligned(8)));
	const int signal = SIGRTMIN + 3;
	siginfo_t info;

	start();
	daemon_receive(LB_LOCAL_REPORT, message, sizeof(struct lb_local_report));
	for (int i = 1; i <= 5; i++)
		CHECK(sigqueue(shadow.pid, signal, (union sigval){ .sival_int = i }) == 0);
	for (int round = 0; round < 3; round++) {
		expect(LB_LINK_SIGNAL, 0, &info, sizeof info);
		CHECK_EQUAL(info.si_value.sival_int, (int)++shadow.signals);
		usleep(20000);
		close(shadow.link); /* with what was sent and not read */
		daemon_receive(LB_LOCAL_LOST_LINK, message, sizeof(struct lb_local_lost_link));
		if (round == 0)
			CHECK(sigqueue(shadow.pid, signal, (union sigval){ .sival_int = 6 }) == 0);
		daemon_link(TICKET);
		hello(TICKET);
		expect_serve();
	}
	for (int i = 4; i <= 6; i++) {
		expect(LB_LINK_SIGNAL, 0, &info, sizeof info);
		CHECK_EQUAL(info.si_value.sival_int, i);
	}
	CHECK_EQUAL(values(SYS_getpid, 0, 0, 0), shadow.pid);
	shadow.signals = 0;
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

int main(void)
{
	run_case("signals to the home PID reach the guest, in order", signals_are_passed_on);
	run_case("signals wait at home for a signalfd", signals_wait_at_home_for_a_signalfd);
	run_case("signals that a link takes with it are told again", signals_that_a_link_takes_with_it_are_told_again);
	run_case("a stop is seen at home and the guest hears of it", a_stop_is_seen_at_home);
	run_case("signals wait while a copy is on its way", signals_wait_while_a_copy_is_on_its_way);
	return 0;
}
