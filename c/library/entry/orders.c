/* orders.c - leaves home, moves on, comes home, or writes an image.
 *
 * Each runs in the trigger's handler, on the private stack, all signals blocked. A negative result means that
 * nothing has happened: the program goes on where it is. After lb_context_save() there are two processes in one
 * code: where it has returned true is the restored one, which only looks at lb_self.
 */
#include "entry/orders.h"

#include <linux/errno.h>
#include <linux/poll.h>
#include <asm/unistd.h>

#include "fault.h"
#include "mem.h"
#include "socket.h"
#include "syscall.h"
#include "text.h"

#include "cache/descriptors.h"
#include "entry/daemon.h"
#include "home_call/link.h"
#include "image/attributes.h"
#include "image/become_shadow.h"
#include "image/kernel_state.h"
#include "image/posix_timers.h"
#include "image/shared.h"
#include "image/stream.h"
#include "image/threads.h"
#include "image/write.h"
#include "patch/sites.h"
#include "process/actions.h"
#include "process/children.h"
#include "process/clock.h"
#include "process/context.h"
#include "process/process.h"
#include "thread/thread.h"

/* The last look before anything is touched: the daemon's own look is a moment old. */
static int check_movable(void)
{
	for (unsigned i = 0; i < LB_THREAD_SLOTS; i++)
		if (lb_threads[i].local_tid != 0 && lb_threads[i].has_child)
			return -LB_E_CHILDREN;
	if (!lb_self.away && lb_shares_memory())
		return -LB_E_SHARED_MEMORY;
	if (lb_attributes_trap())
		return -LB_E_TRAPS;
	int error = lb_self.away ? 0 : lb_shared_look();
	return error ? error : lb_timers_look();
}

/* A fault point of the source: 0, or an error to fail with. */
static int source_fault(struct lb_order_context *context, uint32_t number, int fd)
{
	context->step = number;
	switch (lb_fault(number)) {
	case LB_FAULT_DO_CUT:
		lb_syscall2(__NR_shutdown, fd, LB_SHUT_RDWR);
		return 0;
	case LB_FAULT_DO_FAIL:
		return -LB_E_FAULT;
	default:
		return 0;
	}
}

/* Table, memory, MAPPED, GO, RUNNING. When it returns 0 the other side is parked in its library. */
static int stream_out(struct lb_order_context *context, int fd, bool home)
{
	struct lb_image_sink sink = { fd, true, home, false, false, 0 };
	struct lb_link_go go;
	struct lb_link_running running;
	int error = lb_image_write(&sink, context->order.ticket);
	context->bytes = sink.bytes;
	if (error == -EPIPE || error == -ECONNRESET) {
		/* What the copy said before it ended is in the socket still, and tells more. */
		int said = lb_stream_expect(fd, LB_LINK_MAPPED, 0, 0);
		return said < 0 && said != -LB_E_PEER_LOST ? said : error;
	}
	if (!error)
		error = home ? 0 : source_fault(context, LB_FAULT_SOURCE_SENT, fd);
	if (!error)
		error = lb_stream_expect(fd, LB_LINK_MAPPED, 0, 0);
	if (!error && !home)
		error = source_fault(context, LB_FAULT_SOURCE_MAPPED, fd);
	if (error)
		return error;
	go.monotonic_ns = lb_program_monotonic_ns();
	error = lb_stream_send(fd, LB_LINK_GO, &go, sizeof go);
	if (error)
		return error;
	context->step = LB_FAULT_SOURCE_GO;
	if (!home)
		error = source_fault(context, LB_FAULT_SOURCE_GO, fd);
	return error ? error : lb_stream_expect(fd, LB_LINK_RUNNING, &running, sizeof running);
}

static void note_identity(const struct lb_local_order *order)
{
	lb_self.start_ticks = order->start_ticks;
	lb_self.home_pid = order->home_pid;
	lb_self.io_timeout_ms = order->io_timeout_ms;
	lb_self.reconnect_limit_ms = order->reconnect_limit_ms;
	lb_text_copy(lb_self.home_node, order->home_node, sizeof lb_self.home_node);
}

