/* request.h - One call at home, for the program or for the library itself. */
#ifndef LB_REQUEST_H
#define LB_REQUEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <linux/uio.h>

#include "process/process.h"
#include "trap/trap.h"

/* One argument of a call that goes home: a value, or memory of this process as a list of pieces. */
struct lb_operand_value {
	uint8_t kind; /* enum lb_arg_kind */
	uint64_t value;
	const struct iovec *pieces;
	size_t piece_count;
	uint64_t skip; /* bytes at the start of the pieces that are not part of it */
	uint64_t size;
	struct iovec own; /* room for the usual single piece */
};
struct lb_request {
	uint32_t number;
	uint32_t flags;       /* LB_CALL_* */
	bool cancellable;     /* pending signals of the program may end it */
	bool no_restart;      /* LB_NO_RESTART */
	uint32_t result_size; /* LB_RESULT: bytes a unit of it; more are not written to the program. 0: all */
	uint64_t mask;        /* the program's signal mask, when cancellable */
	uint64_t held;        /* signals that end it as well, to go home: the call is made again then */
	uint16_t page_offset; /* struct lb_link_call */
	/* What home says before it answers, READY: negative where the link is of no more use. 0: it says nothing. */
	int (*ready)(const void *body, uint32_t size);
	struct lb_operand_value args[LB_CALL_ARGS];
	uint32_t reply_flags; /* out: LB_REPLY_* */
	/* out, when the result is -EFAULT because memory of the program is not there: */
	bool made;        /* the call was made: its output could not be handed out */
	uint64_t reached; /* bytes of that argument until memory is missing */
	int64_t result;   /* what the call that was made returned */
};

void lb_request_value(struct lb_request *request, unsigned index, uint64_t value) LB_HIDDEN;
void lb_request_memory(
	struct lb_request *request, unsigned index, uint8_t kind, uint64_t address, uint64_t size) LB_HIDDEN;
/* Reads an array of iovec into argument `index`. Returns the total size or a negative error. */
int64_t lb_request_pieces(
	struct lb_request *request, unsigned index, uint8_t kind, uint64_t address, uint64_t count) LB_HIDDEN;
/* What is to move, as argument 1 has it: argument 2 and how home is to place the data. */
void lb_request_describe(struct lb_request *request, bool is_vector) LB_HIDDEN;
/* Makes the call. Returns its result, or LB_AGAIN. */
int64_t lb_request_run(struct lb_request *request) LB_HIDDEN;
/* Makes a call for the library itself: number and up to 4 plain values; not cancellable. */
int64_t lb_home_values(uint32_t number, uint64_t a, uint64_t b, uint64_t c, uint64_t d) LB_HIDDEN;

#define MAX_RW_COUNT 0x7ffff000ULL /* what one read(2) or write(2) moves at most: include/linux/fs.h, 6.12 */
#define LB_NO_OFFSET UINT64_MAX    /* preadv2(2), pwritev2(2): where the file stands */

#endif
