/* Shared extents for JavaScript. */
#include "addon.h"
#include "dedupe.h"
#include "glue.h"
#include <stdlib.h>

typedef struct {
  Job job;
  TreeBox *box;
  Dedupe dedupe;
} DedupeJob;

static void run_measure(Job *job) { job->error = dedupe_measure(&((DedupeJob *)job)->dedupe); }
static void run_dedupe(Job *job) { job->error = dedupe_run(&((DedupeJob *)job)->dedupe); }

static napi_value finish(napi_env env, Job *job) {
  DedupeJob *own = (DedupeJob *)job;
  return make_bytes(env, own->dedupe.results, own->box->tree.candidates->inode_count * sizeof(DedupeResult));
}

static void release(napi_env env, Job *job) {
  free(((DedupeJob *)job)->dedupe.results);
  release_tree(env, ((DedupeJob *)job)->box);
  free(job);
}

/* (tree, { control, words: Uint32Array, threads }): results by inode */
static napi_value start(napi_env env, napi_callback_info info, const char *call, bool changes, void (*run)(Job *)) {
  size_t count = 2, size;
  napi_value arguments[2];
  napi_get_cb_info(env, info, &count, arguments, NULL, NULL);
  napi_value config = arguments[1], control = get(env, config, "control"), words = get(env, config, "words");
  DedupeJob *job = calloc(1, sizeof *job);
  if (job == NULL) return NULL;
  job->job = (Job){.run = run, .finish = finish, .release = release, .call = call, .changes = changes, .control = get_bytes(env, control, &size)};
  job_keep(env, &job->job, control);
  job_keep(env, &job->job, words);
  job->box = get_tree(env, arguments[0]);
  job->box->references++;
  job->dedupe = (Dedupe){.tree = &job->box->tree, .control = job->job.control, .words = get_bytes(env, words, &size), .threads = (uint32_t)get_integer(env, config, "threads")};
  job->dedupe.count = size / sizeof(uint32_t);
  job->dedupe.results = calloc(job->box->tree.candidates->inode_count + 1, sizeof(DedupeResult));
  return job_start(env, &job->job);
}

static napi_value measure_extents(napi_env env, napi_callback_info info) { return start(env, info, "fiemap", false, run_measure); }
static napi_value dedupe(napi_env env, napi_callback_info info) { return start(env, info, "dedupe", true, run_dedupe); }

void define_dedupe(napi_env env, napi_value exports) {
  define(env, exports, "measureExtents", measure_extents);
  define(env, exports, "dedupe", dedupe);
}
