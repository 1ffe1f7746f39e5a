/* execute.c - Executes a CALL.
 *
 * Number, arguments, and where their memory lies in the message.
 *
 * What arrives is checked, never trusted: an argument that is memory lies wholly in the input or the output
 * area. What the call may do is what the program may do: it comes from the program itself.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#include "lb_syscalls.h"

#include "backlog.h"
#include "child.h"
#include "children.h"
#include "descriptors.h"
#include "execute.h"
#include "grant.h"
#include "held.h"
#include "message.h"
#include "paths.h"
#include "signalfds.h"
#include "state.h"
#include "transfers.h"
#include "wait.h"

#define NUMBERS 512
#define ROW(number, name, where, flags, ...) [number] = { __VA_ARGS__ },
static const uint32_t operands[NUMBERS][LB_CALL_ARGS] = { LB_SYSCALL_MAP(ROW) };

/* Fills in real pointers. Returns false when an argument does not lie where it must. */
static bool resolve(const struct lb_link_call *call, const uint8_t *in, uint8_t *out, int64_t *arguments)
{
	if (call->out_size > LB_LINK_DATA_SIZE_MAX)
		return false;
	for (int i = 0; i < LB_CALL_ARGS; i++) {
		uint64_t at = call->args[i];
		uint64_t size = call->arg_sizes[i];
		uint64_t out_at = call->kinds[i] == LB_ARG_INOUT ? call->out_offsets[i] : at;
		bool reads = call->kinds[i] == LB_ARG_IN || call->kinds[i] == LB_ARG_INOUT;
		bool writes = call->kinds[i] == LB_ARG_OUT || call->kinds[i] == LB_ARG_INOUT;

		arguments[i] = (int64_t)at;
		if (call->kinds[i] > LB_ARG_INOUT)
			return false;
		if (reads && (at > call->in_size || size > call->in_size - at))
			return false;
		if (writes && (out_at > call->out_size || size > call->out_size - out_at))
			return false;
		if (call->kinds[i] == LB_ARG_INOUT)
			memcpy(out + out_at, in + at, size);
		if (writes)
			arguments[i] = (int64_t)(intptr_t)(out + out_at);
		else if (reads)
			arguments[i] = (int64_t)(intptr_t)(in + at);
	}
	return true;
}

/* A string that is not terminated would make the kernel read past its end. */
static bool strings_end(const struct lb_link_call *call, const int64_t *arguments)
{
	if (call->number >= NUMBERS)
		return true;
	for (int i = 0; i < LB_CALL_ARGS; i++) {
		uint32_t kind = LB_OPERAND_KIND(operands[call->number][i]);
		const char *text = (const char *)(intptr_t)arguments[i];

		if (kind != LB_OPERAND_PATH && kind != LB_OPERAND_STRING)
			continue;
		if (call->kinds[i] == LB_ARG_VALUE && call->args[i] == 0)
			continue;
		if (call->kinds[i] != LB_ARG_IN || memchr(text, '\0', call->arg_sizes[i]) == NULL)
			return false;
	}
	return true;
}

/* Do its paths exist for the program? */
static bool paths_exist(const struct lb_link_call *call, const int64_t *arguments)
{
	for (int i = 0; i < LB_CALL_ARGS && call->number < NUMBERS; i++) {
		if (LB_OPERAND_KIND(operands[call->number][i]) != LB_OPERAND_PATH || arguments[i] == 0)
			continue;
		if (!lb_path_exists((const char *)(intptr_t)arguments[i]))
			return false;
	}
	return true;
}

/* A file in memory with this content, open for reading, at the lowest free number as open(2) has it. */
static int64_t make_memfd(const void *content, size_t size, int flags, const char *name)
{
	char path[32];
	bool whole;
	int fd, opened;

	lb_own_fds_begin();
	fd = memfd_create(name, MFD_CLOEXEC);
	fd = fd < 0 ? -errno : lb_fd_move_up(fd);
	lb_own_fds_end();
	if (fd < 0)
		return fd;
	whole = write(fd, content, size) == (ssize_t)size;
	snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
	opened = whole ? open(path, O_RDONLY | (flags & O_CLOEXEC)) : -1;
	if (opened < 0)
		opened = whole ? -errno : -ENOMEM;
	close(fd);
	return opened;
}

