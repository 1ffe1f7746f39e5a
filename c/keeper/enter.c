/* enter.c - Turns the keeper's child into the restorer.
 *
 * The last steps of the guest's process as a copy of the keeper.
 *
 * Runs in:    the forked child of the keeper, all signals blocked, one thread. Out:        does
 * not return: becomes the process of the image, or says FAILED on the stream and ends with 1.
 */
#define _GNU_SOURCE
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "libc_rseq.h"
#include "enter.h"
#include "keeper.h"
#include "lb_link.h"
#include "lb_restorer.h"

_Noreturn void lb_guest_enter(const struct lb_guest_start *start)
{
	const struct lb_keeper_options *options = start->options;
	struct lb_enter_request request = {
		.image_fd = start->stream_fd,
		.handshake = !options->restart,
		.link_fd = start->link_fd,
		.keeper_fd = start->keeper_fd,
		.fault = options->fault,
		.node = options->node,
		.control_path = options->control_path == NULL ? "" : options->control_path,
	};
	struct {
		struct lb_link_header header;
		struct lb_link_status status;
	} failed = { { LB_LINK_FAILED, sizeof failed.status, 0 }, { 0, 0 } };
	struct lb_image_header header;

	lb_rseq_of_libc_register(false);
	failed.status.code = lb_enter(&request, &header);
	if (request.handshake)
		send(start->stream_fd, &failed, sizeof failed, MSG_NOSIGNAL);
	_exit(1);
}
