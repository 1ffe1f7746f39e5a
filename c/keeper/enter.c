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

#include "enter.h"
#include "keeper.h"
#include "lb_link.h"
#include "lb_restorer.h"

#define RSEQ_SIGNATURE 0x53053053
#define RSEQ_UNREGISTER 1
#define RSEQ_SIZE 32 /* what glibc registers for the first version of struct rseq */

/* glibc 2.35 and later registers restartable sequences; weak, as other C libraries have neither
 * symbol. */
extern const ptrdiff_t __rseq_offset __attribute__((weak));
extern const unsigned int __rseq_size __attribute__((weak));

/* The kernel writes to the registered area whenever it switches to this task; where our memory
 * was it would find nothing and kill the guest (rseq_handle_notify_resume, kernel/rseq.c,
 * v6.12). */
static void unregister_rseq(void)
{
	if (&__rseq_offset == NULL || &__rseq_size == NULL || __rseq_size == 0)
		return;
	syscall(SYS_rseq, (char *)__builtin_thread_pointer() + __rseq_offset, RSEQ_SIZE, RSEQ_UNREGISTER,
		RSEQ_SIGNATURE);
}

_Noreturn void lb_guest_enter(const struct lb_guest_start *start)
{
	const struct lb_keeper_options *options = start->options;
	struct lb_enter_request request = {
		.image_fd = start->stream_fd,
		.handshake = !options->restart,
		.link_fd = start->link_fd,
		.keeper_fd = start->keeper_fd,
		.state_fd = -1,
		.shadow_fd = -1,
		.at_home = 0,
		.fault = options->fault,
		.node = options->node,
		.control_path = options->control_path == NULL ? "" : options->control_path,
	};
	struct {
		struct lb_link_header header;
		struct lb_link_status status;
	} failed = { { LB_LINK_FAILED, sizeof failed.status, 0 }, { 0, 0 } };
	struct lb_image_header header;

	unregister_rseq();
	failed.status.code = lb_enter(&request, &header);
	if (request.handshake)
		send(start->stream_fd, &failed, sizeof failed, MSG_NOSIGNAL);
	_exit(1);
}
