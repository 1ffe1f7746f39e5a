/* children.c - Children of a guest that share its memory.
 *
 * They are children of this process. Copies of it (fork(2)) are made in birth.c.
 *
 * A child that shares its parent's memory (vfork(2), posix_spawn(3)) runs in the guest in its parent's place; here it
 * is a real child process, which executes that thread's calls (child.c) while this process, the parent, goes on holding
 * the link and passes them to it. When the child executes a program its end of the socket is closed with it; the same
 * when it ends: then the guest hears LB_REPLY_CHILD_ENDED, and the thread goes on. Signals to this PID wait meanwhile,
 * as they do for a parent in vfork(2), if that was its only thread.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <sched.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "birth.h"
#include "child.h"
#include "children.h"
#include "descriptors.h"
#include "state.h"
#include "read.h"
#include "transfer.h"

static int fds[LB_CHILDREN_MAX];
static int registered; /* of those */

/* Where the socket to another child is noted; NULL: there are too many. */
static int *take_fd(void)
{
	for (int i = 0; i < registered; i++) {
		if (fds[i] < 0)
			return &fds[i];
	}
	if (registered == LB_CHILDREN_MAX)
		return NULL;
	fds[registered] = -1;
	lb_own_fd(&fds[registered]);
	return &fds[registered++];
}

static int64_t start(const struct lb_home_child *wanted, int32_t *pidfd, lb_executor *execute)
{
	uint64_t flags = wanted->flags & (CLONE_PIDFD | CSIGNAL);
	int *place = take_fd();
	int ends[2];
	long pid;

	if (place == NULL || !lb_make_pair(ends))
		return -EAGAIN;
	pid = syscall(SYS_clone, flags, NULL, pidfd, NULL, NULL);
	if (pid == 0) {
		close(ends[0]);
		lb_shadow.child_fd = ends[1];
		lb_child_run(&lb_shadow.child_fd, wanted, execute);
	}
	pid = pid < 0 ? -errno : pid;
	close(ends[1]);
	if (pid < 0) {
		close(ends[0]);
		return pid;
	}
	*place = ends[0];
	lb_shadow.caller->child_fd = place;
	lb_shadow.caller->child_pid = (pid_t)pid;
	lb_shadow.children++;
	return pid;
}

bool lb_child_send(const struct lb_guest_thread *thread, const struct lb_link_call *call, const uint8_t *in)
{
	return lb_send_all(*thread->child_fd, call, sizeof *call) && lb_send_all(*thread->child_fd, in, call->in_size);
}

bool lb_child_has_answered(const struct lb_guest_thread *thread)
{
	char byte;

	return recv(*thread->child_fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) >= 0 || (errno != EAGAIN && errno != EINTR);
}

bool lb_child_receive(const struct lb_guest_thread *thread, struct lb_link_reply *reply, uint8_t *out, size_t room)
{
	return lb_read_exactly(*thread->child_fd, reply, sizeof *reply) == 0 && reply->out_size <= room &&
		lb_read_exactly(*thread->child_fd, out, reply->out_size) == 0;
}

void lb_child_gone(struct lb_guest_thread *thread)
{
	close(*thread->child_fd);
	*thread->child_fd = -1;
	thread->child_fd = NULL;
	lb_shadow.children--;
}

bool lb_children_call(
	const struct lb_link_call *call, const int64_t *arguments, struct lb_link_reply *reply, lb_executor *execute)
{
	switch (call->number) {
	case LB_HOME_VFORK:
		if (call->arg_sizes[0] != sizeof(struct lb_home_child) || call->arg_sizes[1] != sizeof(int32_t) ||
			lb_shadow.is_child)
			return false;
		reply->result = start((const void *)(intptr_t)arguments[0], (void *)(intptr_t)arguments[1], execute);
		reply->out_size = call->out_size;
		return true;
	case LB_HOME_FORK:
		if (lb_shadow.outstanding > 0)
			return false; /* all its threads wait for it */
		lb_birth(reply);
		return true;
	default:
		return false; /* what only a child may say */
	}
}
