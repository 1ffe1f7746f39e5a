/* message.c - sendmsg(2) and recvmsg(2): makes a struct msghdr of the parts that travel. See
 * c/library/calls/sendmsg.c, which takes it apart.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>

#include "descriptors.h"
#include "message.h"

enum { ARG_FD, ARG_DATA, ARG_FLAGS, ARG_NAME, ARG_CONTROL, ARG_EXTRA };

bool lb_is_message(uint32_t number)
{
	return number == SYS_sendmsg || number == SYS_recvmsg;
}

static bool is_memory(const struct lb_link_call *call, int index)
{
	return call->kinds[index] != LB_ARG_VALUE;
}

/* Descriptors of ours cannot be passed on, as they do not exist for the program. */
static bool passes_own_descriptor(struct msghdr *header)
{
	for (struct cmsghdr *at = CMSG_FIRSTHDR(header); at != NULL; at = CMSG_NXTHDR(header, at)) {
		if (at->cmsg_level != SOL_SOCKET || at->cmsg_type != SCM_RIGHTS || at->cmsg_len < CMSG_LEN(0))
			continue;
		for (size_t i = 0; i + sizeof(int) <= at->cmsg_len - CMSG_LEN(0); i += sizeof(int)) {
			int fd;

			memcpy(&fd, CMSG_DATA(at) + i, sizeof fd);
			if (lb_is_own_fd(fd))
				return true;
		}
	}
	return false;
}

bool lb_message_make(const struct lb_link_call *call, int64_t *arguments, struct lb_message *message)
{
	struct msghdr *header = &message->header;

	if (call->kinds[ARG_EXTRA] != LB_ARG_INOUT || call->arg_sizes[ARG_EXTRA] != sizeof *message->extra)
		return false;
	message->extra = (struct lb_link_message *)(intptr_t)arguments[ARG_EXTRA];
	memset(header, 0, sizeof *header);
	message->piece.iov_base = (void *)(intptr_t)arguments[ARG_DATA];
	message->piece.iov_len = is_memory(call, ARG_DATA) ? call->arg_sizes[ARG_DATA] : 0;
	header->msg_iov = &message->piece;
	header->msg_iovlen = 1;
	/* Room without memory behind it: the kernel then only tells how much there would be. */
	header->msg_name = (void *)(intptr_t)arguments[ARG_NAME];
	header->msg_namelen = is_memory(call, ARG_NAME) ? (socklen_t)call->arg_sizes[ARG_NAME] : 0;
	if (is_memory(call, ARG_CONTROL)) {
		header->msg_control = (void *)(intptr_t)arguments[ARG_CONTROL];
		header->msg_controllen = call->arg_sizes[ARG_CONTROL];
	}
	arguments[ARG_DATA] = (int64_t)(intptr_t)header;
	return true;
}

bool lb_message_allowed(const struct lb_link_call *call, struct lb_message *message)
{
	return call->number != SYS_sendmsg || !passes_own_descriptor(&message->header);
}

void lb_message_done(const struct lb_link_call *call, struct lb_message *message, int64_t result)
{
	if (call->number != SYS_recvmsg || result < 0)
		return;
	message->extra->name_size = message->header.msg_namelen;
	message->extra->control_size = message->header.msg_controllen;
	message->extra->flags = (uint32_t)message->header.msg_flags;
}
