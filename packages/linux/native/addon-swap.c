/* Applying a plan of link swaps for JavaScript: one handle over several steps. */
#include "addon.h"
#include "glue.h"
#include "journal.h"
#include "swap.h"
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

typedef struct {
  Swap swap;
  TreeBox *box;
  napi_ref plan, control;
} SwapBox;

static void swap_box_free(napi_env env, void *data, void *hint) {
  SwapBox *box = data;
  swap_close(&box->swap);
  release_tree(env, box->box);
  napi_delete_reference(env, box->plan);
  napi_delete_reference(env, box->control);
  free(box);
}

/* swapOpen(tree, { control, plan: Uint32Array, spaces: [{ pool, quarantine, tag, guard, graceMs, sharesExtents }], ignoreMtime, threads }) */
static napi_value swap_open_call(napi_env env, napi_callback_info info) {
  size_t count = 2, size;
  napi_value arguments[2], handle;
  napi_get_cb_info(env, info, &count, arguments, NULL, NULL);
  napi_value config = arguments[1], plan = get(env, config, "plan"), control = get(env, config, "control"), spaces = get(env, config, "spaces");
  SwapBox *box = calloc(1, sizeof *box);
  if (box == NULL) return NULL;
  box->box = get_tree(env, arguments[0]);
  box->box->references++;
  napi_create_reference(env, plan, 1, &box->plan);
  napi_create_reference(env, control, 1, &box->control);
  Swap *swap = &box->swap;
  swap->tree = &box->box->tree;
  swap->control = get_bytes(env, control, &size);
  swap->plan = get_bytes(env, plan, &size);
  swap->plan_words = size / sizeof(uint32_t);
  swap->ignore_mtime = get_flag(env, config, "ignoreMtime");
  swap->threads = (uint32_t)get_integer(env, config, "threads");
  napi_get_array_length(env, spaces, &swap->space_count);
  swap->spaces = calloc(swap->space_count + 1, sizeof *swap->spaces);
  for (uint32_t at = 0; at < swap->space_count; at++) {
    napi_value each;
    napi_get_element(env, spaces, at, &each);
    int pool = (int)get_integer(env, each, "pool"), quarantine = (int)get_integer(env, each, "quarantine");
    swap->spaces[at] = (SwapSpace){
        .pool = pool < 0 ? -1 : fcntl(pool, F_DUPFD_CLOEXEC, 3),
        .quarantine = quarantine < 0 ? -1 : fcntl(quarantine, F_DUPFD_CLOEXEC, 3),
        .tag = (uint32_t)get_integer(env, each, "tag"),
        .guard = (uint32_t)get_integer(env, each, "guard"),
        .shares_extents = get_flag(env, each, "sharesExtents"),
        .grace_ns = get_integer(env, each, "graceMs") * 1000000,
    };
  }
  int error = swap_open(swap);
  napi_create_external(env, box, swap_box_free, NULL, &handle);
  if (error) napi_throw(env, make_error(env, error, "swap"));
  return handle;
}

typedef struct {
  Job job;
  SwapBox *box;
  uint32_t from, to;
  int journal;
} StepJob;

static void run_step(Job *job) {
  StepJob *step = (StepJob *)job;
  job->error = swap_run(&step->box->swap, step->from, step->to);
}

static void prepare_step(Job *job) {
  StepJob *step = (StepJob *)job;
  swap_prepare(&step->box->swap, step->from, step->to);
}

/* A durable file is never replaced by one whose data is not on disk: everything is written back before the first exchange. */
static void journal_step(Job *job) {
  StepJob *step = (StepJob *)job;
  if (syncfs(step->journal) != 0) job->error = errno;
  if (job->error == 0) job->error = swap_journal(&step->box->swap, step->journal);
}

static napi_value finish_nothing(napi_env env, Job *job) {
  napi_value nothing;
  napi_get_undefined(env, &nothing);
  return nothing;
}

/* The descriptors of the prepared groups, -errno where one could not be had. */
static napi_value finish_prepare(napi_env env, Job *job) {
  StepJob *step = (StepJob *)job;
  return make_bytes(env, step->box->swap.canonical + step->from, (step->to - step->from) * sizeof(int));
}

static void release_step(napi_env env, Job *job) { free(job); }

static napi_value start_step(napi_env env, napi_callback_info info, const char *call, void (*run)(Job *), napi_value (*finish)(napi_env, Job *)) {
  size_t count = 2;
  napi_value arguments[2];
  void *box = NULL;
  napi_get_cb_info(env, info, &count, arguments, NULL, NULL);
  napi_get_value_external(env, arguments[0], &box);
  StepJob *step = calloc(1, sizeof *step);
  if (step == NULL) return NULL;
  step->box = box;
  step->job = (Job){.run = run, .finish = finish, .release = release_step, .call = call, .changes = true, .control = step->box->swap.control};
  step->from = (uint32_t)get_integer(env, arguments[1], "from");
  step->to = (uint32_t)get_integer(env, arguments[1], "to");
  step->journal = (int)get_integer(env, arguments[1], "journal");
  job_keep(env, &step->job, arguments[0]);
  return job_start(env, &step->job);
}

static napi_value swap_journal_call(napi_env env, napi_callback_info info) { return start_step(env, info, "journal", journal_step, finish_nothing); }
static napi_value swap_prepare_call(napi_env env, napi_callback_info info) { return start_step(env, info, "prepare", prepare_step, finish_prepare); }
static napi_value swap_run_call(napi_env env, napi_callback_info info) { return start_step(env, info, "swap", run_step, finish_nothing); }

/* The box behind the only argument. */
static SwapBox *box_of(napi_env env, napi_callback_info info) {
  size_t count = 1;
  napi_value handle;
  void *data = NULL;
  napi_get_cb_info(env, info, &count, &handle, NULL, NULL);
  napi_get_value_external(env, handle, &data);
  return data;
}

/* swapResults(handle): Uint32Array bytes, [freed blocks of 512, state] by inode */
static napi_value swap_results(napi_env env, napi_callback_info info) {
  SwapBox *box = box_of(env, info);
  return make_bytes(env, box->swap.results, box->box->tree.candidates->inode_count * sizeof(SwapResult));
}

/* swapExposed(handle): Uint8Array bytes, by group 1 where a guest's name led to the canonical inode */
static napi_value swap_exposed(napi_env env, napi_callback_info info) {
  SwapBox *box = box_of(env, info);
  return make_bytes(env, box->swap.exposed, box->swap.group_count);
}

/* swapLetGo(handle): gives all descriptors back; the results stay. */
static napi_value swap_let_go_call(napi_env env, napi_callback_info info) {
  swap_let_go(&box_of(env, info)->swap);
  return NULL;
}

void define_swap(napi_env env, napi_value exports) {
  define(env, exports, "swapOpen", swap_open_call);
  define(env, exports, "swapJournal", swap_journal_call);
  define(env, exports, "swapPrepare", swap_prepare_call);
  define(env, exports, "swapRun", swap_run_call);
  define(env, exports, "swapResults", swap_results);
  define(env, exports, "swapExposed", swap_exposed);
  define(env, exports, "swapLetGo", swap_let_go_call);
}
