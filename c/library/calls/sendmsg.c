/* sendmsg.c - sendmsg(2), recvmsg(2) and their like.
 *
 * A struct msghdr travels as its parts, and the shadow makes one of them again (c/shadow/message.c). Descriptors in
 * the control data need nothing: all are at home.
 *
 * Runs in:  the SIGSYS handler, all signals blocked.
 *
 * The CALL's arguments: descriptor, data, flags, name, control data, struct lb_link_message.
 */
#include <linux/errno.h>
#include <linux/time.h>
#include <linux/time_types.h>
#include <asm/socket.h>
#include <asm/unistd.h>

#include "mem.h"
#include "socket.h"
#include "syscall.h"

#include "cache/descriptors.h"
#include "calls/own.h"
#include "home_call/request.h"
#include "home_call/user_memory.h"
#include "mask/aside.h"
#include "trap/frame.h"
#include "trap/trap.h"

#define NAME_SIZE_MAX 128u      /* struct sockaddr_storage */
#define CONTROL_SIZE_MAX 65536u /* more than the kernel takes in one call: optmem_max, socket(7) */
#define DATA_SIZE_MAX (LB_LINK_DATA_SIZE_MAX - CONTROL_SIZE_MAX - 4096u)
#define SOCK_STREAM_TYPE 1
#define MESSAGES_MAX 1024u  /* UIO_MAXIOV, sendmmsg(2) */
#define WAITFORONE 0x10000u /* MSG_WAITFORONE: include/linux/socket.h */
#define SECOND_NS 1000000000LL

struct mmsghdr {
	struct lb_msghdr header;
	uint32_t size, pad;
};

static bool is_stream(uint64_t fd)
{
	struct lb_request request = { .number = __NR_getsockopt };
	int32_t type = 0;
	uint32_t size = sizeof(type);

	lb_request_value(&request, 0, fd);
	lb_request_value(&request, 1, SOL_SOCKET);
	lb_request_value(&request, 2, SO_TYPE);
	lb_request_memory(&request, 3, LB_ARG_OUT, (uint64_t)&type, sizeof(type));
	lb_request_memory(&request, 4, LB_ARG_INOUT, (uint64_t)&size, sizeof(size));
	return lb_request_run(&request) == 0 && type == SOCK_STREAM_TYPE;
}

static void add_memory(struct lb_request *request, unsigned index, uint8_t kind, uint64_t address, uint64_t size)
{
	if (address != 0 && size != 0)
		lb_request_memory(request, index, kind, address, size);
	else
		lb_request_value(request, index, address);
}

/* Descriptors that others will have, too. */
static void note_passed(const struct lb_msghdr *header)
{
	uint64_t at = 0;

	while (at + sizeof(struct lb_cmsghdr) <= header->control_size) {
		struct lb_cmsghdr control;
		uint64_t fd_at;
		uint32_t fd;

		if (lb_user_read(&control, (uint64_t)header->control + at, sizeof(control)) < 0 ||
			control.size < sizeof(control) || control.size > header->control_size - at)
			return;
		for (fd_at = sizeof(control); fd_at + sizeof(fd) <= control.size; fd_at += sizeof(fd))
			if (control.level == SOL_SOCKET && control.type == LB_SCM_RIGHTS &&
				lb_user_read(&fd, (uint64_t)header->control + at + fd_at, sizeof(fd)) == 0)
				lb_files_shared(fd);
		at += (control.size + 7) & ~7ULL;
	}
}

/* A struct msghdr on its way, in one call or, as a stream takes more than fits into a message, in several. */
struct transfer {
	struct lb_request request;
	struct lb_link_message extra;
	uint64_t total, done;
};

