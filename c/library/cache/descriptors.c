/* descriptors.c - State of the program's descriptors away from home.
 *
 * It is known to which the program may write before home has executed it, from which it may read ahead, and where its
 * offsets are. When that knowledge ends: invalidation.c.
 *
 * Runs in:  the SIGSYS handler, all signals blocked; what patch/answers.c calls, at patched sites too.
 *
 * Writing behind, and putting an offset somewhere (lseek(2), SEEK_SET), need no care for others, as every call that
 * goes home goes behind them. Where an offset is can be told only of a file that this process has opened away, whose
 * offset nobody else has: then nobody else can move it. Of others it holds as long as what was read there
 * (read_ahead.c).
 */
#include "cache/descriptors.h"

#include "mem.h"

#include "cache/known.h"
#include "cache/read_ahead.h"
#include "cache/stat.h"
#include "home_call/request.h"
#include "process/own_memory.h"
#include "image/mapped.h"

static void set_grants(struct lb_file *file, uint32_t grants)
{
	lb_known()->write_grants -= (file->grants & LB_GRANT_WRITE) != 0;
	/* The reserve at home is for so many. */
	if (lb_known()->write_grants >= LB_GRANTS_MAX)
		grants &= ~LB_GRANT_WRITE;
	lb_known()->write_grants += (grants & LB_GRANT_WRITE) != 0;
	file->grants = (uint8_t)grants;
}

void lb_files_forget(uint64_t fd)
{
	struct lb_file *file = lb_known_file(fd);

	if (file == NULL)
		return;
	if (file->ahead_slot != 0)
		lb_ahead_release(file);
	set_grants(file, 0);
	lb_status_forget(fd);
	memset(file, 0, sizeof(*file));
}

void lb_files_revoke(void)
{
	uint64_t fd;

	for (fd = 0; lb_ring() != NULL && fd < LB_FILES; fd++) {
		set_grants(lb_known_file(fd), lb_known_file(fd)->grants & ~LB_GRANT_WRITE);
		lb_known_file(fd)->transfers = 0;
	}
}

void lb_files_failed(int32_t fd)
{
	struct lb_file *file = lb_known_file((uint32_t)fd);

	if (file == NULL)
		return;
	set_grants(file, file->grants & ~LB_GRANT_WRITE);
	file->offset_known = 0; /* it is before what was not written */
}

bool lb_files_is_exclusive(const struct lb_file *file)
{
	return file->unshared && !file->duplicated;
}

void lb_files_moved(struct lb_file *file, uint64_t offset)
{
	file->offset = offset;
	file->offset_known = lb_known()->moves + 1;
}

bool lb_files_offset(const struct lb_file *file, uint64_t *offset)
{
	const struct lb_ahead *ahead = lb_ahead_of(file);

	if (ahead != NULL && !lb_ahead_slot(file)->placed) {
		*offset = lb_ahead_slot(file)->offset + ahead->at;
		return lb_files_is_exclusive(file) || !lb_ahead_is_old(file);
	}
	*offset = file->offset;
	return lb_files_is_exclusive(file) && file->offset_known == lb_known()->moves + 1;
}

/* Descriptors that were there before the last fork have offsets that others may move at any time. */
static bool forked;

void lb_files_fork(void)
{
	uint64_t fd;

	lb_ahead_drop_all();
	forked = true;
	for (fd = 0; lb_ring() != NULL && fd < LB_FILES; fd++) {
		lb_known_file(fd)->unshared = false;
		lb_known_file(fd)->grants &= (uint8_t)~LB_GRANT_OFFSET;
	}
}

/* Two halves, so that one can be on its way home while the other is filled. */
bool lb_files_scatter(uint32_t unit)
{
	struct lb_known *known = lb_known();
	const struct lb_ring *ring = lb_ring();
	uint64_t wanted = (uint64_t)LB_SCATTER_BLOCKS * unit;

	if (unit == 0 || wanted > LB_SCATTER_MAX / 2)
		return false;
	if (ring->applied == ring->head)
		known->scattered = 0;
	if (known->scattered + wanted > LB_SCATTER_MAX / 2) {
		if (ring->applied < known->scatter_at)
			return false;
		known->scatter_at = ring->head;
		known->scattered = 0;
	}
	known->scattered += wanted;
	return true;
}

/* ---- grants ---- */

void lb_files_learn(struct lb_file *file, const struct lb_home_file *answer)
{
	uint32_t grants = answer->grants;

	file->device = answer->device;
	file->inode = answer->inode;
	file->offset_max = answer->offset_max;
	file->unit = answer->unit;
	file->appends = answer->appends != 0;
	file->is_regular = answer->is_regular != 0;
	if (file->duplicated || (forked && !file->unshared))
		grants &= ~LB_GRANT_OFFSET;
	if (file->inode != 0 &&
		lb_mapped_find(LB_DEVICE(file->device), file->inode)) /* it is to show there: mapped_writes.c */
		grants &= ~LB_GRANT_WRITE;
	set_grants(file, grants);
	if (answer->is_regular && lb_files_is_exclusive(file))
		lb_files_moved(file, answer->offset);
}

void lb_files_mapped(uint64_t device, uint64_t inode)
{
	uint64_t fd;

	for (fd = 0; lb_ring() != NULL && fd < LB_FILES; fd++)
		if (lb_known_file(fd)->device == device && lb_known_file(fd)->inode == inode)
			set_grants(lb_known_file(fd), lb_known_file(fd)->grants & ~LB_GRANT_WRITE);
}

static void ask(uint64_t fd, struct lb_file *file)
{
	struct lb_request request = { .number = LB_HOME_FILE };
	struct lb_home_file answer;

	lb_request_value(&request, 0, fd);
	lb_request_memory(&request, 1, LB_ARG_OUT, (uint64_t)&answer, sizeof(answer));
	if (lb_request_run(&request) == 0)
		lb_files_learn(file, &answer);
}

/* The second transfer of a regular file asks: many files see only one. */
void lb_files_count_transfer(uint64_t fd)
{
	struct lb_file *file = lb_known_file(fd);

	if (file == NULL || file->transfers > 1)
		return;
	file->transfers++;
	if (file->transfers == 2)
		ask(fd, file);
}

/* ---- what ends a part of it ---- */

void lb_files_shared(uint64_t fd)
{
	struct lb_file *file = lb_known_file(fd);

	if (file == NULL)
		return;
	if (file->ahead_slot != 0)
		lb_ahead_release(file);
	file->duplicated = true;
	file->grants &= (uint8_t)~LB_GRANT_OFFSET;
}

/* F_SETFL is about all descriptors that were made of one. */
void lb_files_forget_flags(uint64_t fd)
{
	const struct lb_file *file = lb_known_file(fd);
	uint64_t number;

	for (number = 0; file != NULL && number < LB_FILES; number++) {
		struct lb_file *other = lb_known_file(number);

		if (!other->duplicated && (other->inode != file->inode || other->device != file->device))
			continue;
		set_grants(other, 0);
		other->transfers = 0;
	}
	lb_files_forget(fd);
}
