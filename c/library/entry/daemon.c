/* daemon.c - messages to this node's daemon about orders. */
#include "entry/daemon.h"

#include <asm/unistd.h>

#include "syscall.h"

#include "entry/control.h"
#include "entry/orders.h"
#include "image/become_shadow.h"
#include "process/process.h"

void lb_daemon_close(const int *fds)
{
	for (int i = 0; i < LB_LOCAL_DESCRIPTORS_MAX; i++)
		if (fds[i] >= 0)
			lb_syscall1(__NR_close, fds[i]);
}

void lb_daemon_report(const struct lb_order_context *context, int error)
{
	struct lb_local_report message = {
		.type = LB_LOCAL_REPORT,
		.size = sizeof message,
		.order_id = context->order.order_id,
		.ticket = context->order.ticket,
		.bytes = context->bytes,
		.freeze_us = context->freeze_us,
		.outcome = error < 0 ? LB_OUTCOME_ABORTED : LB_OUTCOME_WRITTEN,
		.error = error < 0 ? error : 0,
		.step = context->step,
		.detail = context->detail,
	};
	int fd = lb_control_connect();
	if (fd < 0)
		return; /* the daemon is away: it finds the process where it was */
	lb_control_ask(fd, &message, sizeof message, 0, 0, 0, 0);
	lb_syscall1(__NR_close, fd);
}

bool lb_daemon_fetch(uint64_t order_id, struct lb_order_context *context)
{
	struct lb_local_fetch message = {
		.type = LB_LOCAL_FETCH, .size = sizeof message, .order_id = order_id, .pid = lb_self.local_pid
	};
	int fd = lb_control_connect();
	if (fd < 0)
		return false;
	int got = lb_control_ask(fd, &message, sizeof message, &context->order, sizeof context->order, context->fds,
		LB_LOCAL_DESCRIPTORS_MAX);
	lb_syscall1(__NR_close, fd);
	if (got < 0)
		return false;
	if (context->order.type != LB_LOCAL_ORDER || context->order.kind == LB_ORDER_NONE) {
		lb_daemon_close(context->fds);
		return false;
	}
	return true;
}

void lb_daemon_came_home(void)
{
	struct lb_local_came_home message = { .type = LB_LOCAL_CAME_HOME,
		.size = sizeof message,
		.start_ticks = lb_self.start_ticks,
		.ticket = lb_self.ticket,
		.cpu_us = lb_self.cpu.user_us + lb_self.cpu.system_us,
		.request = lb_self.home_request,
		.pid = lb_self.home_pid,
		.system_call = lb_self.home_call };
	struct lb_local_ack ack;
	lb_fds_begin();
	int fd = lb_control_connect();
	if (fd >= 0) { /* no daemon: it looks at its own processes when it starts */
		lb_control_ask(fd, &message, sizeof message, &ack, sizeof ack, 0, 0);
		lb_syscall1(__NR_close, fd);
	}
	lb_fds_end();
}
