/* The journal of breaks: one JSON object a line in <state>/breaks.jsonl and to every watcher of the socket, so
 * that the engine knows a broken link without scanning again; and the figures of `status`. */
#ifndef SAMEPAGE_JOURNAL_H
#define SAMEPAGE_JOURNAL_H

#include <stddef.h>
#include "fair-queue.h"
#include "link-break.h"

/* 0, or -1 with errno. */
int journal_start(const char *state_directory);

void journal_break(const struct job *job, const struct break_result *result);

/* A mark dropped in place, or a lock taken on a shared inode. */
void journal_note(const struct guard_event *event);

/* A watcher gets every line from now on; one that does not read loses lines, never delays a break. */
void journal_watch(int descriptor);
void journal_unwatch(int descriptor);

/* Breaks since start, failures and latency in microseconds from hook to answer, as members of a JSON object. */
int journal_figures(char *text, size_t size);

#endif
