#pragma once
/* What became of a row or of a swap. Order is the contract with JavaScript (row-state.ts). */
enum {
  STATE_NEW,
  STATE_UNIQUE,
  STATE_ALREADY,
  STATE_IMMUTABLE,
  STATE_APPEND_ONLY,
  STATE_OUTSIDE_LINK,
  STATE_CHANGED,
  STATE_BUSY,
  STATE_LINK_LIMIT,
  STATE_UNSUPPORTED,
  STATE_ERROR,
  STATE_DONE,
  STATE_STOPPED,
  STATE_NOT_IN_TEMPLATE, /* set from JavaScript, with a space that takes no part */
  STATES
};
/* From here on a row's state is the index of its inode among the candidates. */
#define STATE_CANDIDATE 256u
