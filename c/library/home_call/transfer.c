/* transfer.c - Reads and writes at home, in pieces.
 *
 * Runs in:  the SIGSYS handler, all signals blocked.
 */
#include "home_call/transfer.h"

#include <linux/errno.h>

#include "lb_syscalls.h"

#include "home_call/gap.h"
#include "home_call/request.h"
#include "home_call/table.h"

bool lb_is_iov(const struct lb_row *row)
{
	uint32_t kind = LB_OPERAND_KIND(row->operands[1]);

	return kind == LB_OPERAND_IOV_IN || kind == LB_OPERAND_IOV_OUT;
}

/* Runs a read or write in pieces that fit into one message, as long as each is complete. */
int64_t lb_transfer_run(struct lb_request *request, const struct lb_row *row)
{
	struct lb_operand_value *buffer = &request->args[1];
	uint64_t total = buffer->size < MAX_RW_COUNT ? buffer->size : MAX_RW_COUNT;
	uint64_t offset = request->args[3].value;
	uint64_t done = 0;

	for (;;) {
		uint64_t size = total - done;
		int64_t result;

		if (size > LB_LINK_DATA_SIZE_MAX)
			size = LB_LINK_DATA_SIZE_MAX;
		buffer->skip = done;
		buffer->size = size;
		lb_request_describe(request, lb_is_iov(row));
		if ((row->flags & LB_OFFSET) && offset != LB_NO_OFFSET) /* preadv2(2): -1 is where the file stands */
			request->args[3].value = offset + done;
		result = lb_request_run(request);
		if (result == -EFAULT)
			result = request->made ? lb_gap_read(request) : lb_gap_write(request, lb_is_iov(row));
		if (result < 0) /* after a part, the error comes with the next call; so does a signal */
			return done > 0 ? (int64_t)done : result;
		if ((uint64_t)result > size)
			return result; /* recv(2) with MSG_TRUNC: the length of what there was */
		done += (uint64_t)result;
		if ((uint64_t)result < size || done >= total)
			return (int64_t)done;
		/* Only a file is sure to have the rest at once: a pipe would make a reader wait. */
		if ((row->flags & LB_SPLIT_READ) && !(request->reply_flags & LB_REPLY_REGULAR))
			return (int64_t)done;
	}
}