/* Fills in all but the data's size. Returns 0 or a negative error. */
static int64_t set_up(struct transfer *transfer, const struct lb_trap *trap, const struct lb_msghdr *header,
	uint32_t number, uint64_t flags)
{
	bool sends = number == __NR_sendmsg;
	uint8_t kind = sends ? LB_ARG_IN : LB_ARG_INOUT; /* not OUT: what the kernel does not write stays as it is */
	struct lb_request *request = &transfer->request;
	uint32_t name_size;
	int64_t total;

	if (header->name_size < 0 || header->iov_count > MESSAGES_MAX)
		return header->name_size < 0 ? -EINVAL : -EMSGSIZE;
	if (sends && header->control_size > CONTROL_SIZE_MAX)
		return -ENOBUFS;
	name_size = (uint32_t)header->name_size < NAME_SIZE_MAX ? (uint32_t)header->name_size : NAME_SIZE_MAX;
	*transfer = (struct transfer){
		.request = { .number = number, .flags = LB_CALL_MAY_BLOCK, .cancellable = true,
			.mask = trap->context->uc_sigmask | lb_mask_believed(), .result_size = sends ? 0 : 1 },
		.extra = {
			.name_size = name_size,
			.control_size = header->control_size < CONTROL_SIZE_MAX ? header->control_size
										: CONTROL_SIZE_MAX,
		},
	};
	lb_request_value(request, 0, trap->args[0]);
	lb_request_value(request, 2, flags);
	total = lb_request_pieces(request, 1, sends ? LB_ARG_IN : LB_ARG_OUT, (uint64_t)header->iov, header->iov_count);
	if (total < 0)
		return total;
	transfer->total = (uint64_t)total;
	add_memory(request, 3, kind, (uint64_t)header->name, transfer->extra.name_size);
	add_memory(request, 4, kind, (uint64_t)header->control, transfer->extra.control_size);
	lb_request_memory(request, 5, LB_ARG_INOUT, (uint64_t)&transfer->extra, sizeof(transfer->extra));
	return 0;
}

/* Makes the next call. *whole: it has done all that it could. Returns what all of them have done, or a negative error
 * of the first. */
static int64_t run(struct transfer *transfer, bool *whole)
{
	struct lb_operand_value *data = &transfer->request.args[1];
	uint64_t left = transfer->total - transfer->done;
	int64_t result;

	data->skip = transfer->done;
	data->size = left < DATA_SIZE_MAX ? left : DATA_SIZE_MAX;
	if (data->size == 0)
		lb_request_value(&transfer->request, 1, 0);
	result = lb_request_run(&transfer->request);
	*whole = result >= 0 && (uint64_t)result == data->size;
	if (result < 0)
		return transfer->done > 0 ? (int64_t)transfer->done : result;
	transfer->done += (uint64_t)result;
	return (int64_t)transfer->done;
}

static int64_t send_one(struct lb_trap *trap, const struct lb_msghdr *header, uint64_t flags)
{
	struct transfer transfer;
	int64_t result = set_up(&transfer, trap, header, __NR_sendmsg, flags);
	bool whole;

	if (result < 0)
		return result;
	note_passed(header);
	if (transfer.total > DATA_SIZE_MAX && !is_stream(trap->args[0]))
		return -EMSGSIZE;
	for (;;) {
		result = run(&transfer, &whole);
		if (!whole || transfer.done >= transfer.total)
			return result;
		/* What goes along goes once, with the first bytes. */
		lb_request_value(&transfer.request, 4, 0);
		transfer.extra.control_size = 0;
	}
}

/* Receives into one struct msghdr, whose sizes and flags are set. */
static int64_t receive_one(struct lb_trap *trap, struct lb_msghdr *header, uint64_t flags)
{
	struct transfer transfer;
	int64_t result = set_up(&transfer, trap, header, __NR_recvmsg, flags);
	bool whole;

	if (result < 0)
		return result;
	for (;;) {
		bool is_first = transfer.done == 0;

		result = run(&transfer, &whole);
		header->flags = transfer.extra.flags;
		if (is_first) { /* what comes along comes with the first bytes */
			header->name_size = (int32_t)transfer.extra.name_size;
			header->control_size = transfer.extra.control_size;
		}
		if (!whole || !(flags & LB_MSG_WAITALL) || transfer.done >= transfer.total)
			return result;
		lb_request_value(&transfer.request, 3, 0);
		lb_request_value(&transfer.request, 4, 0);
		transfer.extra = (struct lb_link_message){ 0 };
	}
}

int64_t lb_own_sendmsg(struct lb_trap *trap)
{
	struct lb_msghdr header;

	if (lb_user_read(&header, trap->args[1], sizeof(header)) < 0)
		return -EFAULT;
	return send_one(trap, &header, (uint32_t)trap->args[2]);
}

/* The kernel writes the members that it changes and leaves the others: include/uapi/linux/socket.h. */
static int64_t hand_back(uint64_t at, const struct lb_msghdr *header)
{
	if (header->name != NULL &&
		lb_user_write(
			at + offsetof(struct lb_msghdr, name_size), &header->name_size, sizeof(header->name_size)) < 0)
		return -EFAULT;
	if (lb_user_write(at + offsetof(struct lb_msghdr, control_size), &header->control_size,
		    sizeof(header->control_size)) < 0)
		return -EFAULT;
	return lb_user_write(at + offsetof(struct lb_msghdr, flags), &header->flags, sizeof(header->flags));
}

