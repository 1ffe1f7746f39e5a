/* transfers.c - Reads and writes for the guest.
 *
 * The kernel finds the data as it would find it in the program's own memory.
 *
 * With O_DIRECT it asks for an alignment and refuses all else (open(2)); of which pieces, depends on the kernel. The
 * data of a CALL lies wherever its message has come, behind others of the backlog; so it is moved to where the program
 * has it in its page. Output is there from the start (lb_transfer_offset()), but for that of several pieces. All
 * other descriptors get one piece.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "state.h"
#include "transfers.h"

#define SECTOR 512 /* no O_DIRECT write is shorter: SECTOR_SIZE, include/linux/blk_types.h, Linux 6.12 */

static bool is_vector(uint32_t number)
{
	return number == SYS_readv || number == SYS_writev || number == SYS_preadv || number == SYS_pwritev ||
		number == SYS_preadv2 || number == SYS_pwritev2 || number == SYS_vmsplice;
}

static bool is_transfer(uint32_t number)
{
	return number == SYS_read || number == SYS_write || number == SYS_pread64 || number == SYS_pwrite64 ||
		is_vector(number);
}

unsigned lb_transfer_offset(const struct lb_link_call *call)
{
	return is_transfer(call->number) ? call->page_offset % LB_PAGE : 0;
}

static bool is_regular(int fd)
{
	struct stat status;

	return fstat(fd, &status) == 0 && S_ISREG(status.st_mode);
}

static bool is_direct(int fd)
{
	int flags = fcntl(fd, F_GETFL);

	return flags >= 0 && (flags & O_DIRECT) != 0;
}

/* Each piece of `data`, which are in a row, where in its page the program has it, in memory of their own. */
static int scatter(
	struct lb_transfer *transfer, const struct lb_link_piece *list, size_t count, const uint8_t *data, size_t size)
{
	size_t list_size = (count * sizeof *transfer->pieces + LB_PAGE - 1) / LB_PAGE * LB_PAGE;
	uint8_t *at;

	transfer->scattered_size = list_size + size + (count + 1) * LB_PAGE;
	at = mmap(NULL, transfer->scattered_size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (at == MAP_FAILED)
		return -ENOMEM;
	transfer->scattered = at;
	transfer->pieces = (struct iovec *)(void *)at;
	transfer->count = count;
	at += list_size;
	for (size_t i = 0; i < count; i++) {
		at += (list[i].page_offset - (uintptr_t)at) % LB_PAGE;
		transfer->pieces[i] = (struct iovec){ at, list[i].size };
		if (data != NULL) {
			memcpy(at, data, list[i].size);
			data += list[i].size;
		}
		at += list[i].size;
	}
	return 0;
}

/* Is it a list of pieces that are argument 1 together? */
static bool is_list(const struct lb_link_call *call, const struct lb_link_piece *list)
{
	uint64_t size = 0, count = call->arg_sizes[2] / sizeof *list;

	if (call->kinds[2] != LB_ARG_IN || call->arg_sizes[2] % sizeof *list != 0 || count > LB_PIECES_MAX)
		return false;
	for (uint64_t i = 0; i < count; i++)
		size += list[i].size;
	return size == call->arg_sizes[1] && size <= LB_LINK_DATA_SIZE_MAX;
}

/* How many pieces the guest tells of; 0: none, all is one. */
static size_t listed(const struct lb_link_call *call, const struct lb_link_piece *list)
{
	return is_vector(call->number) && is_list(call, list) ? call->arg_sizes[2] / sizeof *list : 0;
}

bool lb_transfer_waits(const struct lb_link_call *call)
{
	return !is_transfer(call->number) || !is_regular((int)call->args[0]);
}

int lb_transfer_make(const struct lb_link_call *call, int64_t *arguments, uint8_t *out, struct lb_transfer *transfer)
{
	int fd = (int)arguments[0];
	uint8_t *data = (uint8_t *)(intptr_t)arguments[1];
	const struct lb_link_piece *list = (const void *)(intptr_t)arguments[2];
	size_t size = call->kinds[1] != LB_ARG_VALUE ? call->arg_sizes[1] : 0;
	size_t count = size > 0 ? listed(call, list) : 0;
	bool writes = call->kinds[1] == LB_ARG_IN;
	bool gives = call->number == SYS_vmsplice; /* its pages away: they are to be nobody else's */
	bool direct;
	int error = 0;

	*transfer = (struct lb_transfer){ .out = writes ? NULL : data, .count = 1, .pieces = &transfer->piece };
	if (!is_transfer(call->number))
		return 0;
	transfer->is_regular = is_regular(fd);
	direct = size >= SECTOR && size <= LB_LINK_DATA_SIZE_MAX && (writes || count > 1) && is_direct(fd);
	transfer->piece = (struct iovec){ data, size };
	if (gives ? count > 0 : direct && count > 1)
		error = scatter(transfer, list, count, writes ? data : NULL, size);
	else if (direct) /* a write has no output: there is room where that would be */
		transfer->piece.iov_base = memcpy(out, data, size);
	arguments[1] = (int64_t)(intptr_t)transfer->pieces[0].iov_base;
	if (is_vector(call->number)) {
		arguments[1] = (int64_t)(intptr_t)transfer->pieces;
		arguments[2] = (int64_t)transfer->count;
	}
	return error;
}

void lb_transfer_done(const struct lb_transfer *transfer, int64_t result)
{
	uint8_t *out = transfer->out;

	for (size_t i = 0; transfer->scattered != NULL && out != NULL && i < transfer->count && result > 0; i++) {
		const struct iovec *piece = &transfer->pieces[i];
		size_t size = piece->iov_len < (size_t)result ? piece->iov_len : (size_t)result;

		memcpy(out, piece->iov_base, size);
		out += size;
		result -= (int64_t)size;
	}
	if (transfer->scattered != NULL)
		munmap(transfer->scattered, transfer->scattered_size);
}
