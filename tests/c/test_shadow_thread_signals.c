/* test_shadow_thread_signals.c - Signals and children of a guest with several threads. Whose they are.
 * Units: c/shadow/{backlog,birth,block,calls,child,children,control,descriptors,end,execute,grant,held,home,last_image,links,memory,message,park,paths,serve,signalfds,signals,state,threads,tickets,transfers,wait,wake,worker}.c c/restorer/map_lines.c c/base/{load,mem}.c tests/c/shadow_world.c
 */
#include "shadow_world.h"

#include <sys/ioctl.h>

#define BIT(signal) (UINT64_C(1) << ((signal) - 1))

static void sigpipe_is_its_threads(void)
{
	siginfo_t info;
	int64_t fds[2];
	uint64_t one, seq;

	start();
	make_pipe(fds);
	one = make_thread();
	CHECK_EQUAL(values(SYS_close, (uint64_t)fds[0], 0, 0), 0);
	for (int round = 0; round < 20; round++) {
		uint64_t thread = round % 3 == 0 ? (uint64_t)shadow.pid : one;

		seq = write_as(thread, round % 2 == 0 ? LB_CALL_MAY_BLOCK : 0, fds[1], "x", 1);
		expect(LB_LINK_SIGNAL, thread, &info, sizeof info);
		CHECK_EQUAL(info.si_signo, SIGPIPE);
		CHECK_EQUAL(reply(seq)->result, -EPIPE);
	}
	/* One to the process is for the process. */
	CHECK(kill(shadow.pid, SIGUSR1) == 0);
	expect(LB_LINK_SIGNAL, 0, &info, sizeof info);
	CHECK_EQUAL(info.si_signo, SIGUSR1);
	struct lb_link_actions actions = { .ignored = BIT(SIGPIPE) };

	tell(LB_LINK_ACTIONS, 0, &actions, sizeof actions);
	CHECK_EQUAL(reply(write_as(one, LB_CALL_MAY_BLOCK, fds[1], "x", 1))->result, -EPIPE);
	end_with(0);
}

/* A signal of the program's with the number of ours is the program's. */
static void a_signal_of_our_number_is_told(void)
{
	siginfo_t sent = { .si_signo = 32, .si_code = SI_QUEUE }, info;
	int64_t fds[2];
	uint64_t one, seq;

	start();
	make_pipe(fds);
	one = make_thread();
	seq = read_as(one, fds[0], 10);
	usleep(20000);
	sent.si_value.sival_int = 7;
	CHECK(syscall(SYS_rt_tgsigqueueinfo, shadow.pid, one, 32, &sent) == 0);
	expect(LB_LINK_SIGNAL, 0, &info, sizeof info);
	CHECK_EQUAL(info.si_signo, 32);
	CHECK_EQUAL(info.si_value.sival_int, 7);
	write_outside(fds[1], "ab", 2);
	CHECK_EQUAL(reply(seq)->result, 2); /* the call goes on */
	end_with(0);
}

static void run_on_a_terminal(void)
{
	int master = posix_openpt(O_RDWR | O_NOCTTY), slave, status;
	uint64_t one, seq;

	CHECK(master >= 0 && grantpt(master) == 0 && unlockpt(master) == 0);
	CHECK(setsid() > 0);
	slave = open(ptsname(master), O_RDWR);
	CHECK(slave >= 0 && ioctl(slave, TIOCSCTTY, 0) <= 0);
	signal(SIGTTOU, SIG_IGN);
	start(); /* in a group of its own, which is in the background */
	one = make_thread();
	for (int round = 0; round < 3; round++) {
		seq = read_as(one, slave, 10);
		expect(LB_LINK_STOP, 0, NULL, 0);
		CHECK_EQUAL(waitpid(shadow.pid, &status, WUNTRACED), shadow.pid);
		CHECK(WIFSTOPPED(status));
		CHECK_EQUAL(WSTOPSIG(status), SIGTTIN);
		CHECK(tcsetpgrp(slave, shadow.pid) == 0);
		CHECK(kill(-shadow.pid, SIGCONT) == 0);
		expect(LB_LINK_CONTINUE, 0, NULL, 0);
		CHECK_EQUAL(values(SYS_getpid, 0, 0, 0), shadow.pid);
		CHECK_EQUAL(write(master, "hi\n", 3), 3);
		CHECK_EQUAL(reply(seq)->result, 3);
		CHECK(tcsetpgrp(slave, getpgrp()) == 0);
	}
	end_with(0);
	_exit(0);
}

static void a_worker_in_the_background_stops_the_process(void)
{
	pid_t pid = fork_child();
	int status;

	if (pid == 0)
		run_on_a_terminal();
	CHECK_EQUAL(waitpid(pid, &status, 0), pid);
	CHECK_EQUAL(status, 0);
}

