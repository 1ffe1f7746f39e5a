/* request.c - Makes one call at home: CALL and REPLY.
 *
 * Runs in:  the SIGSYS handler, all signals blocked; never nested, so there is one of each of its areas.
 */
#include "home_call/request.h"

#include <linux/errno.h>
#include <asm/unistd.h>

#include "mem.h"

#include "home_call/link_calls.h"
#include "home_call/user_memory.h"
#include "mask/acted_on.h"
#include "process/own_memory.h"
#include "trap/trap.h"

#define PAGE 4096u
#define ALIGN8(x) (((x) + 7u) & ~(uint64_t)7)

#define message (lb_areas()->message)
#define iovecs (lb_areas()->iovecs)

void lb_request_value(struct lb_request *request, unsigned index, uint64_t value)
{
	request->args[index].kind = LB_ARG_VALUE;
	request->args[index].value = value;
}

void lb_request_memory(struct lb_request *request, unsigned index, uint8_t kind, uint64_t address, uint64_t size)
{
	struct lb_operand_value *arg = &request->args[index];

	arg->kind = kind;
	arg->own.iov_base = (void *)address;
	arg->own.iov_len = size;
	arg->pieces = &arg->own;
	arg->piece_count = 1;
	arg->skip = 0;
	arg->size = size;
}

/* Lays out the input data and the output area. Returns 0, -EFAULT or -EMSGSIZE. */
static int64_t lay_out(struct lb_request *request)
{
	uint64_t in = 0;
	uint64_t out = 0;
	unsigned i;

	memset(&message.call, 0, sizeof(message.call));
	message.call.number = request->number;
	message.call.flags = request->flags;
	message.call.page_offset = request->page_offset;
	message.call.thread = lb_thread()->home_tid;
	for (i = 0; i < LB_CALL_ARGS; i++) {
		const struct lb_operand_value *arg = &request->args[i];

		message.call.kinds[i] = arg->kind;
		message.call.args[i] = arg->value;
		if (arg->kind == LB_ARG_VALUE)
			continue;
		if (arg->size > LB_LINK_DATA_SIZE_MAX)
			return -EMSGSIZE;
		message.call.arg_sizes[i] = arg->size;
		if (arg->kind != LB_ARG_OUT) {
			if (in + arg->size > sizeof(message.data))
				return -EMSGSIZE;
			request->reached = lb_user_gather(message.data + in, arg);
			if (request->reached < arg->size)
				return -EFAULT;
			message.call.args[i] = in;
			in = ALIGN8(in + arg->size);
		}
		if (arg->kind == LB_ARG_OUT)
			message.call.args[i] = out;
		if (arg->kind == LB_ARG_INOUT)
			message.call.out_offsets[i] = out;
		if (arg->kind != LB_ARG_IN)
			out = ALIGN8(out + arg->size);
	}
	if (in > sizeof(message.data) || out > LB_LINK_DATA_SIZE_MAX)
		return -EMSGSIZE;
	message.call.in_size = (uint32_t)in;
	message.call.out_size = (uint32_t)out;
	message.header.type = LB_LINK_CALL;
	message.header.size = (uint32_t)(sizeof(message.call) + in);
	return 0;
}

/* Copies the output to the program: after an error only what is INOUT, the remaining time of select(2), say.
 * The call has happened: bad memory is -EFAULT, as the kernel has it. */
static int64_t hand_out(struct lb_request *request, const struct lb_reply_view *view)
{
	unsigned i;

	for (i = 0; i < LB_CALL_ARGS; i++) {
		const struct lb_operand_value *arg = &request->args[i];
		uint64_t offset, size = arg->size;

		if (arg->kind != LB_ARG_INOUT && (arg->kind != LB_ARG_OUT || view->result < 0))
			continue;
		if (arg->kind == LB_ARG_OUT && request->result_size &&
			size > (uint64_t)view->result * request->result_size)
			size = (uint64_t)view->result * request->result_size;
		offset = arg->kind == LB_ARG_OUT ? message.call.args[i] : message.call.out_offsets[i];
		if (offset >= view->out_size)
			continue;
		if (size > view->out_size - offset)
			size = view->out_size - offset;
		request->reached = lb_user_scatter(arg, view->out + offset, size);
		if (request->reached < (size < arg->size ? size : arg->size))
			return -EFAULT;
	}
	return 0;
}

