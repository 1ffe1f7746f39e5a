/* identity.c - Who the process is, what it may, its scheduling.
 *
 * And the wait family without children.
 */
#include "conformity.h"

#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <linux/membarrier.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/personality.h>
#include <sys/fsuid.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/sysinfo.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <unistd.h>

static void check_ids(void)
{
	struct __user_cap_header_struct header = { _LINUX_CAPABILITY_VERSION_3, 0 };
	struct __user_cap_data_struct data[2];
	struct utsname names;
	gid_t groups[64];
	uid_t ids[3];

	show("getpid", "%d", syscall(SYS_getpid) == getpid() && syscall(SYS_gettid) == getpid());
	show("getppid", "%d", getppid() > 0);
	show("getpgid", "%d", getpgid(0) == getpgrp() && getpgid(getpid()) == getpgrp());
	show("getsid", "%d", getsid(0) == getsid(getpid()));
	CALL("getpgid of nobody", getpgid(99999999));
	CALL("setpgid of nobody", setpgid(99999999, 0));
	CALL("getresuid", getresuid(ids, ids + 1, ids + 2));
	show("it", "%d", ids[0] == getuid() && ids[1] == geteuid());
	CALL("setuid to oneself", setuid(getuid()));
	CALL("setgid to oneself", setgid(getgid()));
	CALL("setresuid to oneself", setresuid(getuid(), getuid(), getuid()));
	CALL("setreuid that changes nothing", setreuid((uid_t)-1, (uid_t)-1));
	CALL("setfsuid", setfsuid(getuid()) == (int)getuid());
	CALL("setuid to root", getuid() == 0 ? -1 : setuid(0));
	CALL("setgroups", getuid() == 0 ? -1 : setgroups(1, groups));
	CALL("getgroups", getgroups(64, groups));
	CALL("getgroups into a negative size", syscall(SYS_getgroups, -1, groups));
	CALL("capget", syscall(SYS_capget, &header, data));
	CALL("capset of the same", syscall(SYS_capset, &header, data));
	header.version = 1;
	CALL("capget of an unknown version", syscall(SYS_capget, &header, data));
	show("the version that it tells", "%#x", header.version);
	CALL("uname", uname(&names));
	show("it", "%s %s", names.sysname, names.machine);
	CALL("personality", personality(0xffffffff));
	CALL("acct", acct("none"));
	CALL("sethostname", sethostname("other", 5));
	CALL("swapon", syscall(SYS_swapon, "none", 0));
	CALL("syslog of something unknown", syscall(SYS_syslog, 99, NULL, 0));
	CALL("ustat", syscall(SYS_ustat, 0xffff, data));
}

/* Shown once the limit is back: what shows it may be a file too. */
static void check_file_size(void)
{
	int fd = make_file("size", "12345"), errors[3];
	struct rlimit limit, low;
	long results[3];

	getrlimit(RLIMIT_FSIZE, &limit);
	low = limit;
	low.rlim_cur = 10;
	catch_signal(SIGXFSZ, 0);
	must("setrlimit", setrlimit(RLIMIT_FSIZE, &low));
	results[0] = pwrite(fd, "0123456789abcdef", 16, 0);
	errors[0] = errno;
	results[1] = pwrite(fd, "x", 1, 10);
	errors[1] = errno;
	results[2] = ftruncate(fd, 100);
	errors[2] = errno;
	setrlimit(RLIMIT_FSIZE, &limit);
	show_result("write over the limit", results[0], errors[0]);
	show_result("write behind it", results[1], errors[1]);
	show_result("ftruncate over it", results[2], errors[2]);
	show("SIGXFSZ", "%d", (int)caught);
	default_signal(SIGXFSZ);
	close(fd);
}

static void check_limits(void)
{
	struct rlimit limit, low;

	for (int kind = 0; kind < RLIM_NLIMITS; kind++) {
		char name[32];

		snprintf(name, sizeof name, "limit %d", kind);
		CALL(name, getrlimit((__rlimit_resource_t)kind, &limit));
		low = limit;
		if (prlimit(0, (__rlimit_resource_t)kind, &low, &limit) < 0)
			show(name, "cannot be set");
	}
	CALL("getrlimit of an unknown one", syscall(SYS_getrlimit, 99, &limit));
	CALL("prlimit of nobody", prlimit(99999999, RLIMIT_CORE, NULL, &limit));
	check_file_size();
	getrlimit(RLIMIT_STACK, &limit);
	low = limit;
	low.rlim_cur = 1 << 20;
	CALL("setrlimit RLIMIT_STACK", setrlimit(RLIMIT_STACK, &low));
	prlimit(getpid(), RLIMIT_STACK, &limit, &low);
	show("it was", "%ld", (long)low.rlim_cur);
}

