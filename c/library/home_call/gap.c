/* gap.c - Reads and writes whose memory is not there.
 *
 * The program gets what the kernel would have given it at home. It moves what comes before the gap and returns a short
 * count; and before it looks at memory it looks at the descriptor (ksys_write(), fs/read_write.c, and
 * generic_perform_write(), mm/filemap.c, Linux 6.12).
 *
 * Runs in:  the SIGSYS handler, all signals blocked.
 */
#include "home_call/gap.h"

#include <linux/errno.h>
#include <linux/fcntl.h>
#include <linux/fs.h>
#include <linux/stat.h>
#include <asm/stat.h>
#include <asm/unistd.h>

#include "home_call/request.h"

int64_t lb_gap_error(int64_t fd, bool writes)
{
	int64_t flags = lb_home_values(__NR_fcntl, (uint64_t)fd, F_GETFL, 0, 0);

	if (flags < 0)
		return flags;
	if ((flags & O_PATH) || (flags & O_ACCMODE) == (writes ? O_RDONLY : O_WRONLY))
		return -EBADF;
	return -EFAULT;
}

static bool is_regular(int64_t fd)
{
	struct lb_request request = { .number = __NR_fstat };
	struct stat status;

	lb_request_value(&request, 0, (uint64_t)fd);
	lb_request_memory(&request, 1, LB_ARG_OUT, (uint64_t)&status, sizeof(status));
	return lb_request_run(&request) == 0 && S_ISREG(status.st_mode);
}

/* preadv2(2), pwritev2(2): -1 is where the file stands. */
static bool is_at_offset(const struct lb_request *request)
{
	return request->args[3].value == LB_NO_OFFSET;
}

/* The same write from memory that is nowhere mapped: what the kernel finds before it looks at memory, or -EFAULT. */
static int64_t write_nothing(struct lb_request *request)
{
	uint32_t number = request->number;
	struct lb_request probe = *request;

	if (number == __NR_writev)
		probe.number = __NR_write;
	if (number == __NR_pwritev)
		probe.number = __NR_pwrite64;
	if (number == __NR_pwritev2)
		probe.number = is_at_offset(request) ? __NR_write : __NR_pwrite64;
	lb_request_value(&probe, 1, LB_NOWHERE);
	lb_request_value(&probe, 2, request->args[1].size);
	return lb_request_run(&probe);
}

int64_t lb_gap_write(struct lb_request *request, bool is_vector)
{
	uint64_t there = request->reached;
	int64_t result = write_nothing(request);

	/* A message of a socket is sent whole or not at all; other streams may be as strict. */
	if (result != -EFAULT || there == 0 || !is_regular((int64_t)request->args[0].value))
		return result;
	request->args[1].size = there;
	lb_request_describe(request, is_vector);
	return lb_request_run(request);
}

int64_t lb_gap_read(const struct lb_request *request)
{
	bool moves = request->number == __NR_read || request->number == __NR_readv ||
		(request->number == __NR_preadv2 && is_at_offset(request));
	uint64_t surplus = (uint64_t)request->result - request->reached;

	if (!(request->reply_flags & LB_REPLY_REGULAR))
		return -EFAULT;
	/* The file's offset stands behind what could be handed out. */
	if (moves)
		lb_home_values(__NR_lseek, request->args[0].value, -surplus, SEEK_CUR, 0);
	return request->reached > 0 ? (int64_t)request->reached : -EFAULT;
}
