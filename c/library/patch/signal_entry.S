/* signal_entry.S - the kernel's way into signal_entry.c. */
#include "patch/signal_handler.h"

	SIGNAL_HANDLER lb_signal_entry, lb_signal_arrived
