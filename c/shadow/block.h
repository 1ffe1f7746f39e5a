/* block.h - A system call that a signal can keep from being made. */
#ifndef LB_SHADOW_BLOCK_H
#define LB_SHADOW_BLOCK_H

#include <signal.h>
#include <stdint.h>
#include <ucontext.h>

/* Runs in workers, too, which have no thread-local storage: nothing there may look for one. */
#define LB_BARE __attribute__((no_sanitize("address", "undefined")))

/* arguments: number, and six. LB_NOT_MADE, and no effect, when `stop` is set before the call is made. */
#define LB_NOT_MADE (-512) /* ERESTARTSYS, which no call returns: include/linux/errno.h, Linux 6.12 */
int64_t lb_block(volatile sig_atomic_t *stop, const int64_t *arguments);
/* In a handler that has set `stop`: where the call is about to be made, it will not be. */
void lb_block_stop(ucontext_t *context);

#endif
