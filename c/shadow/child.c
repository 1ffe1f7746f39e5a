/* child.c - The shadow of a vfork child.
 *
 * A child of a guest that runs in its parent's place (children.c): this process executes its calls, one after the
 * other, until it becomes another program or ends.
 *
 * Signals to it are its own, and have their effect as soon as a call is over or blocks, as everywhere. Those that have
 * a handler in the guest wait: there is no place to run it.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "action.h"
#include "child.h"
#include "descriptors.h"
#include "home.h"
#include "signals.h"
#include "state.h"
#include "threads.h"
#include "transfers.h"
#include "read.h"
#include "transfer.h"

#define STRINGS_SIZE_MAX (8u << 20) /* more than any exec takes */

static struct {
	struct lb_link_call call;
	uint8_t in[LB_LINK_SIZE_MAX];
} request LB_LATER __attribute__((aligned(LB_PAGE)));
static uint8_t output[LB_LINK_DATA_SIZE_MAX + LB_PAGE] LB_LATER __attribute__((aligned(LB_PAGE)));
static uint64_t mask; /* of signals that wait */
static char *strings;
static size_t strings_size;
static bool has_death_signal; /* the program's own choice: prctl(2), PR_SET_PDEATHSIG */

static void set_mask(uint64_t wanted)
{
	syscall(SYS_rt_sigprocmask, SIG_SETMASK, &wanted, NULL, LB_SIGSET_SIZE);
}

int64_t lb_child_block(const int64_t *arguments)
{
	int64_t result;

	set_mask(mask);
	result = syscall(
		arguments[0], arguments[1], arguments[2], arguments[3], arguments[4], arguments[5], arguments[6]);
	result = result < 0 ? -errno : result;
	lb_signals_block();
	return result;
}

/* ---- it becomes another program ---- */

static int64_t add_strings(const char *from, size_t size)
{
	char *grown;

	if (size > STRINGS_SIZE_MAX - strings_size)
		return -E2BIG;
	grown = realloc(strings, strings_size + size + 1);
	if (grown == NULL)
		return -ENOMEM;
	strings = grown;
	memcpy(strings + strings_size, from, size);
	strings_size += size;
	strings[strings_size] = '\0';
	return 0;
}

/* Fills in `count` pointers to the strings from *at on, and NULL. Returns false when there are not so many. */
static bool point(char **list, uint32_t count, size_t *at)
{
	for (uint32_t i = 0; i < count; i++) {
		if (*at >= strings_size)
			return false;
		list[i] = strings + *at;
		*at += strlen(strings + *at) + 1;
	}
	list[count] = NULL;
	return true;
}

static int64_t execute(const int64_t *arguments)
{
	uint32_t argc = (uint32_t)arguments[2], envc = (uint32_t)((uint64_t)arguments[2] >> 32);
	char **lists =
		argc < strings_size && envc < strings_size ? calloc((size_t)argc + envc + 2, sizeof *lists) : NULL;
	size_t at = strlen(strings) + 1;
	int64_t result = -ENOMEM;

	if (lists != NULL && point(lists, argc, &at) && point(lists + argc + 1, envc, &at)) {
		if (!has_death_signal)
			prctl(PR_SET_PDEATHSIG, 0);
		lb_signals_leave((uint64_t)arguments[5]);
		set_mask((uint64_t)arguments[4]);
		syscall(SYS_execveat, (int)arguments[0], strings, lists, lists + argc + 1, (int)arguments[3]);
		result = -errno;
		lb_signals_block();
		if (!has_death_signal)
			prctl(PR_SET_PDEATHSIG, SIGKILL);
	}
	free(lists);
	return result;
}

bool lb_child_call(const struct lb_link_call *call, const int64_t *arguments, struct lb_link_reply *reply)
{
	if (!lb_shadow.is_child)
		return false;
	switch (call->number) {
	case SYS_prctl:
		has_death_signal |= arguments[0] == PR_SET_PDEATHSIG;
		return false;
	case LB_HOME_MASK:
		mask = (uint64_t)arguments[0];
		return true;
	case LB_HOME_STRINGS:
	case LB_HOME_EXEC:
		break;
	default:
		return false;
	}
	int i = call->number == LB_HOME_EXEC;
	reply->result = add_strings((const void *)(intptr_t)arguments[i], call->arg_sizes[i]);
	if (i == 0)
		return true;
	if (reply->result == 0)
		reply->result = execute(arguments);
	strings_size = 0;
	return true;
}

/* ---- its life ---- */

static void set_limits(const struct lb_home_child *wanted)
{
	for (int i = 0; i < LB_LIMITS; i++) {
		if (wanted->limits_set >> i & 1)
			syscall(SYS_prlimit64, 0, i, wanted->limits[i], NULL);
	}
}

/* What is the parent's alone. */
static void leave_parent(int *fd)
{
	lb_own_fds_close(fd);
	lb_shadow.live = NULL;
	lb_shadow.executing_seq = 0;
	lb_shadow.executing_in = NULL;
	lb_guest_threads_forget();
	lb_shadow.is_child = true;
}

_Noreturn void lb_child_run(int *fd, const struct lb_home_child *wanted, lb_executor *execute_call)
{
	leave_parent(fd);
	/* Without its parent there is no guest: not even while it waits in a call. */
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	mask = wanted->mask | lb_shadow.state.actions.caught;
	lb_signals_leave(lb_shadow.state.actions.ignored);
	set_limits(wanted);
	for (;;) {
		struct lb_link_reply reply = { 0 };
		uint8_t *out;

		if (lb_read_exactly(*fd, &request.call, sizeof request.call) != 0 ||
			request.call.in_size > sizeof request.in ||
			lb_read_exactly(*fd, request.in, request.call.in_size) != 0)
			break;
		out = output + lb_transfer_offset(&request.call);
		if (!execute_call(&request.call, request.in, &reply, out))
			break;
		/* What the call caused, or what came meanwhile, has its effect before the result: SIGPIPE, say. */
		set_mask(mask);
		lb_signals_block();
		if (!lb_send_all(*fd, &reply, sizeof reply) || !lb_send_all(*fd, out, reply.out_size))
			break;
	}
	/* The parent is gone, and the memory that both had with it. */
	for (;;)
		kill(getpid(), SIGKILL);
}
