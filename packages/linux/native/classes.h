#pragma once
#include "candidates.h"

/* Groups rows by what must be equal before content is looked at; fills candidates. Returns 0 or ENOMEM. */
int classes_find(Tree *tree, const uint8_t *identity, bool ignore_mtime, Candidates *candidates);
void candidates_free(Candidates *candidates);
