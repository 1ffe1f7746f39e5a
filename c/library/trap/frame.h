/* frame.h - The kernel's headers of a signal frame, in their order. */
#ifndef LB_FRAME_H
#define LB_FRAME_H

#include <linux/signal.h>
#include <linux/types.h>
#include <asm/sigcontext.h>
#include <asm/ucontext.h>

#define LB_FX_SIZE 512u /* FXSAVE: no more than this without FP_XSTATE_MAGIC1 */

/* Bytes of the vector registers in a frame. */
static inline uint64_t lb_vectors_size(const struct _fpstate *vectors)
{
	if (!vectors)
		return 0;
	return vectors->sw_reserved.magic1 == FP_XSTATE_MAGIC1 ? vectors->sw_reserved.extended_size : LB_FX_SIZE;
}

#endif
