/* marshal.c - marshalling: makes a request of a table row and the program's arguments.
 *
 * Runs in:  the SIGSYS handler, all signals blocked; never nested, so there is one of each of its areas.
 */
#include "home_call/marshal.h"

#include <linux/errno.h>
#include <linux/fcntl.h>
#include <linux/limits.h>
#include <linux/poll.h>
#include <linux/sem.h>
#include <asm/unistd.h>

#include "mem.h"
#include "lb_syscalls.h"

#include "home_call/gap.h"
#include "home_call/request.h"
#include "home_call/table.h"
#include "home_call/transfer.h"
#include "home_call/user_memory.h"
#include "process/own_path.h"
#include "process/process.h"
#include "trap/trap.h"

#define GROUPS_MAX 65536u   /* NGROUPS_MAX */
#define SET_BITS_MAX 65536u /* no descriptor number is higher: c/library/image/become_shadow.c */

/* Two paths at most in one call: rename(2), link(2), symlink(2), and a name beside a path: xattr(7). */
static char strings[2][PATH_MAX];

/* Is the call about a symbolic link itself? */
static bool is_nofollow(const struct lb_trap *trap)
{
	switch (trap->number) {
	case __NR_lstat:
		return true;
	case __NR_newfstatat:
		return (trap->args[3] & AT_SYMLINK_NOFOLLOW) != 0;
	case __NR_statx:
		return (trap->args[2] & AT_SYMLINK_NOFOLLOW) != 0;
	default:
		return false;
	}
}

#define NO_SIZE UINT64_MAX /* a negative length */
#define USUAL_SIZE 1024u   /* more than an address or an option has: who says that there is far more has not so much */

static uint64_t int_size(int32_t length)
{
	if (length < 0)
		return NO_SIZE;
	return length <= (int32_t)LB_LINK_DATA_SIZE_MAX ? (uint32_t)length : USUAL_SIZE;
}

/* The size of a buffer, from its bytes an element and the argument that holds the length. */
static int64_t scale(const struct lb_trap *trap, uint32_t k, uint64_t *size)
{
	uint64_t count = trap->args[k & LB_LENGTH_INDEX];

	if (k & LB_LENGTH_GIVEN) {
		*size = trap->given;
	} else if (k & LB_LENGTH_BEHIND) {
		uint32_t length = 0;

		if (count != 0 && lb_user_read(&length, count, sizeof(length)) < 0)
			return -EFAULT;
		*size = int_size((int32_t)length);
	} else if (k & LB_LENGTH_INT) {
		*size = int_size((int32_t)count);
	} else if (*size == 0) {
		/* Sets of descriptors: an int counts bits, whole words move. Home checks a bad number. */
		count = (int32_t)count < 0 ? 0 : (uint32_t)count;
		count = count < SET_BITS_MAX ? count : SET_BITS_MAX;
		*size = (count + 63) / 64 * 8;
	} else if (count > LB_USER_END) {
		*size = LB_USER_END + 1; /* a negative number: no memory is that long */
	} else {
		*size *= count;
	}
	return 0;
}

/* Fills argument `index` of the request from its operand. Returns 0 or a negative error. */
static int64_t marshal(struct lb_request *request, const struct lb_trap *trap, uint32_t operand, unsigned index,
	unsigned *string_count)
{
	uint64_t value = trap->args[index];
	uint32_t k = LB_OPERAND_LENGTH(operand);
	uint64_t size = LB_OPERAND_BYTES(operand);
	static const uint8_t kinds[] = { [LB_OPERAND_IN] = LB_ARG_IN,
		[LB_OPERAND_OUT] = LB_ARG_OUT,
		[LB_OPERAND_INOUT] = LB_ARG_INOUT,
		[LB_OPERAND_IOV_IN] = LB_ARG_IN,
		[LB_OPERAND_IOV_OUT] = LB_ARG_OUT };
	uint32_t kind = LB_OPERAND_KIND(operand);
	int64_t result;

	lb_request_value(request, index, value);
	if (kind <= LB_OPERAND_FD)
		return 0;
	if (kind == LB_OPERAND_PATH || kind == LB_OPERAND_STRING) {
		char *text = strings[(*string_count)++];

		if (value == 0)
			return 0; /* utimensat(2) takes NULL; elsewhere home answers EFAULT */
		result = lb_user_string(text, value, PATH_MAX);
		if (result < 0)
			return result;
		/* The shadow's own binary is at home what /proc/self/exe names there. */
		if (kind == LB_OPERAND_PATH && !is_nofollow(trap) && lb_proc_is_exe(text)) {
			result = (int64_t)strlen(lb_self.exe);
			text = lb_self.exe;
		}
		lb_request_memory(request, index, LB_ARG_IN, (uint64_t)text, (uint64_t)result + 1);
		return 0;
	}
	if (kind == LB_OPERAND_IOV_IN || kind == LB_OPERAND_IOV_OUT) {
		result = lb_request_pieces(request, index, kinds[kind], value, trap->args[k]);
		return result < 0 ? result : 0;
	}
	if (k != LB_NO_LENGTH) {
		result = scale(trap, k, &size);
		if (result < 0)
			return result;
	}
	if (value == 0 || size == 0)
		return 0;
	/* Home looks at the length before it looks at memory: at none of its own. */
	if (size == NO_SIZE) {
		lb_request_value(request, index, LB_NOWHERE);
		return 0;
	}
	if (!lb_is_user_range(value, size))
		return -EFAULT;
	lb_request_memory(request, index, kinds[kind], value, size);
	return 0;
}