/* Order move and checkpoint, at home. Returns 0 only in the restored process, far away. */
int lb_order_move_from_home(struct lb_order_context *context)
{
	bool to_file = context->order.kind == LB_ORDER_CHECKPOINT;
	int stream_fd = -1, shadow_fd = -1;
	int error = check_movable();
	if (!error)
		error = lb_shadow_fits();
	if (!error)
		error = source_fault(context, LB_FAULT_SOURCE_FETCHED, context->fds[0]);
	for (int i = 0; i < 2 && !error; i++) {
		int moved = lb_move_up(context->fds[i]);
		if (moved < 0)
			error = moved;
		else
			context->fds[i] = moved;
	}
	if (error)
		return error;
	stream_fd = context->fds[0];
	shadow_fd = context->fds[1];
	note_identity(&context->order);
	if (!to_file)
		lb_stream_timeout(stream_fd, context->order.io_timeout_ms);
	lb_actions_take();
	lb_sites_undo();
	error = lb_freeze();
	if (error)
		return error;
	if (lb_context_save(lb_thread()->context))
		return 0;

	if (to_file) {
		struct lb_image_sink sink = { stream_fd, false, false, false, false, 0 };
		error = lb_image_write(&sink, context->order.ticket);
		context->bytes = sink.bytes;
		if (!error)
			error = (int)lb_syscall1(__NR_fsync, stream_fd);
	} else {
		error = stream_out(context, stream_fd, false);
	}
	if (!error)
		error = source_fault(context, LB_FAULT_SOURCE_RUNNING, stream_fd);
	if (!error) {
		if (to_file)
			lb_syscall1(__NR_close, stream_fd);
		context->fds[0] = to_file ? -1 : stream_fd;
		error = lb_become_shadow(&context->order, context->fds[0], shadow_fd, context->bytes,
			(uint64_t)(lb_monotonic_raw_ns() - context->began_ns));
	}
	lb_self.range_start = 0;
	lb_unfreeze();
	return error;
}

/* Order snapshot: an image file of a process that goes on. */
int lb_order_snapshot(struct lb_order_context *context)
{
	int error = check_movable();
	if (!error && !lb_self.away && lb_has_children()) /* what goes on from it would have none */
		error = -LB_E_CHILDREN;
	if (error)
		return error;
	note_identity(&context->order);
	lb_actions_take();
	lb_sites_undo();
	error = lb_freeze();
	if (error)
		return error;
	if (lb_context_save(lb_thread()->context))
		return 0;
	struct lb_image_sink sink = { context->fds[0], false, false, false, false, 0 };
	error = lb_image_write(&sink, context->order.ticket);
	context->bytes = sink.bytes;
	if (!error)
		error = (int)lb_syscall1(__NR_fsync, context->fds[0]);
	if (!lb_self.away)
		lb_self.range_start = 0;
	lb_unfreeze();
	return error ? error : 1; /* 1: done, and still here */
}

static void leave(void)
{
	struct lb_keeper_message message = { LB_KEEPER_LEFT, lb_self.local_pid };
	lb_syscall6(__NR_sendto, lb_self.keeper_fd, &message, sizeof message, LB_MSG_NOSIGNAL, 0, 0);
	for (;;)
		lb_syscall1(__NR_exit_group, 0);
}

/* Asks home what counts after a failure: 0 is never returned by the loser, it exits inside (MOVED). */
static void ask_abort(uint64_t ticket)
{
	struct lb_link_ticket body;
	struct lb_link_header header;
	memset(&body, 0, sizeof body);
	body.ticket = ticket;
	for (;;) {
		if (lb_link_send(LB_LINK_ABORT, 0, &body, sizeof body) < 0)
			leave();
		int64_t type;
		/* What comes before the answer belongs to what is given up: PREPARED. */
		do
			type = lb_link_receive(&header, &body, sizeof body);
		while (type > 0 && type != LB_LINK_ABORTED);
		body.ticket = ticket;
		if (type == LB_LINK_ABORTED)
			return;
		if (lb_link_reconnect() < 0)
			leave();
	}
}

