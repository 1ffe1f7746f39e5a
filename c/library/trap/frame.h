/* frame.h - The kernel's headers of a signal frame, in their order. */
#ifndef LB_FRAME_H
#define LB_FRAME_H

#include <linux/signal.h>
#include <linux/types.h>
#include <asm/sigcontext.h>
#include <asm/ucontext.h>

#endif
