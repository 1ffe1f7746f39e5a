/* deferred.h - Signals that come while a call is answered at a patched site. */
#ifndef LB_DEFERRED_H
#define LB_DEFERRED_H

#include <stdbool.h>
#include <stdint.h>

#include "process/process.h"
#include "thread/siginfo.h"

struct ucontext; /* asm/ucontext.h */

/* A signal has come. True: a call is being answered at a patched site; the signal will come again afterwards. */
bool lb_signal_defer(int signal, const siginfo_t *info, struct ucontext *context) LB_HIDDEN;
/* What site_entry.S calls when that call is over: the mask under which what was deferred is delivered. */
void lb_deferred_take(uint64_t *mask) LB_HIDDEN;
/* In a restored process: no call is being answered. */
void lb_fast_reset(void) LB_HIDDEN;

#endif
