/* entries.c - where the kernel, or the restorer, enters this library. */
#include "entry/resume.h"
#include "entry/sigsys.h"
#include "entry/trigger.h"
#include "entry/signal_entry.h"
#include "patch/sites.h"
#include "process/entries.h"

const struct lb_entries lb_entries = {
	.trigger = lb_trigger_entry,
	.signal = lb_signal_entry,
	.sigsys = lb_sigsys_entry,
	.traps = lb_site_traps,
	.traps_size = LB_SITES * LB_STUB_SIZE,
	.resume = lb_resume_entry,
};