static void check_prctl(void)
{
	char name[16] = "";
	int value = -1;

	CALL("PR_GET_NAME", prctl(PR_GET_NAME, name));
	show("it", "%s", name);
	CALL("PR_SET_NAME", prctl(PR_SET_NAME, "another name that is long"));
	prctl(PR_GET_NAME, name);
	show("it", "%s", name);
	prctl(PR_SET_NAME, "conformity");
	CALL("PR_SET_PDEATHSIG", prctl(PR_SET_PDEATHSIG, SIGUSR1));
	CALL("PR_GET_PDEATHSIG", prctl(PR_GET_PDEATHSIG, &value));
	show("it", "%d", value);
	CALL("PR_SET_PDEATHSIG to none", prctl(PR_SET_PDEATHSIG, 0));
	CALL("PR_SET_PDEATHSIG to a bad one", prctl(PR_SET_PDEATHSIG, 65));
	CALL("PR_GET_NO_NEW_PRIVS", prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0));
	CALL("PR_GET_TIMERSLACK as set at the start", prctl(PR_GET_TIMERSLACK, 0, 0, 0, 0));
	CALL("PR_SET_TIMERSLACK", prctl(PR_SET_TIMERSLACK, 60000, 0, 0, 0));
	CALL("PR_GET_TIMERSLACK", prctl(PR_GET_TIMERSLACK, 0, 0, 0, 0));
	CALL("PR_GET_DUMPABLE", prctl(PR_GET_DUMPABLE));
	CALL("PR_CAPBSET_READ", prctl(PR_CAPBSET_READ, 0));
	CALL("PR_GET_KEEPCAPS", prctl(PR_GET_KEEPCAPS));
	CALL("PR_GET_SECCOMP", prctl(PR_GET_SECCOMP));
	CALL("PR_GET_CHILD_SUBREAPER", prctl(PR_GET_CHILD_SUBREAPER, &value));
	CALL("PR_MCE_KILL_GET", prctl(PR_MCE_KILL_GET, 0, 0, 0, 0));
	CALL("prctl of something unknown", prctl(9999, 0, 0, 0, 0));
}

static void check_scheduling(void)
{
	struct sched_param param = { 1 };
	struct timespec slice;
	cpu_set_t set;
	unsigned cpu;
	char random[8];
	struct sysinfo info;
	struct rusage usage;

	CALL("getpriority", getpriority(PRIO_PROCESS, 0));
	CALL("setpriority", setpriority(PRIO_PROCESS, 0, 3));
	CALL("getpriority then", getpriority(PRIO_PROCESS, 0));
	CALL("getpriority of something unknown", getpriority(99, 0));
	CALL("setpriority back", getuid() == 0 ? -1 : setpriority(PRIO_PROCESS, 0, 0));
	CALL("sched_getscheduler", sched_getscheduler(0));
	CALL("sched_getscheduler of itself", sched_getscheduler(getpid()));
	CALL("sched_setscheduler with a bad priority", sched_setscheduler(0, SCHED_OTHER, &param));
	CALL("sched_getparam", sched_getparam(0, &param));
	CALL("sched_get_priority_max", sched_get_priority_max(SCHED_RR));
	CALL("sched_get_priority_min of something unknown", sched_get_priority_min(99));
	WORKS("sched_rr_get_interval", sched_rr_get_interval(0, &slice));
	CALL("sched_yield", sched_yield());
	CALL("sched_getaffinity", sched_getaffinity(0, sizeof set, &set));
	show("some", "%d", CPU_COUNT(&set) > 0);
	CALL("sched_setaffinity to the same", sched_setaffinity(getpid(), sizeof set, &set));
	CPU_ZERO(&set);
	CALL("sched_setaffinity to none", sched_setaffinity(0, sizeof set, &set));
	CALL("sched_getparam of nobody", sched_getparam(99999999, &param));
	CALL("sched_getaffinity of nobody", sched_getaffinity(99999999, sizeof set, &set));
	CALL("getcpu", getcpu(&cpu, NULL));
	CALL("ioprio_get", syscall(SYS_ioprio_get, 1, 0));
	CALL("ioprio_set", syscall(SYS_ioprio_set, 1, 0, 2 << 13 | 5));
	CALL("ioprio_get then", syscall(SYS_ioprio_get, 1, 0));
	CALL("getrandom", getrandom(random, sizeof random, 0));
	CALL("getrandom with bad flags", getrandom(random, sizeof random, 99));
	CALL("sysinfo", sysinfo(&info));
	CALL("getrusage", getrusage(RUSAGE_SELF, &usage));
	CALL("getrusage of children", getrusage(RUSAGE_CHILDREN, &usage));
	CALL("getrusage of something unknown", getrusage((__rusage_who_t)99, &usage));
	CALL("membarrier, registered at the start", syscall(SYS_membarrier, MEMBARRIER_CMD_PRIVATE_EXPEDITED, 0, 0));
	CALL("membarrier of something unknown", syscall(SYS_membarrier, 1 << 30, 0, 0));
	CALL("kcmp of oneself", syscall(SYS_kcmp, getpid(), getpid(), 0, 1, 1));
}

static void check_no_children(void)
{
	siginfo_t info;
	int status, fd;

	CALL("wait", wait(&status));
	CALL("waitpid WNOHANG", waitpid(-1, &status, WNOHANG));
	CALL("waitpid of nobody", waitpid(99999999, &status, 0));
	CALL("waitpid with bad options", waitpid(-1, &status, 99));
	CALL("waitid", waitid(P_ALL, 0, &info, WEXITED));
	CALL("waitid with no options", waitid(P_ALL, 0, &info, 0));
	fd = must("pidfd_open", (int)syscall(SYS_pidfd_open, getpid(), 0));
	CALL("pidfd_open of nobody", syscall(SYS_pidfd_open, 99999999, 0));
	catch_signal(SIGUSR1, SA_RESTART);
	CALL("pidfd_send_signal", syscall(SYS_pidfd_send_signal, fd, SIGUSR1, NULL, 0));
	for (int i = 0; i < 100 && caught == 0; i++)
		usleep(10000);
	show("it came", "%d %d", (int)caught, caught_info.si_pid == getpid());
	CALL("pidfd_getfd of oneself", syscall(SYS_pidfd_getfd, fd, 999, 0));
	default_signal(SIGUSR1);
	close(fd);
}

static void run_identity(void)
{
	check_ids();
	check_limits();
	check_prctl();
	check_scheduling();
	check_no_children();
}

const struct part part_identity = { "identity", run_identity };
