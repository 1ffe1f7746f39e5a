/* test_load.c - The shadow in the memory of a program that leaves. Units: c/base/{load,mem}.c
 *
 * A process with threads, all of which wait, loads dist/lb-shadow and becomes it.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <limits.h>
#include <linux/futex.h>
#include <pthread.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "check.h"
#include "lb_link.h"
#include "lb_park.h"
#include "lb_state.h"
#include "libc_rseq.h"
#include "load.h"

#define THREADS 3
#define WAIT_MS 20000

static struct lb_parked slots[THREADS];

/* As a thread of the library waits, its slot in rdi. */
static void *park(void *argument)
{
	struct lb_parked *slot = argument;
	uint32_t *state = &slot->state;

	lb_rseq_of_libc_register(false);
	slot->tid = (uint32_t)gettid();
	__atomic_store_n(state, LB_PARKED_WAITS, __ATOMIC_RELEASE);
	syscall(SYS_futex, state, FUTEX_WAKE_PRIVATE, INT_MAX, NULL, NULL, 0);
	while (__atomic_load_n(state, __ATOMIC_ACQUIRE) != LB_PARKED_GO)
		syscall(SYS_futex, state, FUTEX_WAIT_PRIVATE, LB_PARKED_WAITS, NULL, NULL, 0);
	__asm__ volatile("mov %0, %%rsp\n\tjmp *%1" : : "r"(slot->sp), "r"(slot->ip), "D"(slot->arg) : "memory");
	__builtin_unreachable();
}

static void become_shadow(int link)
{
	static struct lb_state state;
	struct lb_load load = { .file = open("dist/lb-shadow", O_RDONLY | O_CLOEXEC),
		.start = LB_RANGE_FIRST,
		.arguments = "one\0two",
		.argc = 2,
		.last = "[on away]",
		.argument = &state };
	sigset_t all;

	CHECK(load.file >= 0);
	sigfillset(&all);
	sigprocmask(SIG_SETMASK, &all, NULL);
	for (int i = 0; i < THREADS; i++) {
		pthread_t thread;

		CHECK(pthread_create(&thread, NULL, park, &slots[i]) == 0);
		while (__atomic_load_n(&slots[i].state, __ATOMIC_ACQUIRE) != LB_PARKED_WAITS)
			usleep(1000);
	}
	state = (struct lb_state){ .magic = LB_STATE_MAGIC,
		.abi_version = LB_ABI_VERSION,
		.home_pid = (uint32_t)getpid(),
		.live_ticket = 1,
		.link_fd = link,
		.shadow_fd = load.file,
		.range_start = LB_RANGE_FIRST,
		.reconnect_limit_ms = WAIT_MS,
		.io_timeout_ms = WAIT_MS,
		.comm = "parked",
		.program = "parked",
		.runs_on = "away",
		.parked = (uint64_t)slots,
		.parked_count = THREADS };
	for (int i = 0; i < 2; i++)
		state.limits[i][0] = state.limits[i][1] = RLIM_INFINITY;
	CHECK_EQUAL(lb_load(&load), 0);
	CHECK_EQUAL(lb_load_name(&load), 0);
	lb_rseq_of_libc_register(false);
	lb_load_enter(&load);
}

static void receive(int fd, uint32_t type, void *body, size_t size)
{
	struct lb_link_header header;

	CHECK_EQUAL(recv(fd, &header, sizeof header, MSG_WAITALL), sizeof header);
	CHECK_EQUAL(header.type, type);
	CHECK_EQUAL(header.size, size);
	CHECK_EQUAL(recv(fd, body, size, MSG_WAITALL), (long long)size);
}

/* What a file of /proc/PID says. */
static const char *told(pid_t pid, const char *name)
{
	static char text[65536];
	char path[64];
	int fd;
	ssize_t size;

	snprintf(path, sizeof path, "/proc/%d/%s", (int)pid, name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	CHECK(fd >= 0);
	size = read(fd, text, sizeof text - 1);
	CHECK(size >= 0);
	close(fd);
	for (ssize_t i = 0; i < size; i++)
		text[i] = text[i] == 0 ? ' ' : text[i];
	text[size] = 0;
	return text;
}

/* Nothing is left of the program: all that there is lies in the range, or is the kernel's. */
static void check_memory(pid_t pid)
{
	char *rest = NULL;

	for (char *line = strtok_r((char *)told(pid, "maps"), "\n", &rest); line != NULL;
		line = strtok_r(NULL, "\n", &rest)) {
		uint64_t start = strtoull(line, NULL, 16);

		if (strstr(line, "[v") == NULL)
			CHECK(start >= LB_RANGE_FIRST && start < LB_RANGE_FIRST + LB_RANGE_SIZE);
	}
}

/* Each thread waits in the shadow's text: number, six arguments, stack and address of the call it is in. */
static void check_threads(pid_t pid)
{
	int waiting = 0;

	for (int tid = (int)pid + 1; tid < (int)pid + 100 && waiting < THREADS; tid++) {
		char name[64], path[128];
		uint64_t at = 0;
		long number = 0;

		snprintf(name, sizeof name, "task/%d/syscall", tid);
		snprintf(path, sizeof path, "/proc/%d/%s", (int)pid, name);
		if (access(path, F_OK) != 0)
			continue;
		CHECK_EQUAL(sscanf(told(pid, name), "%ld %*s %*s %*s %*s %*s %*s %*s %lx", &number, &at), 2);
		CHECK_EQUAL(number, SYS_futex);
		CHECK(at >= LB_RANGE_FIRST && at < LB_RANGE_FIRST + LB_RANGE_SIZE);
		waiting++;
	}
	CHECK_EQUAL(waiting, THREADS);
}

static void takes_the_place_of_a_program(void)
{
	struct lb_link_header header = { LB_LINK_EXIT, sizeof(struct lb_link_status), 0 };
	struct lb_link_status status = { 7, 0 };
	struct lb_link_serve serve;
	int ends[2], wait_status;
	pid_t pid;

	CHECK(socketpair(AF_UNIX, SOCK_STREAM, 0, ends) == 0);
	pid = fork_child();
	if (pid == 0) {
		close(ends[0]);
		become_shadow(ends[1]);
	}
	close(ends[1]);
	receive(ends[0], LB_LINK_SERVE, &serve, sizeof serve);
	check_memory(pid);
	check_threads(pid);
	CHECK_TEXT(told(pid, "cmdline"), "one two [on away] ");
	CHECK_EQUAL(send(ends[0], &header, sizeof header, 0), sizeof header);
	CHECK_EQUAL(send(ends[0], &status, sizeof status, 0), sizeof status);
	CHECK_EQUAL(waitpid(pid, &wait_status, 0), pid);
	CHECK_EQUAL(WIFSIGNALED(wait_status) ? WTERMSIG(wait_status) : 0, 0);
	CHECK_EQUAL(WEXITSTATUS(wait_status), 7);
}

static void what_is_no_program_changes_nothing(void)
{
	struct lb_load load = {
		.file = open("package.json", O_RDONLY | O_CLOEXEC), .start = LB_RANGE_FIRST, .arguments = "", .last = ""
	};

	CHECK(load.file >= 0);
	CHECK(lb_load(&load) < 0);
	CHECK(msync((void *)LB_RANGE_FIRST, 4096, MS_ASYNC) < 0); /* nothing is mapped */
	close(load.file);
}

int main(void)
{
	run_case("what is no program changes nothing", what_is_no_program_changes_nothing);
	run_case("the shadow takes the place of a program, and its threads", takes_the_place_of_a_program);
	return 0;
}
