/* children.c - Children of a guest that share its memory.
 *
 * They are children of this process. Copies of it (fork(2)) are made in birth.c.
 *
 * A child that shares its parent's memory (vfork(2), posix_spawn(3)) runs in the guest in its parent's place; here it
 * is a real child process, which executes the calls (child.c) while this process, the parent, goes on holding the link
 * and passes them to it. When the child executes a program its end of the socket is closed with it; the same when it
 * ends: then the guest hears LB_REPLY_CHILD_ENDED, and its parent goes on. Signals to this PID wait meanwhile, as they
 * do for a parent in vfork(2).
 */
#define _GNU_SOURCE
#include <errno.h>
#include <poll.h>
#include <sched.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include "birth.h"
#include "child.h"
#include "children.h"
#include "descriptors.h"
#include "home.h"
#include "state.h"
#include "wait.h"
#include "read.h"
#include "transfer.h"

static int64_t start(const struct lb_home_child *wanted, int32_t *pidfd, lb_executor *execute)
{
	uint64_t flags = wanted->flags & (CLONE_PIDFD | CSIGNAL);
	int ends[2];
	long pid;

	if (!lb_make_pair(ends))
		return -EAGAIN;
	pid = syscall(SYS_clone, flags, NULL, pidfd, NULL, NULL);
	if (pid == 0) {
		close(ends[0]);
		lb_shadow.child_fd = ends[1];
		lb_child_run(&lb_shadow.child_fd, wanted, execute);
	}
	pid = pid < 0 ? -errno : pid;
	close(ends[1]);
	if (pid < 0)
		close(ends[0]);
	else
		lb_shadow.child_fd = ends[0];
	return pid;
}

/* Has the child execute the call. Returns false when it is no more what it was. */
static bool exchange(const struct lb_link_call *call, const uint8_t *in, struct lb_link_reply *reply, uint8_t *out)
{
	if (!lb_send_all(lb_shadow.child_fd, call, sizeof *call) || !lb_send_all(lb_shadow.child_fd, in, call->in_size))
		return false;
	lb_wait_readable(lb_shadow.child_fd);
	return lb_read_exactly(lb_shadow.child_fd, reply, sizeof *reply) == 0 &&
		lb_read_exactly(lb_shadow.child_fd, out, reply->out_size) == 0;
#include "read.h"
}

static void pass_on(const struct lb_link_call *call, const uint8_t *in, struct lb_link_reply *reply, uint8_t *out)
{
	if (exchange(call, in, reply, out))
		return;
	close(lb_shadow.child_fd);
	lb_shadow.child_fd = -1;
	*reply = (struct lb_link_reply){ .flags = LB_REPLY_CHILD_ENDED };
}

bool lb_child_takes(const struct lb_link_call *call, const uint8_t *in, struct lb_link_reply *reply, uint8_t *out)
{
	if (lb_shadow.child_fd < 0 || lb_shadow.is_child)
		return false;
	pass_on(call, in, reply, out);
	return true;
}

bool lb_children_call(
	const struct lb_link_call *call, const int64_t *arguments, struct lb_link_reply *reply, lb_executor *execute)
{
	switch (call->number) {
	case LB_HOME_VFORK:
		if (call->arg_sizes[0] != sizeof(struct lb_home_child) || call->arg_sizes[1] != sizeof(int32_t))
			return false;
		reply->result = start((const void *)(intptr_t)arguments[0], (void *)(intptr_t)arguments[1], execute);
		reply->out_size = call->out_size;
		return true;
	case LB_HOME_FORK:
		lb_birth(reply);
		return true;
	default:
		return false; /* what only a child may say */
	}
}
