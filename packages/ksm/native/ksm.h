/* Kernel numbers that older libc headers lack, with the kernel that brought them. */
#ifndef SAMEPAGE_KSM_H
#define SAMEPAGE_KSM_H

#define KSM_PR_SET_MEMORY_MERGE 67 /* Linux 6.4 */
#define KSM_PR_GET_MEMORY_MERGE 68
#define KSM_MADV_MERGEABLE 12
#define KSM_MADV_UNMERGEABLE 13

#endif
