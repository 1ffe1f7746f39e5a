/* table.h - The rows of lb_syscalls.h, as they are looked up. */
#ifndef LB_TABLE_H
#define LB_TABLE_H

#include <stdbool.h>
#include <stdint.h>

#include "process/process.h"

struct lb_row {
	uint8_t where; /* enum lb_where */
	uint8_t flags;
	uint32_t operands[6];
};

const struct lb_row *lb_row_of(uint32_t number) LB_HIDDEN; /* NULL: none */
/* Of a request of ioctl(2), of a command of fcntl(2). False: there is none. */
bool lb_ioctl_row(uint64_t request, struct lb_row *row) LB_HIDDEN;
bool lb_fcntl_row(uint64_t command, struct lb_row *row) LB_HIDDEN;

#endif
