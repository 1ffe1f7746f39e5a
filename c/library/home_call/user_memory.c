/* user_memory.c - Copies from and to memory that may be missing.
 *
 * Bad memory is -EFAULT, or how far it was there, instead of a crash. process_vm_readv(2) on ourselves, by the
 * number of the thread as a leader that has ended has no memory, lets the kernel
 * check each page: the same rights as the program has (a read-only page is not written: mm/process_vm_access.c uses no
 * FOLL_FORCE, Linux 6.12). Where a sandbox forbids it the copy is made directly.
 */
#include "home_call/user_memory.h"

#include <linux/errno.h>
#include <asm/unistd.h>

#include "mem.h"
#include "syscall.h"

#include "home_call/request.h"
#include "process/process.h"

#define PAGE 4096u

static bool not_allowed(int64_t result)
{
	return result == -ENOSYS || result == -EPERM;
}

/* Copies as much as is there, whole pages of it, and returns how much that was. */
static size_t copy(uint64_t program, void *ours, size_t size, bool in)
{
	struct iovec here = { ours, size };
	struct iovec there = { (void *)program, size };
	int64_t result;

	if (size == 0)
		return 0;
	result = lb_syscall6(
		in ? __NR_process_vm_readv : __NR_process_vm_writev, lb_thread()->local_tid, &here, 1, &there, 1, 0);
	if (not_allowed(result)) {
		memcpy(in ? ours : (void *)program, in ? (const void *)program : ours, size);
		return size;
	}
	return result < 0 ? 0 : (size_t)result;
}

int64_t lb_user_read(void *to, uint64_t from, size_t size)
{
	return copy(from, to, size, true) == size ? 0 : -EFAULT;
}

int64_t lb_user_write(uint64_t to, const void *from, size_t size)
{
	return copy(to, (void *)(uint64_t)from, size, false) == size ? 0 : -EFAULT;
}

int64_t lb_user_string(char *to, uint64_t from, size_t size)
{
	size_t at = 0;

	/* Page by page: the string may end just before a page that is not there. */
	while (at < size) {
		size_t chunk = PAGE - ((from + at) & (PAGE - 1));
		int64_t result;
		size_t i;

		if (chunk > size - at)
			chunk = size - at;
		result = lb_user_read(to + at, from + at, chunk);
		if (result < 0)
			return result;
		for (i = at; i < at + chunk; i++) {
			if (to[i] == '\0')
				return (int64_t)i;
		}
		at += chunk;
	}
	return -ENAMETOOLONG;
}

/* Copies `size` bytes between `flat` and the pieces, from `skip` on. Returns how many until memory is missing. */
static uint64_t copy_pieces(const struct lb_operand_value *pieces, void *flat, uint64_t size, bool in)
{
	uint64_t skip = pieces->skip;
	uint64_t done = 0;
	size_t i;

	for (i = 0; i < pieces->piece_count && done < size; i++) {
		uint64_t length = pieces->pieces[i].iov_len;
		uint64_t base = (uint64_t)pieces->pieces[i].iov_base;
		size_t copied;

		if (skip >= length) {
			skip -= length;
			continue;
		}
		base += skip;
		length -= skip;
		skip = 0;
		if (length > size - done)
			length = size - done;
		copied = copy(base, (uint8_t *)flat + done, length, in);
		done += copied;
		if (copied < length)
			break;
	}
	return done;
}

uint64_t lb_user_gather(void *to, const struct lb_operand_value *from)
{
	return copy_pieces(from, to, from->size, true);
}

uint64_t lb_user_scatter(const struct lb_operand_value *to, const void *from, uint64_t size)
{
	return copy_pieces(to, (void *)(uint64_t)from, size < to->size ? size : to->size, false);
}
