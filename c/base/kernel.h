/* kernel.h - the kernel's numbers that older headers of it lack. */
#ifndef LB_KERNEL_H
#define LB_KERNEL_H

#include <asm/prctl.h>
#include <asm/unistd.h>
#include <linux/membarrier.h>
#include <linux/mman.h>
#include <linux/prctl.h>

#ifndef MAP_FIXED_NOREPLACE
#define MAP_FIXED_NOREPLACE 0x100000 /* Linux 4.17 */
#endif
#ifndef MADV_POPULATE_WRITE
#define MADV_POPULATE_WRITE 23 /* Linux 5.14 */
#endif
#ifndef MADV_GUARD_INSTALL
#define MADV_GUARD_INSTALL 102 /* Linux 6.13 */
#endif
#ifndef __NR_mseal
#define __NR_mseal 462 /* Linux 6.10 */
#endif
#ifndef PR_GET_MDWE
#define PR_GET_MDWE 66 /* Linux 6.3 */
#endif
#ifndef PR_SET_MEMORY_MERGE
#define PR_SET_MEMORY_MERGE 67 /* Linux 6.4 */
#define PR_GET_MEMORY_MERGE 68
#endif
#ifndef PR_GET_AUXV
#define PR_GET_AUXV 0x41555856 /* Linux 6.4 */
#endif
#ifndef ARCH_SHSTK_ENABLE
#define ARCH_SHSTK_ENABLE 0x5001 /* Linux 6.6 */
#endif
#ifndef PR_TIMER_CREATE_RESTORE_IDS
#define PR_TIMER_CREATE_RESTORE_IDS 77 /* Linux 6.15 */
#define PR_TIMER_CREATE_RESTORE_IDS_OFF 0
#define PR_TIMER_CREATE_RESTORE_IDS_ON 1
#define PR_TIMER_CREATE_RESTORE_IDS_GET 2
#endif
/* Modes of files: linux/stat.h has none for a program with a C library. */
#define LB_S_IFMT 0170000
#define LB_S_IFDIR 0040000
#define LB_S_IFREG 0100000
/* enum membarrier_cmd, Linux 6.3. */
#define LB_MEMBARRIER_GET_REGISTRATIONS (1 << 9)

#endif
