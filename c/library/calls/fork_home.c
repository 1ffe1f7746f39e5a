/* fork_home.c - fork(2) away from home: the child is made at home.
 *
 * There it is a child of the home PID, with the same descriptors; its memory is an image of this process, which goes
 * there as on the way home. The parent stays.
 *
 *   guest                     shadow                      child at home
 *   FORK                ───►  makes a child of itself ─►  starts the program's file with the library
 *                       ◄───  READY                 ◄───  READY
 *   image, GO           ───►  keeps a copy          ───►
 *                                                   ◄───  MAPPED
 *                             GO                    ───►
 *                       ◄───  REPLY: its PID        ◄───  RUNNING
 *
 * Of a later image only what has changed is sent (image/kept.c).
 * The shadow alone decides whether there is a child: a guest whose link breaks asks again.
 *
 * Runs in:  the SIGSYS handler, all signals blocked.
 */
#include <linux/errno.h>
#include <linux/sched.h>
#include <asm/unistd.h>
#include <linux/fcntl.h>

#include "mem.h"
#include "syscall.h"

#include "cache/descriptors.h"
#include "calls/fork.h"
#include "home_call/request.h"
#include "home_call/user_memory.h"
#include "image/kept.h"
#include "image/kernel_state.h"
#include "image/maps.h"
#include "image/threads.h"
#include "image/stream.h"
#include "image/write.h"
#include "mask/aside.h"
#include "patch/sites.h"
#include "process/clock.h"
#include "process/context.h"
#include "process/identity.h"
#include "process/process.h"
#include "thread/thread.h"
#include "trap/frame.h"
#include "trap/trap.h"

/* The image of a larger process takes longer than coming home and going away again: 256 MiB are 2 s at 1 Gb/s. */
#define RESIDENT_MAX (256ULL << 20)
#define PAGE 4096ULL
#define MAY (CLONE_CHILD_SETTID | CLONE_CHILD_CLEARTID | CLONE_PARENT_SETTID)
#define NO_CHILD INT64_MAX /* not a PID */

/* Of the child; true in its image only. */
static bool is_being_born;

bool lb_fork_is_born(void)
{
	return is_being_born;
}

/* Second field of /proc/self/statm. */
static uint64_t resident_bytes(void)
{
	char text[128];
	const char *at = text;
	uint64_t pages = 0;
	int64_t fd = lb_syscall4(__NR_openat, AT_FDCWD, "/proc/thread-self/statm", 0, 0);
	int64_t got = fd < 0 ? fd : lb_syscall3(__NR_read, fd, text, sizeof text - 1);
	if (fd >= 0)
		lb_syscall1(__NR_close, fd);
	if (got <= 0)
		return UINT64_MAX;
	text[got] = 0;
	while (*at && *at != ' ')
		at++;
	for (at += *at == ' '; *at >= '0' && *at <= '9'; at++)
		pages = pages * 10 + (uint64_t)(*at - '0');
	return pages * PAGE;
}

static int stream(const void *body, uint32_t size)
{
	struct lb_image_sink sink = { lb_self.link_fd, true, true, true, true, 0 };
	struct lb_link_go go;
	uint64_t kept_id;
	if (size != sizeof kept_id)
		return -LB_E_WIRE;
	memcpy(&kept_id, body, sizeof kept_id);
	lb_sites_undo();
	int error = lb_freeze();
	if (error)
		return error;
	lb_stream_timeout(lb_self.link_fd, lb_self.io_timeout_ms);
	lb_kept_begin(kept_id);
	is_being_born = true;
	error = lb_image_write(&sink, lb_self.ticket);
	is_being_born = false;
	lb_kept_end(!error);
	go.monotonic_ns = lb_program_monotonic_ns();
	if (!error)
		error = lb_stream_send(lb_self.link_fd, LB_LINK_GO, &go, sizeof go);
	lb_stream_timeout(lb_self.link_fd, 0);
	lb_unfreeze();
	return error;
}

void lb_fork_begin_life(void)
{
	is_being_born = false;
	lb_self.call_seq = 0;
	lb_come_home = false;
	lb_frozen_forget();
	lb_aside_drop(~0ULL);
	lb_become_child();
}

static int64_t make(void *argument)
{
	const struct lb_clone *clone = argument;
	struct lb_request request = { .number = LB_HOME_FORK, .ready = stream };
	if (lb_context_save(lb_thread()->context)) {
		if (clone->flags & CLONE_CHILD_SETTID)
			lb_user_write(clone->child_tid, &lb_self.local_pid, sizeof lb_self.local_pid);
		lb_syscall1(__NR_set_tid_address, clone->flags & CLONE_CHILD_CLEARTID ? clone->child_tid : 0);
		return 0;
	}
	int64_t result = lb_request_run(&request);
	if (request.reply_flags & LB_REPLY_NO_CHILD)
		return NO_CHILD;
	if (result > 0 && (clone->flags & CLONE_PARENT_SETTID))
		lb_user_write(clone->parent_tid, &result, sizeof(int32_t));
	return result;
}

static int is_shared(const struct lb_mapping *mapping, void *context)
{
	(void)context;
	return mapping->shared_anonymous;
}

/* A copy that is made at home would share nothing with this process: it is made where both are. */
static bool shares_with_children(void)
{
	if (lb_self.may_share)
		lb_self.may_share = lb_each_mapping(is_shared, NULL) != 0;
	return lb_self.may_share;
}

int64_t lb_fork_at_home(struct lb_trap *trap, const struct lb_clone *clone)
{
	struct sigcontext *registers = &trap->context->uc_mcontext;
	int64_t result;

	if ((clone->flags & ~(uint64_t)MAY) != 0 || clone->exit_signal != SIGCHLD || resident_bytes() > RESIDENT_MAX ||
		shares_with_children())
		return LB_NEEDS_HOME;
	uint32_t missing;
	if (lb_threads_stop(&missing)) /* as fork(2) where the kernel has no room: the program may try again */
		return -EAGAIN;
	lb_files_fork();
	/* Once more where the link was lost in its middle, most likely; but home may be at fault. */
	result = lb_on_order_stack(make, (void *)clone);
	if (result == NO_CHILD)
		result = lb_on_order_stack(make, (void *)clone);
	if (lb_self.away)
		lb_threads_go();
	if (result == NO_CHILD)
		return LB_NEEDS_HOME;
	if (lb_self.away || result < 0)
		return result;
	trap->context->uc_sigmask |= lb_mask_believed();
	if (clone->stack != 0)
		registers->rsp = clone->stack;
	return 0;
}
