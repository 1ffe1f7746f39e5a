/* test_shadow_links.c - Links of a shadow that come and go. Calls and writes happen once, and one copy counts.
 * Units: c/shadow/{backlog,birth,block,calls,child,children,control,descriptors,end,execute,grant,held,home,last_image,links,memory,message,park,paths,serve,signalfds,signals,state,threads,tickets,transfers,wait,wake,worker}.c c/restorer/map_lines.c c/base/{load,mem}.c tests/c/shadow_world.c
 */
#include "shadow_world.h"

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
static void a_backlog_goes_on_over_a_new_link(void)
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
	CHECK_EQUAL(applied.backlog_at, one);
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

int main(void)
{
	run_case("each call happens once across lost links", each_call_happens_once_across_links);
	run_case("a later move has one winner", a_later_move_has_one_winner);
	run_case("a candidate that is turned away changes nothing", a_candidate_that_is_turned_away_changes_nothing);
	run_case("a backlog goes on over a new link", a_backlog_goes_on_over_a_new_link);
	run_case("a failed write is told once", a_failed_write_is_told_once);
	run_case("a failed write that nobody heard of is told at the end",
		a_failed_write_that_nobody_heard_of_is_told_at_the_end);
	return 0;
}