/* Calls that wait for somebody most of the time: the others of the process's threads need not wait with them. */
static bool waits_for_others(uint32_t number)
{
	switch (number) {
	case __NR_poll:
	case __NR_ppoll:
	case __NR_select:
	case __NR_pselect6:
	case __NR_epoll_wait:
	case __NR_epoll_pwait:
	case __NR_epoll_pwait2:
	case __NR_accept:
	case __NR_accept4:
	case __NR_wait4:
	case __NR_waitid:
	case __NR_flock:
		return true;
	default:
		return false;
	}
}

int64_t lb_request_run(struct lb_request *request)
{
	struct lb_reply_view view;
	bool cancellable = request->cancellable && !lb_thread()->has_child; /* what comes here is the parent's */
	const struct lb_waiting how = {
		.wanted = cancellable ? lb_signals_wanted(request->mask) | request->held : 0,
		.beside = cancellable,
		.soon = cancellable && waits_for_others(request->number),
		.ready = request->ready,
	};
	bool cancelled;
	int64_t result;

	if (lb_thread()->has_child && lb_thread()->child_ended)
		return -EINTR;
	request->made = false;
	result = lay_out(request);
	if (result < 0)
		return result;
	message.header.seq = ++lb_self.call_seq;
	cancelled = lb_link_call(&message.header, sizeof(message.header) + message.header.size, &how, &view);
	request->reply_flags = view.flags;
	lb_thread()->reply_flags = view.flags;
	if (view.flags & LB_REPLY_CHILD_ENDED) {
		lb_thread()->child_ended = true;
		return -EINTR; /* nobody sees it */
	}
	if (cancelled && view.result == -EINTR) {
		enum lb_effect effect = lb_signals_effect(lb_signals_waiting(request->mask));

		if (effect == LB_HANDLER_INTERRUPTS || (effect != LB_NO_HANDLER && request->no_restart))
			return -EINTR;
		hand_out(request, &view);
		return LB_AGAIN;
	}
	result = hand_out(request, &view);
	request->made = true;
	request->result = view.result;
	return result < 0 && view.result >= 0 ? result : view.result;
}

/* Could memory of this size be there at all? access_ok(), arch/x86/include/asm/uaccess_64.h, Linux 6.12. */

int64_t lb_home_values(uint32_t number, uint64_t a, uint64_t b, uint64_t c, uint64_t d)
{
	struct lb_request request = { .number = number };

	lb_request_value(&request, 0, a);
	lb_request_value(&request, 1, b);
	lb_request_value(&request, 2, c);
	lb_request_value(&request, 3, d);
	return lb_request_run(&request);
}

int64_t lb_request_pieces(struct lb_request *request, unsigned index, uint8_t kind, uint64_t address, uint64_t count)
{
	uint64_t total = 0;
	size_t i;

	if (count > LB_PIECES_MAX)
		return -EINVAL;
	if (lb_user_read(iovecs, address, count * sizeof(iovecs[0])) < 0)
		return -EFAULT;
	for (i = 0; i < count; i++) {
		if ((int64_t)iovecs[i].iov_len < 0)
			return -EINVAL;
		if (!lb_is_user_range((uint64_t)iovecs[i].iov_base, iovecs[i].iov_len))
			return -EFAULT;
		if (iovecs[i].iov_len > MAX_RW_COUNT - total)
			iovecs[i].iov_len = MAX_RW_COUNT - total;
		total += iovecs[i].iov_len;
	}
	lb_request_memory(request, index, kind, 0, total);
	request->args[index].pieces = iovecs;
	request->args[index].piece_count = count;
	return (int64_t)total;
}

/* With O_DIRECT the kernel asks for an alignment of each piece, which only home knows: c/shadow/transfers.c. */
void lb_request_describe(struct lb_request *request, bool is_vector)
{
	struct lb_link_piece *list = lb_areas()->pieces;
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
