/* transfer.c - Reads and writes at home, in pieces.
 *
 * They fit into a message, and have the program's alignment.
 *
 * Runs in:  the SIGSYS handler, see forward_call.c.
 */
#include <linux/errno.h>

#include "lb_syscalls.h"

#include "forward.h"
#include "process/own_memory.h"
#include "cache/ring.h"

#define PAGE 4096u

bool lb_is_iov(const struct lb_row *row)
{
	uint32_t kind = LB_OPERAND_KIND(row->operands[1]);

	return kind == LB_OPERAND_IOV_IN || kind == LB_OPERAND_IOV_OUT;
}

/* With O_DIRECT the kernel asks for an alignment of each piece, which only home knows: c/shadow/transfers.c. */
void lb_transfer_describe(struct lb_request *request, bool is_vector)
{
	struct lb_link_piece *list = lb_areas->pieces;
	const struct lb_operand_value *data = &request->args[1];
	uint64_t skip = data->skip;
	uint64_t left = data->size;
	size_t count = 0;
	size_t i;

	for (i = 0; i < data->piece_count && left > 0; i++) {
		uint64_t length = data->pieces[i].iov_len;
		uint64_t base = (uint64_t)data->pieces[i].iov_base;

		if (skip >= length) {
			skip -= length;
			continue;
		}
		length = length - skip < left ? length - skip : left;
		list[count++] = (struct lb_link_piece){ (uint32_t)length, (uint32_t)((base + skip) % PAGE) };
		left -= length;
		skip = 0;
	}
	request->page_offset = count > 0 ? (uint16_t)list[0].page_offset : 0;
	if (is_vector)
		lb_request_memory(request, 2, LB_ARG_IN, (uint64_t)list, count * sizeof(list[0]));
	else
		request->args[2].value = data->size;
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
		lb_transfer_describe(request, lb_is_iov(row));
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