/* A buffer longer than a message that cannot be split: a directory, an attribute, a list. Less room is
 * correct: the kernel fills what fits. So is less data for vmsplice(2), which takes what fits. */
static void clamp_buffers(struct lb_request *request, const struct lb_row *row)
{
	unsigned i;

	for (i = 0; i < LB_CALL_ARGS; i++) {
		struct lb_operand_value *arg = &request->args[i];
		uint32_t k = LB_OPERAND_LENGTH(row->operands[i]);

		if (arg->kind == LB_ARG_VALUE || arg->size <= LB_LINK_DATA_SIZE_MAX)
			continue;
		if (arg->kind == LB_ARG_IN && !lb_is_iov(row))
			continue;
		arg->size = LB_LINK_DATA_SIZE_MAX;
		if (k < LB_CALL_ARGS && !lb_is_iov(row))
			request->args[k].value = LB_LINK_DATA_SIZE_MAX / LB_OPERAND_BYTES(row->operands[i]);
	}
}

/* Only where one output is all there is can home cut the reply. */
static bool has_one_output(const struct lb_request *request)
{
	unsigned count = 0;
	unsigned i;

	for (i = 0; i < LB_CALL_ARGS; i++)
		count += request->args[i].kind == LB_ARG_OUT || request->args[i].kind == LB_ARG_INOUT;
	return count == 1;
}

/* Bytes that each one of a call's result stands for: 1, or an element of its array. */
static uint32_t result_unit(const struct lb_row *row)
{
	unsigned i;

	for (i = 0; i < LB_CALL_ARGS; i++)
		if (LB_OPERAND_KIND(row->operands[i]) == LB_OPERAND_OUT &&
			LB_OPERAND_LENGTH(row->operands[i]) != LB_NO_LENGTH)
			return LB_OPERAND_BYTES(row->operands[i]);
	return 1;
}

/* A poll that only looks never ends with EINTR, whatever signal is pending. */
static bool only_looks(const struct lb_trap *trap)
{
	uint64_t limit[2] = { 1, 0 }; /* struct timespec or timeval */
	uint64_t at = 0;

	switch (trap->number) {
	case __NR_poll:
		return (int32_t)trap->args[2] == 0;
	case __NR_epoll_wait:
		return (int32_t)trap->args[3] == 0;
	case __NR_ppoll:
		at = trap->args[2];
		break;
	case __NR_select:
	case __NR_pselect6:
		at = trap->args[4];
		break;
	default:
		break;
	}
	return at != 0 && lb_user_read(limit, at, sizeof(limit)) == 0 && limit[0] == 0 && limit[1] == 0;
}

/* What home says to a count that no row can carry: before it looks at any memory. 0: the count is good. */
static int64_t check_count(const struct lb_trap *trap)
{
	switch (trap->number) {
	case __NR_poll:
	case __NR_ppoll:
		return (uint32_t)trap->args[1] > LB_LINK_DATA_SIZE_MAX / sizeof(struct pollfd) ? -EINVAL : 0;
	case __NR_epoll_wait:
	case __NR_epoll_pwait2:
		return (int32_t)trap->args[2] <= 0 ? -EINVAL : 0;
	case __NR_semop:
	case __NR_semtimedop:
		return (uint32_t)trap->args[2] > LB_LINK_DATA_SIZE_MAX / sizeof(struct sembuf) ? -E2BIG : 0;
	case __NR_getgroups:
		return (int32_t)trap->args[0] < 0 ? -EINVAL : 0;
	case __NR_setgroups:
		return (uint32_t)trap->args[0] > GROUPS_MAX ? -EINVAL : 0;
	default:
		return 0;
	}
}

int64_t lb_marshal_row(struct lb_trap *trap, const struct lb_row *row, uint64_t mask)
{
	struct lb_request request = { .number = trap->number };
	unsigned string_count = 0;
	int64_t result;
	unsigned i;

	if ((row->flags & LB_BLOCKS) && !only_looks(trap)) {
		request.flags |= LB_CALL_MAY_BLOCK;
		request.cancellable = true;
		request.mask = mask;
		request.held = lb_self.held;
	}
	request.no_restart = (row->flags & LB_NO_RESTART) != 0;
	request.result_size = row->flags & LB_RESULT ? result_unit(row) : 0;
	result = check_count(trap);
	if (result < 0)
		return result;
	for (i = 0; i < LB_CALL_ARGS; i++) {
		result = marshal(&request, trap, row->operands[i], i, &string_count);
		if (result == -EFAULT && (row->flags & (LB_SPLIT_READ | LB_SPLIT_WRITE)))
			return lb_gap_error((int64_t)trap->args[0], (row->flags & LB_SPLIT_WRITE) != 0);
		if (result < 0)
			return result;
	}
	if (trap->told != NULL)
		lb_request_memory(&request, LB_CALL_ARGS - 1, LB_ARG_OUT, (uint64_t)trap->told, trap->told_size);
	if (request.result_size && has_one_output(&request))
		request.flags |= LB_CALL_RESULT_SIZE | request.result_size << LB_CALL_UNIT_SHIFT;
	if (row->flags & (LB_SPLIT_READ | LB_SPLIT_WRITE) && request.args[1].kind != LB_ARG_VALUE)
		return lb_transfer_run(&request, row);
	clamp_buffers(&request, row);
	if (request.args[1].kind != LB_ARG_VALUE && lb_is_iov(row))
		lb_request_describe(&request, true);
	return lb_request_run(&request);
}
