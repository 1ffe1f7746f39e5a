/* table.c - The rows of lb_syscalls.h, as they are looked up. */
#include "home_call/table.h"

#include <stddef.h>

#include <asm/unistd.h>

#include "lb_subcalls.h"
#include "lb_syscalls.h"

#define COME LB_COME
#define HOME LB_HOME
#define HERE LB_HERE
#define OWN LB_OWN
#define REFUSED LB_REFUSED

#define NUMBERS 512

#define ROW(number, name, place, row_flags, ...) \
	[number] = { .where = (place), .flags = (row_flags), .operands = { __VA_ARGS__ } },
static const struct lb_row rows[NUMBERS] = { LB_SYSCALL_MAP(ROW) };

const struct lb_row *lb_row_of(uint32_t number)
{
	/* A number without a row is zero, LB_COME: home's kernel may be newer than this table. */
	return number < NUMBERS ? &rows[number] : NULL;
}

#define SUB_ROW(number, row_flags, operand) { number, row_flags, operand },
struct sub_row {
	uint64_t number;
	uint8_t flags;
	uint32_t operand;
};
static const struct sub_row ioctls[] = { LB_IOCTL_MAP(SUB_ROW) };
static const struct sub_row fcntls[] = { LB_FCNTL_MAP(SUB_ROW) };

static bool find(const struct sub_row *table, size_t count, uint64_t number, struct lb_row *row)
{
	size_t i;

	for (i = 0; i < count; i++) {
		if (table[i].number == number) {
			*row = (struct lb_row){ LB_HOME, table[i].flags, { FD, V, table[i].operand } };
			return true;
		}
	}
	return false;
}

bool lb_ioctl_row(uint64_t request, struct lb_row *row)
{
	/* The kernel takes the request as an unsigned int: fs/ioctl.c, Linux 6.12. */
	return find(ioctls, sizeof(ioctls) / sizeof(ioctls[0]), request & 0xffffffffu, row);
}

bool lb_fcntl_row(uint64_t command, struct lb_row *row)
{
	return find(fcntls, sizeof(fcntls) / sizeof(fcntls[0]), command & 0xffffffffu, row);
}
