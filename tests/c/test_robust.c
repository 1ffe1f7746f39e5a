/* test_robust.c - Robust locks of a thread that ends. Whoever waits hears it.
 * Units: c/library/process/{robust,self}.c c/library/thread/threads.c c/base/mem.c
 */
#include <linux/futex.h>
#include <stddef.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "check.h"
#include "library/process/robust.h"

#define TID 4242u
#define OTHER 4243u

/* A lock as C libraries have them: its entry in the list, and its word behind that. */
struct lock {
	struct robust_list entry;
	uint32_t word;
};
#define OFFSET ((long)offsetof(struct lock, word))
#define AT(pointer) ((struct robust_list *)(pointer))

static struct robust_list_head head;

/* A list of these locks. */
static void list(struct lock *locks, unsigned count)
{
	head = (struct robust_list_head){ .futex_offset = OFFSET };
	head.list.next = count > 0 ? &locks[0].entry : &head.list;
	for (unsigned i = 0; i < count; i++)
		locks[i].entry.next = i + 1 < count ? &locks[i + 1].entry : &head.list;
}

static void end(void)
{
	lb_robust_end((uint64_t)&head, TID);
}

static void test_locks_of_the_thread_say_that_their_owner_has_died(void)
{
	struct lock locks[] = { { .word = TID }, { .word = OTHER }, { .word = TID | FUTEX_WAITERS }, { .word = 0 } };
	list(locks, 4);
	end();
	CHECK_EQUAL(locks[0].word, FUTEX_OWNER_DIED);
	CHECK_EQUAL(locks[1].word, OTHER);
	CHECK_EQUAL(locks[2].word, FUTEX_OWNER_DIED | FUTEX_WAITERS);
	CHECK_EQUAL(locks[3].word, 0);
}

static void test_who_waits_is_woken(void)
{
	struct lock *lock = mmap(NULL, sizeof *lock, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	lock->word = TID | FUTEX_WAITERS;
	list(lock, 1);
	pid_t waiter = fork();
	if (waiter == 0)
		_exit(syscall(SYS_futex, &lock->word, FUTEX_WAIT, TID | FUTEX_WAITERS, NULL) == 0 ? 0 : 1);
	usleep(50000);
	end();
	int status = -1;
	CHECK(waitpid(waiter, &status, 0) == waiter);
	CHECK(lock->word == (FUTEX_OWNER_DIED | FUTEX_WAITERS));
	/* Where all is slow it has come too late to wait. */
	CHECK(WIFEXITED(status));
	CHECK(munmap(lock, sizeof *lock) == 0);
}

static void test_one_that_was_about_to_be_taken_counts_once(void)
{
	struct lock locks[] = { { .word = TID }, { .word = TID } }, free = { .word = FUTEX_WAITERS };
	list(locks, 1);
	head.list_op_pending = &locks[1].entry;
	end();
	CHECK_EQUAL(locks[0].word, FUTEX_OWNER_DIED);
	CHECK_EQUAL(locks[1].word, FUTEX_OWNER_DIED);
	list(locks, 0);
	head.list_op_pending = &free.entry;
	end();
	CHECK_EQUAL(free.word, FUTEX_WAITERS);
}

static void test_marks_of_priority_inheritance_are_no_part_of_an_address(void)
{
	struct lock locks[] = { { .word = TID }, { .word = TID } };
	list(locks, 2);
	head.list.next = AT((uint64_t)&locks[0].entry | 1);
	locks[0].entry.next = AT((uint64_t)&locks[1].entry | 1);
	end();
	CHECK_EQUAL(locks[0].word, FUTEX_OWNER_DIED);
	CHECK_EQUAL(locks[1].word, FUTEX_OWNER_DIED);
}

static void test_lists_that_lead_nowhere_end(void)
{
	struct lock lock = { .word = TID };
	uint8_t *gone = mmap(NULL, 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	list(&lock, 1);
	lock.entry.next = &lock.entry;
	end();
	CHECK_EQUAL(lock.word, FUTEX_OWNER_DIED);
	lock.word = TID;
	lock.entry.next = AT(gone);
	end();
	CHECK_EQUAL(lock.word, FUTEX_OWNER_DIED);
	head.list.next = AT(gone);
	end();
	lb_robust_end((uint64_t)gone, TID);
	lb_robust_end(0, TID);
	CHECK(munmap(gone, 4096) == 0);
}

int main(void)
{
	run_case("locks of the thread say that their owner has died",
		test_locks_of_the_thread_say_that_their_owner_has_died);
	run_case("who waits for one is woken", test_who_waits_is_woken);
	run_case("one that was about to be taken or given back counts, once",
		test_one_that_was_about_to_be_taken_counts_once);
	run_case("marks of priority inheritance are no part of an address",
		test_marks_of_priority_inheritance_are_no_part_of_an_address);
	run_case("lists that lead nowhere end", test_lists_that_lead_nowhere_end);
	return 0;
}
