/* test_fault.c - Fault points: parsing LB_FAULT and acting once. Units:
 */
#include <signal.h>
#include <string.h>
#include <sys/wait.h>

#include "check.h"
#include "fault.h"

struct lb_fault_plan lb_fault_plan;

static void parses(void)
{
	static const struct {
		const char *text;
		uint32_t number, action;
	} good[] = {
		{ "1:kill", 1, LB_FAULT_DO_KILL },
		{ "25:hang", LB_FAULT_GUEST_PARKED, LB_FAULT_DO_HANG },
		{ "66:cut", 66, LB_FAULT_DO_CUT },
		{ "3:pause", 3, LB_FAULT_DO_PAUSE },
		{ "007:fail", 7, LB_FAULT_DO_FAIL },
		{ "9999:fail", 9999, LB_FAULT_DO_FAIL },
	};
	static const char *bad[] = { "", ":", "1", "1:", "0:kill", ":kill", "1:killed", "1:kil", "x:kill", "-1:kill",
		"1:kill ", "10000:kill", "1 :kill" };

	for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
		struct lb_fault_plan plan = { 99, 99 };

		CHECK(lb_fault_parse(&plan, good[i].text));
		CHECK_EQUAL(plan.number, good[i].number);
		CHECK_EQUAL(plan.action, good[i].action);
	}
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		struct lb_fault_plan plan = { 99, 99 };

		CHECK(!lb_fault_parse(&plan, bad[i]));
		CHECK_EQUAL(plan.number, 0);
		CHECK_EQUAL(plan.action, LB_FAULT_NOTHING);
	}
}

static void reads_the_environment(void)
{
	char *with[] = { "LB_FAULTS=1:kill", "XLB_FAULT=2:kill", "LB_FAULT=3:cut", NULL };
	char *without[] = { "LB_FAUL=1:kill", "LB_FAULT", NULL };
	char *malformed[] = { "LB_FAULT=soon", NULL };
	struct lb_fault_plan plan = { 99, 99 };

	CHECK(lb_fault_read(&plan, with));
	CHECK_EQUAL(plan.number, 3);
	CHECK(lb_fault_read(&plan, without));
	CHECK_EQUAL(plan.number, 0);
	CHECK(!lb_fault_read(&plan, malformed));
	CHECK(lb_fault_read(&plan, NULL));
}

static void acts_once(void)
{
	CHECK(lb_fault_parse(&lb_fault_plan, "5:fail"));
	CHECK_EQUAL(lb_fault(4), LB_FAULT_NOTHING);
	CHECK_EQUAL(lb_fault(0), LB_FAULT_NOTHING);
	CHECK_EQUAL(lb_fault(5), LB_FAULT_DO_FAIL);
	CHECK_EQUAL(lb_fault(5), LB_FAULT_NOTHING);
	lb_fault_parse(&lb_fault_plan, "5:cut");
	CHECK_EQUAL(lb_fault(5), LB_FAULT_DO_CUT);
}

static void kills_and_hangs(void)
{
	int status;
	pid_t pid = fork_child();

	if (pid == 0) {
		lb_fault_parse(&lb_fault_plan, "8:kill");
		lb_fault(8);
		_exit(3);
	}
	CHECK_EQUAL(waitpid(pid, &status, 0), pid);
	CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
	pid = fork_child();
	if (pid == 0) {
		lb_fault_parse(&lb_fault_plan, "8:hang");
		lb_fault(8);
		_exit(3);
	}
	usleep(50000);
	CHECK_EQUAL(waitpid(pid, &status, WNOHANG), 0);
	kill(pid, SIGTERM);
	CHECK_EQUAL(waitpid(pid, &status, 0), pid);
	CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGTERM);
}

int main(void)
{
	run_case("lb_fault_parse() takes NUMBER:ACTION and nothing else", parses);
	run_case("lb_fault_read() finds LB_FAULT among other variables", reads_the_environment);
	run_case("lb_fault() acts at its number, once", acts_once);
	run_case("lb_fault() kills or hangs the process that asks", kills_and_hangs);
	return 0;
}
