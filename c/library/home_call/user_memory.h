/* user_memory.h - Copies from and to memory that may be missing. */
#ifndef LB_USER_MEMORY_H
#define LB_USER_MEMORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "home_call/request.h"
#include "process/process.h"

#define LB_USER_END 0x7ffffffff000ULL /* TASK_SIZE_MAX with four-level page tables */

static inline bool lb_is_user_range(uint64_t address, uint64_t size)
{
	return size <= LB_USER_END && address <= LB_USER_END - size;
}

/* -EFAULT: it is not there. */
int64_t lb_user_read(void *to, uint64_t from, size_t size) LB_HIDDEN;
int64_t lb_user_write(uint64_t to, const void *from, size_t size) LB_HIDDEN;
int64_t lb_user_string(char *to, uint64_t from, size_t size) LB_HIDDEN; /* length, or negative */
/* Both return the bytes that were copied: fewer than all where memory is not there. */
uint64_t lb_user_gather(void *to, const struct lb_operand_value *from) LB_HIDDEN;
uint64_t lb_user_scatter(const struct lb_operand_value *to, const void *from, uint64_t size) LB_HIDDEN;

#endif