/* Order move of a guest: B to C. The shadow decides which copy lives; after GO this one never goes on by
 * itself. Returns 0 only in the restored process on the next node. */
int lb_order_move_on(struct lb_order_context *context)
{
	struct lb_link_ticket prepare;
	struct lb_link_header header;
	int stream_fd = context->fds[0];
	int error = check_movable();
	if (error)
		return error;
	lb_stream_timeout(stream_fd, context->order.io_timeout_ms);
	memset(&prepare, 0, sizeof prepare);
	prepare.ticket = context->order.ticket;
	lb_text_copy(prepare.node, context->order.destination, sizeof prepare.node);
	if (lb_link_send(LB_LINK_PREPARE, 0, &prepare, sizeof prepare) < 0)
		leave();
	error = source_fault(context, LB_FAULT_MOVE_PREPARE, lb_self.link_fd);
	if (!error) {
		int64_t type = lb_link_receive(&header, &prepare, sizeof prepare);
		if (type != LB_LINK_PREPARED)
			error = type < 0 ? (int)type : -LB_E_WIRE;
	}
	if (error == 0)
		error = source_fault(context, LB_FAULT_MOVE_PREPARED, stream_fd);
	if (!error) {
		lb_sites_undo();
		error = lb_freeze();
	}
	if (error) {
		if (lb_self.link_fd < 0 && lb_link_reconnect() < 0)
			leave();
		ask_abort(context->order.ticket);
		return error;
	}
	if (lb_context_save(lb_thread()->context))
		return 0;
	error = stream_out(context, stream_fd, false);
	if (!error) {
		/* MOVED ends this copy inside lb_link_receive. A silent new copy: ask, below. */
		struct pollfd poll = { lb_self.link_fd, POLLIN, 0 };
		int64_t limit[2] = { context->order.io_timeout_ms / 1000, 0 };
		lb_syscall5(__NR_ppoll, &poll, 1, limit, 0, 0);
		error = -LB_E_PEER_LOST;
	}
	ask_abort(context->order.ticket);
	lb_unfreeze();
	return error;
}

/* Home again: the shadow has the restorer put this image in its own place. From GO on home alone decides: a guest whose
 * link breaks then asks, and goes on only if home says so. */
static int64_t go_home(void *argument)
{
	uint32_t system_call = *(uint32_t *)argument;
	struct lb_order_context context;
	struct lb_link_header header;
	memset(&context, 0, sizeof context);
	context.order.ticket = lb_self.ticket;
	lb_self.home_call = system_call;
	int error = check_movable();
	if (error)
		return error;
	lb_files_revoke(); /* this shadow's reserve ends with it, even if the way home fails */
	if (lb_link_send(LB_LINK_HOME, 0, 0, 0) < 0)
		leave();
	lb_fault(LB_FAULT_HOME_BEGIN);
	int64_t type = lb_link_receive(&header, 0, 0);
	if (type != LB_LINK_READY) {
		if (type < 0 && lb_link_reconnect() < 0)
			leave();
		return type < 0 ? type : -LB_E_PEER_REFUSED;
	}
	lb_sites_undo();
	error = lb_freeze();
	if (!error) {
		if (lb_context_save(lb_thread()->context))
			return 0;
		lb_stream_timeout(lb_self.link_fd, lb_self.io_timeout_ms);
		error = stream_out(&context, lb_self.link_fd, true);
		if (!error)
			leave();
	}
	/* Home's half of this connection is somewhere in its middle: it is of no more use. */
	lb_syscall2(__NR_shutdown, lb_self.link_fd, LB_SHUT_RDWR);
	if (lb_link_reconnect() < 0)
		leave();
	lb_unfreeze();
	return error;
}

int lb_go_home(uint32_t system_call)
{
	uint32_t missing;
	int error = lb_threads_stop(&missing);
	if (!error)
		error = (int)lb_on_order_stack(go_home, &system_call);
	if (error || lb_self.away) {
		lb_threads_go();
		return error;
	}
	lb_daemon_came_home();
	return 0;
}