/* LB_HOME_MEMFD. Returns false when the request is malformed. */
static bool execute_memfd(const struct lb_link_call *call, const int64_t *arguments, struct lb_link_reply *reply)
{
	const char *name = (const char *)(intptr_t)arguments[2];

	if (call->kinds[0] != LB_ARG_IN || call->kinds[2] != LB_ARG_IN ||
		memchr(name, '\0', call->arg_sizes[2]) == NULL)
		return false;
	reply->result = make_memfd((const void *)(intptr_t)arguments[0], call->arg_sizes[0], (int)arguments[1], name);
	return true;
}

/* Our own descriptors do not exist for the program. Returns false when the call is answered. */
static bool guard_descriptors(const struct lb_link_call *call, int64_t *arguments, int64_t *result)
{
	bool dup = call->number == SYS_dup2 || call->number == SYS_dup3;

	if (call->number == SYS_close_range) {
		*result = lb_close_range((uint32_t)arguments[0], (uint32_t)arguments[1], (uint64_t)arguments[2]);
		return false;
	}
	if (call->number >= NUMBERS)
		return true;
	for (int i = 0; i < LB_CALL_ARGS; i++) {
		if (LB_OPERAND_KIND(operands[call->number][i]) != LB_OPERAND_FD)
			continue;
		if (!lb_is_own_fd((int32_t)arguments[i]))
			continue;
		if (dup && i == 1) {
			if (lb_own_fd_yield((int32_t)arguments[i]))
				continue;
		}
		*result = -EBADF;
		return false;
	}
	return true;
}

static int64_t run_raw(const int64_t *arguments)
{
	int64_t result, got;

	do {
		got = syscall(arguments[0], arguments[1], arguments[2], arguments[3], arguments[4], arguments[5],
			arguments[6]);
		result = got < 0 ? -errno : got;
		if (got > 0 && (arguments[0] == SYS_getdents64 || arguments[0] == SYS_getdents))
			result = lb_fds_hide(
				(uint32_t)arguments[0], (int)arguments[1], (uint8_t *)(intptr_t)arguments[2], got);
	} while (got > 0 && result == 0); /* nothing else was there, but it was not the end */
	return result;
}

/* Opens a file: what may be done with it without home goes along with the result. */
static bool is_open(const struct lb_link_call *call)
{
	return (call->number == SYS_open || call->number == SYS_openat || call->number == SYS_openat2 ||
		       call->number == SYS_creat) &&
		call->kinds[5] == LB_ARG_OUT && call->arg_sizes[5] == sizeof(struct lb_home_file);
}

static uint32_t used_output(const struct lb_link_call *call, int64_t result)
{
	uint32_t given = call->flags >> LB_CALL_UNIT_SHIFT;
	int64_t unit = given > 0 ? given : 1;

	if (!(call->flags & LB_CALL_RESULT_SIZE))
		return call->out_size;
	if (result <= 0)
		return 0;
	if (result > (int64_t)call->out_size / unit)
		return call->out_size;
	return (uint32_t)(result * unit);
}

/* LB_HOME_FILE and LB_HOME_AHEAD. Returns false when the request is malformed. */
static bool execute_file(const struct lb_link_call *call, const int64_t *arguments, struct lb_link_reply *reply)
{
	void *to = (void *)(intptr_t)arguments[1];

	if (call->kinds[1] != LB_ARG_OUT)
		return false;
	if (call->number == LB_HOME_AHEAD)
		reply->result = lb_read_ahead((int)arguments[0], to, call->arg_sizes[1], call->args[2]);
	else if (call->arg_sizes[1] == sizeof(struct lb_home_file))
		reply->result = lb_grant((int)arguments[0], to);
	else
		return false;
	reply->out_size = used_output(call, reply->result);
	return true;
}

enum lb_begun lb_execute_begin(struct lb_execution *execution, const uint8_t *in)
{
	const struct lb_link_call *call = execution->call;
	struct lb_link_reply *reply = &execution->reply;
	int64_t *arguments = execution->arguments;
	uint8_t *out = execution->out;
	bool waits = (call->flags & LB_CALL_MAY_BLOCK) != 0;

