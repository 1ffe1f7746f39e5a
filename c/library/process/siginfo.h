/* siginfo.h - siginfo_t as the kernel delivers it, and orders among them. */
#ifndef LB_SIGINFO_H
#define LB_SIGINFO_H

#include <stdbool.h>
#include <stdint.h>

#include "lb_wire.h"

#define LB_SIGURG 23
#define LB_SI_QUEUE (-1)
#define LB_SI_TIMER (-2)
#define LB_SI_TKILL (-6)
#define LB_SIGINFO_SIZE_RAW 128

struct lb_siginfo {
	int32_t signo, error, code, pad;
	union {
		struct {
			int32_t pid;
			uint32_t uid;
			uint64_t value;
		} queued;
		struct {
			int32_t id, overrun;
			uint64_t value;
		} timer;
		uint8_t bytes[LB_SIGINFO_SIZE_RAW - 16];
	};
};
_Static_assert(sizeof(struct lb_siginfo) == LB_SIGINFO_SIZE_RAW, "siginfo_t is 128 bytes");

static inline bool lb_is_order(const struct lb_siginfo *info)
{
	return info->code == LB_SI_QUEUE && info->error == LB_SIGNAL_MARK && info->queued.value >= LB_ORDER_ID_MIN;
}

#endif