int64_t lb_own_recvmsg(struct lb_trap *trap)
{
	struct lb_msghdr header;
	int64_t result;

	if (lb_user_read(&header, trap->args[1], sizeof(header)) < 0)
		return -EFAULT;
	result = receive_one(trap, &header, (uint32_t)trap->args[2]);
	if (result >= 0 && hand_back(trap->args[1], &header) < 0)
		return -EFAULT;
	return result;
}

/* Several messages: what was done before an error or a signal counts, as in the kernel. */
int64_t lb_own_sendmmsg(struct lb_trap *trap)
{
	uint64_t count = (uint32_t)trap->args[2] < MESSAGES_MAX ? (uint32_t)trap->args[2] : MESSAGES_MAX;
	int64_t result = 0;
	uint64_t done;

	for (done = 0; done < count; done++) {
		uint64_t at = trap->args[1] + done * sizeof(struct mmsghdr);
		struct lb_msghdr header;
		uint32_t size;

		result = lb_user_read(&header, at, sizeof(header));
		if (result == 0)
			result = send_one(trap, &header, (uint32_t)trap->args[3]);
		if (result < 0)
			break;
		size = (uint32_t)result;
		result = lb_user_write(at + offsetof(struct mmsghdr, size), &size, sizeof(size));
		if (result < 0)
			break;
	}
	return done > 0 ? (int64_t)done : result;
}

static int64_t now_ns(void)
{
	struct __kernel_timespec now = { 0, 0 };

	lb_syscall2(__NR_clock_gettime, CLOCK_MONOTONIC, &now);
	return now.tv_sec * SECOND_NS + now.tv_nsec;
}

static int64_t receive_many(struct lb_trap *trap, int64_t deadline_ns, uint64_t *done)
{
	uint64_t count = (uint32_t)trap->args[2] < MESSAGES_MAX ? (uint32_t)trap->args[2] : MESSAGES_MAX;
	uint64_t flags = (uint32_t)trap->args[3] & ~(uint64_t)WAITFORONE;

	for (*done = 0; *done < count; ++*done) {
		uint64_t at = trap->args[1] + *done * sizeof(struct mmsghdr);
		struct lb_msghdr header;
		int64_t result = lb_user_read(&header, at, sizeof(header));
		uint32_t size;

		/* The limit is looked at only between two messages: recvmmsg(2), BUGS. */
		if (*done > 0 && now_ns() >= deadline_ns)
			return 0;
		if (result == 0)
			result = receive_one(trap, &header, flags);
		if (result < 0)
			return result;
		size = (uint32_t)result;
		if (hand_back(at, &header) < 0 ||
			lb_user_write(at + offsetof(struct mmsghdr, size), &size, sizeof(size)) < 0)
			return -EFAULT;
		if ((uint32_t)trap->args[3] & WAITFORONE)
			flags |= LB_MSG_DONTWAIT;
	}
	return 0;
}

int64_t lb_own_recvmmsg(struct lb_trap *trap)
{
	struct __kernel_timespec limit;
	int64_t deadline_ns = INT64_MAX;
	int64_t left_ns, result;
	uint64_t done;

	if (trap->args[4] != 0) {
		if (lb_user_read(&limit, trap->args[4], sizeof(limit)) < 0)
			return -EFAULT;
		if (limit.tv_sec < 0 || limit.tv_nsec < 0 || limit.tv_nsec >= SECOND_NS)
			return -EINVAL;
		if (limit.tv_sec < INT64_MAX / SECOND_NS / 2)
			deadline_ns = now_ns() + limit.tv_sec * SECOND_NS + limit.tv_nsec;
	}
	result = receive_many(trap, deadline_ns, &done);
	if (done == 0)
		return result;
	if (deadline_ns != INT64_MAX) {
		left_ns = deadline_ns - now_ns();
		left_ns = left_ns < 0 ? 0 : left_ns;
		limit = (struct __kernel_timespec){ left_ns / SECOND_NS, left_ns % SECOND_NS };
		if (lb_user_write(trap->args[4], &limit, sizeof(limit)) < 0)
			return -EFAULT;
	}
	return (int64_t)done;
}
