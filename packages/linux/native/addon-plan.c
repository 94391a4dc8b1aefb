/* Plans and counts over all inodes, for JavaScript. */
#include "addon.h"
#include "count-rows.h"
#include "glue.h"
#include "plain-groups.h"
#include <stdlib.h>

/*
 * planPlain(handle, { spaces: Uint32Array [links, linkLimit, partsNames]…, held: BigUint64Array, words, others, fates }): { words, others }
 * Fills the three arrays as plain-groups.h has them, and says how many words and others there are.
 */
static napi_value plan_plain(napi_env env, napi_callback_info info) {
  size_t count = 2, size;
  napi_value arguments[2], result;
  napi_get_cb_info(env, info, &count, arguments, NULL, NULL);
  napi_value config = arguments[1];
  PlainGroups job = {.tree = &get_tree(env, arguments[0])->tree, .spaces = get_bytes_of(env, config, "spaces", &size)};
  job.held = get_bytes_of(env, config, "held", &size);
  job.held_count = size / sizeof *job.held;
  job.words = get_bytes_of(env, config, "words", &size);
  job.others = get_bytes_of(env, config, "others", &size);
  job.fates = get_bytes_of(env, config, "fates", &size);
  plain_groups(&job);
  napi_create_object(env, &result);
  set(env, result, "words", make_number(env, (double)job.word_count));
  set(env, result, "others", make_number(env, job.other_count));
  return result;
}

/*
 * countRows(handle, { fates: Uint8Array, states: Uint8Array | undefined, freed: Float64Array | undefined }): BigUint64Array bytes:
 * names by state, names by fate, then names unified and bytes freed by guest; count-rows.h
 */
static napi_value count_rows_call(napi_env env, napi_callback_info info) {
  size_t count = 2, size;
  napi_value arguments[2];
  napi_get_cb_info(env, info, &count, arguments, NULL, NULL);
  const Tree *tree = &get_tree(env, arguments[0])->tree;
  RowCounts *counts = calloc(1, sizeof *counts + tree->guest_count * sizeof counts->guest[0]);
  if (counts != NULL)
    count_rows(tree, get_bytes_of(env, arguments[1], "fates", &size), get_bytes_of(env, arguments[1], "states", &size), get_bytes_of(env, arguments[1], "freed", &size), counts);
  napi_value result = make_bytes(env, counts, counts == NULL ? 0 : sizeof *counts + tree->guest_count * sizeof counts->guest[0]);
  free(counts);
  return result;
}

void define_plan(napi_env env, napi_value exports) {
  define(env, exports, "planPlain", plan_plain);
  define(env, exports, "countRows", count_rows_call);
}