	memset(reply, 0, sizeof *reply);
	arguments[0] = call->number;
	memset(out, 0, call->out_size <= 4096 ? call->out_size : 0);
	if (!resolve(call, in, out, arguments + 1) || !strings_end(call, arguments + 1))
		return LB_BEGUN_MALFORMED;
	if (call->number == LB_HOME_FILE || call->number == LB_HOME_AHEAD)
		return execute_file(call, arguments + 1, reply) ? LB_BEGUN_DONE : LB_BEGUN_MALFORMED;
	if (call->number == LB_HOME_MEMFD)
		return execute_memfd(call, arguments + 1, reply) ? LB_BEGUN_DONE : LB_BEGUN_MALFORMED;
	if (lb_held_call(call, arguments + 1, out, reply) || lb_child_call(call, arguments + 1, reply) ||
		lb_guest_threads_call(call, arguments + 1, reply))
		return LB_BEGUN_DONE;
	if (call->number >= LB_HOME_VFORK)
		return lb_children_call(call, arguments + 1, reply, lb_execute) ? LB_BEGUN_DONE : LB_BEGUN_MALFORMED;
	if (!guard_descriptors(call, arguments + 1, &reply->result))
		return LB_BEGUN_DONE;
	if (!paths_exist(call, arguments + 1)) {
		reply->result = -ENOENT;
		return LB_BEGUN_DONE;
	}
	if (lb_backlog_owes(call->number, (int32_t)arguments[1], &reply->result))
		return LB_BEGUN_DONE;
	if (call->number == SYS_dup2 || call->number == SYS_dup3)
		lb_backlog_replaced((int32_t)arguments[2]);
	reply->result = lb_transfer_make(call, arguments + 1, out, &execution->transfer);
	if (reply->result < 0)
		return LB_BEGUN_DONE;
	if (lb_is_message(call->number)) {
		if (!lb_message_make(call, arguments + 1, &execution->message))
			return LB_BEGUN_MALFORMED;
		if (!lb_message_allowed(call, &execution->message)) {
			reply->result = -EBADF;
			return LB_BEGUN_DONE;
		}
	}
	return waits && !execution->transfer.is_regular ? LB_BEGUN_WAITS : LB_BEGUN_READY;
}

void lb_execute_end(struct lb_execution *execution, int64_t result)
{
	const struct lb_link_call *call = execution->call;
	struct lb_link_reply *reply = &execution->reply;

	reply->result = result;
	lb_transfer_done(&execution->transfer, result);
	if (call->number == SYS_setrlimit || call->number == SYS_prlimit64)
		lb_own_fds_place();
	if (lb_is_message(call->number))
		lb_message_done(call, &execution->message, result);
	if (is_open(call) && result >= 0)
		lb_grant_opened((int)result, (void *)(intptr_t)execution->arguments[6]);
	reply->flags = execution->transfer.is_regular ? LB_REPLY_REGULAR : 0;
	if (lb_signalfds_came(call, &execution->message, result))
		reply->flags |= LB_REPLY_SIGNALFD;
	reply->out_size = used_output(call, result);
}

bool lb_execute_all(struct lb_execution *execution, const uint8_t *in)
{
	int64_t result;

	switch (lb_execute_begin(execution, in)) {
	case LB_BEGUN_READY:
		result = run_raw(execution->arguments);
		break;
	case LB_BEGUN_WAITS:
		if (lb_shadow.is_child)
			result = lb_child_block(execution->arguments);
		else if (lb_shadow.threads == 0)
			result = lb_wait_call(execution->call, execution->arguments);
		else /* nobody else may be served meanwhile: calls.c gives what waits to workers */
			result = run_raw(execution->arguments);
		break;
	case LB_BEGUN_DONE:
		return true;
	default:
		return false;
	}
	lb_execute_end(execution, result);
	return true;
}

bool lb_execute(const struct lb_link_call *call, const uint8_t *in, struct lb_link_reply *reply, uint8_t *out)
{
	struct lb_execution execution = { .call = call, .out = out };
	bool done = lb_execute_all(&execution, in);

	*reply = execution.reply;
	return done;
}