/* vfork(2): the thread waits for its child, the others do not. */
static void a_child_runs_in_the_place_of_one_thread(void)
{
	struct lb_home_child wanted = { .flags = SIGCHLD };
	struct lb_link_call call = new_call(LB_HOME_VFORK, 0);
	const struct answer *answer;
	uint64_t one, two, seq, waits;
	int64_t fds[2], pid;
	siginfo_t info;
	int status;

	start();
	make_pipe(fds);
	one = make_thread();
	two = make_thread();
	call.kinds[0] = LB_ARG_IN;
	call.arg_sizes[0] = call.in_size = sizeof wanted;
	call.kinds[1] = LB_ARG_OUT;
	call.arg_sizes[1] = call.out_size = sizeof(int32_t);
	pid = reply(as(one, call, &wanted))->result;
	CHECK(pid > 0 && pid != shadow.pid);
	CHECK_EQUAL(values_as(one, SYS_getpid, 0, 0, 0), pid);
	CHECK_EQUAL(values_as((uint64_t)pid, SYS_getpid, 0, 0, 0), pid); /* the same thread, by another name */
	CHECK_EQUAL(values_as(two, SYS_getpid, 0, 0, 0), shadow.pid);
	seq = read_as(one, fds[0], 10); /* the child waits */
	call = value_call(SYS_wait4, LB_CALL_MAY_BLOCK, (uint64_t)-1, 0, 0);
	call.kinds[1] = LB_ARG_OUT;
	call.arg_sizes[1] = call.out_size = sizeof status;
	waits = as(two, call, NULL);
	CHECK(kill(shadow.pid, SIGUSR1) == 0); /* is for the threads that go on */
	expect(LB_LINK_SIGNAL, 0, &info, sizeof info);
	CHECK_EQUAL(info.si_signo, SIGUSR1);
	write_outside(fds[1], "ab", 2);
	CHECK_EQUAL(reply(seq)->result, 2);
	seq = as(one, value_call(SYS_exit_group, 0, 3, 0, 0), NULL);
	for (int i = 0; i < 2; i++) { /* in whatever order */
		struct lb_link_header header;
		struct lb_link_reply body;

		receive(shadow.link, &header, sizeof header);
		CHECK_EQUAL(header.type, LB_LINK_REPLY);
		receive(shadow.link, &body, sizeof body);
		if (header.seq == seq) {
			CHECK_EQUAL(body.flags, LB_REPLY_CHILD_ENDED);
		} else {
			CHECK_EQUAL(header.seq, waits);
			CHECK_EQUAL(body.result, pid);
			receive(shadow.link, &status, sizeof status);
			CHECK_EQUAL(status, 3 << 8);
		}
	}
	answer = reply(as(one, value_call(SYS_getpid, 0, 0, 0, 0), NULL));
	CHECK_EQUAL(answer->result, shadow.pid);
	end_with(0);
}

static void signals_that_wait_at_home_are_read_by_workers(void)
{
	const int signal = SIGRTMIN + 3;
	const uint64_t set = BIT(signal);
	struct lb_link_call call = new_call(SYS_signalfd4, 0);
	struct signalfd_siginfo records[8];
	const struct answer *answer;
	uint64_t one, seq;
	int64_t fd;

	start();
	call.args[0] = (uint64_t)-1;
	call.kinds[1] = LB_ARG_IN;
	call.arg_sizes[1] = call.in_size = sizeof set;
	call.args[2] = sizeof set;
	fd = reply(send_call(&call, &set))->result;
	for (int round = 0; round < 2; round++) {
		siginfo_t info = { .si_signo = signal, .si_code = SI_QUEUE };

		/* One that has come to the guest: before there are threads, and afterwards. */
		info.si_value.sival_int = round;
		call = new_call(LB_HOME_HOLD, 0);
		call.args[0] = set;
		call.args[2] = 1;
		call.kinds[1] = LB_ARG_IN;
		call.arg_sizes[1] = call.in_size = sizeof info;
		call.kinds[3] = LB_ARG_OUT;
		call.arg_sizes[3] = call.out_size = sizeof(uint64_t);
		CHECK_EQUAL(reply(send_call(&call, &info))->result, 0);
		if (round == 0)
			one = make_thread();
		answer = reply(read_as(one, fd, sizeof records));
		CHECK_EQUAL(answer->result, sizeof records[0]);
		memcpy(records, answer->out, sizeof records[0]);
		CHECK_EQUAL(records[0].ssi_int, round);
	}
	seq = read_as(one, fd, sizeof records);
	usleep(20000);
	CHECK(sigqueue(shadow.pid, signal, (union sigval){ .sival_int = 4 }) == 0);
	CHECK_EQUAL(reply(seq)->result, sizeof records[0]);
	end_with(0);
}

int main(void)
{
	run_case("a signal that a call has caused is for its thread", sigpipe_is_its_threads);
	run_case("a signal of the program's with our number is told", a_signal_of_our_number_is_told);
	run_case("a worker that reads in the background stops the process",
		a_worker_in_the_background_stops_the_process);
	run_case("a child of vfork runs in the place of one thread", a_child_runs_in_the_place_of_one_thread);
	run_case("signals that wait at home are read by workers", signals_that_wait_at_home_are_read_by_workers);
	return 0;
}
