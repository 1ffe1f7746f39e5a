/* obstacle.h - Why the loader will not load the library into a program.
 *
 * Told by the program's file. Freestanding.
 */
#ifndef LB_OBSTACLE_H
#define LB_OBSTACLE_H

#include <linux/elf-em.h>
#include <linux/elf.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lb_wire.h"

#define LB_HEAD_SIZE 4096 /* of a program's file: its headers lie there, or we look no further */

static inline uint64_t lb_field(const uint8_t *at, unsigned size)
{
	uint64_t value = 0;

	for (unsigned i = size; i > 0; i--)
		value = value << 8 | at[i - 1];
	return value;
}

/* Whether this is glibc's loader: its name is part of the ABI, whatever the directory; of its own it was ld-2.N.so. */
static inline bool lb_is_glibc_loader(const char *path, size_t size)
{
	static const char name[] = "ld-linux-x86-64.so.2"; /* with its NUL, which a PT_INTERP has as well */
	size_t at = size;

	while (at > 0 && path[at - 1] != '/')
		at--;
	if (size - at >= 5 && path[at] == 'l' && path[at + 1] == 'd' && path[at + 2] == '-' && path[at + 3] == '2' &&
		path[at + 4] == '.')
		return true;
	if (size - at != sizeof name)
		return false;
	for (size_t i = 0; i < sizeof name; i++) {
		if (path[at + i] != name[i])
			return false;
	}
	return true;
}

/* By an ELF header and what follows it, elf(5). What is no ELF file has no obstacle: the kernel will say. */
static inline uint32_t lb_obstacle_of_head(const uint8_t *head, size_t size)
{
	uint64_t offset, entry_size, count;

	if (size < 64 || lb_field(head, 4) != 0x464c457f)
		return LB_OBSTACLE_NONE;
	if (head[4] != ELFCLASS64 || lb_field(head + 18, 2) != EM_X86_64)
		return LB_OBSTACLE_FOREIGN;
	offset = lb_field(head + 32, 8);
	entry_size = lb_field(head + 54, 2);
	count = lb_field(head + 56, 2);
	for (uint64_t i = 0; i < count; i++) {
		uint64_t at = offset + i * entry_size, name, length;

		if (offset > size || at + 40 > size)
			return LB_OBSTACLE_NONE; /* headers in some other place than usual: let it run */
		if (lb_field(head + at, 4) != PT_INTERP)
			continue;
		name = lb_field(head + at + 8, 8);
		length = lb_field(head + at + 32, 8);
		if (name > size || length > size - name)
			return LB_OBSTACLE_NONE;
		return lb_is_glibc_loader((const char *)head + name, length) ? LB_OBSTACLE_NONE
									     : LB_OBSTACLE_OTHER_LIBC;
	}
	return LB_OBSTACLE_STATIC;
}

#endif
