/* files_guest.c - A guest's calls on files, without the rest of the library.
 *
 * Calls arrive, and go to the test's home.
 */
#include <asm/unistd.h>

#include "../../c/base/mem.h"
#include "../../c/base/syscall.h"
#include "library/cache/descriptors.h"
#include "library/cache/invalidation.h"
#include "library/cache/read_ahead.h"
#include "library/home_call/link.h"
#include "library/home_call/request.h"
#include "library/home_call/user_memory.h"
#include "library/image/mapped.h"
#include "library/process/actions.h"
#include "library/patch/answers.h"
#include "library/process/own_memory.h"

#include "files_guest.h"

unsigned guest_trips;
uint64_t guest_edge;
static bool signal_comes; /* with the next reply */

struct lb_ring *guest_ring(void)
{
	return lb_ring();
}

void guest_begin(void)
{
	int fd;

	lb_self.away = true;
	lb_self.keeper_fd = -1;
	fd = lb_ring_create();
	if (fd < 0)
		__builtin_trap();
	lb_syscall1(__NR_close, fd);
	lb_ring()->greeted = 1;
}

void guest_end(void)
{
	lb_syscall2(__NR_munmap, lb_self.ring_start, lb_self.ring_end - lb_self.ring_start);
	lb_self.ring_start = lb_self.ring_end = 0;
}

void guest_fork(void)
{
	lb_files_fork();
	home_deliver(UINT64_MAX);
}

void guest_signal(void)
{
	signal_comes = true;
}

void lb_actions_summary(struct lb_link_actions *out)
{
	memset(out, 0, sizeof(*out));
}

int64_t lb_user_read(void *to, uint64_t from, size_t size)
{
	memcpy(to, (const void *)from, size);
	return 0;
}

static bool is_missing(uint64_t at, uint64_t size)
{
	return at <= guest_edge && at + size > guest_edge;
}

bool lb_fast_read(void *to, uint64_t from, size_t size)
{
	return !is_missing(from, size) && lb_user_read(to, from, size) == 0;
}

bool lb_fast_write(uint64_t to, const void *from, size_t size)
{
	if (is_missing(to, size))
		return false;
	memcpy((void *)to, from, size);
	return true;
}

void lb_request_value(struct lb_request *request, unsigned index, uint64_t value)
{
	request->args[index].kind = LB_ARG_VALUE;
	request->args[index].value = value;
}

void lb_request_memory(struct lb_request *request, unsigned index, uint8_t kind, uint64_t address, uint64_t size)
{
	struct lb_operand_value *arg = &request->args[index];

	arg->kind = kind;
	arg->own = (struct iovec){ (void *)address, size };
	arg->pieces = &arg->own;
	arg->piece_count = 1;
	arg->size = size;
}

static void arrive_home(void)
{
	guest_trips++;
	lb_ring_tell_read();
	home_deliver(UINT64_MAX);
}

static void answered(void)
{
	home_answered();
	if (signal_comes)
		lb_ahead_drop_all(); /* as c/library/home_call/link.c */
	signal_comes = false;
}

/* What the library asks for itself. */
int64_t lb_request_run(struct lb_request *request)
{
	static uint8_t area[LB_AHEAD_SIZE + 8];
	int64_t got;

	arrive_home();
	if (request->number == LB_HOME_FILE)
		return home_file(request->args[0].value, (void *)request->args[1].own.iov_base);
	got = home_ahead(request->args[0].value, area, request->args[1].size, request->args[2].value);
	if (got >= 8) {
		memcpy(request->args[1].pieces[0].iov_base, area, 8);
		memcpy(request->args[1].pieces[1].iov_base, area + 8, (size_t)got - 8);
	}
	answered();
	return got;
}

void lb_link_wait_applied(uint64_t position)
{
	if (lb_ring()->applied >= position)
		return;
	guest_trips++;
	home_deliver(position);
}

static int64_t go_home(const struct lb_trap *trap)
{
	int64_t result;

	arrive_home();
	result = home_call(trap->number, trap->args);
	lb_thread()->reply_flags = home_is_regular(trap->args[0]) ? LB_REPLY_REGULAR : 0;
	if (trap->told != NULL && result >= 0)
		home_opened((uint64_t)result, trap->told);
	answered();
	return result;
}

int64_t guest_call5(uint32_t number, uint64_t a, uint64_t b, uint64_t c, uint64_t d, uint64_t e)
{
	struct lb_trap trap = { .number = number, .args = { a, b, c, d, e } };
	int64_t result = LB_SLOW;

	if (lb_fast_wants(number))
		result = lb_fast_call(number, trap.args);
	if (result == LB_SLOW && lb_files_prepare(&trap))
		result = lb_fast_call(number, trap.args);
	if (result != LB_SLOW)
		return result;
	lb_files_before(&trap);
	result = go_home(&trap);
	lb_files_after(&trap, result);
	return result;
}

struct lb_mapped_file *lb_mapped_find(uint64_t device, uint64_t inode)
{
	(void)device;
	(void)inode;
	return NULL;
}
