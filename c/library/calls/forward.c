/* forward.c - a trapped call goes home as its row says.
 *
 * Runs in:  the SIGSYS handler, all signals blocked.
 */
#include "calls/forward.h"

#include "calls/held.h"
#include "home_call/marshal.h"
#include "home_call/table.h"
#include "mask/aside.h"
#include "trap/frame.h"
#include "trap/trap.h"

int64_t lb_forward_row(struct lb_trap *trap, const struct lb_row *row)
{
	uint64_t mask = trap->context->uc_sigmask | lb_mask_believed();

	/* Under this mask alone: were it under another before, signals would go to and fro. */
	lb_held_update(mask);
	return lb_marshal_row(trap, row, mask);
}

int64_t lb_forward(struct lb_trap *trap)
{
	return lb_forward_row(trap, lb_row_of(trap->number));
}

int64_t lb_forward_masked(struct lb_trap *trap, const struct lb_row *row, uint64_t mask)
{
	lb_aside_let_through(mask);
	lb_held_update(mask);
	return lb_marshal_row(trap, row, mask);
}
