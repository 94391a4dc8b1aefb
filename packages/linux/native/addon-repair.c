/* Private copies, and settling what an interrupted run left, for JavaScript. */
#include "addon.h"
#include "glue.h"
#include "privatize.h"
#include "recover.h"
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

typedef struct {
  Job job;
  TreeBox *box;
  Privatize privatize;
} PrivatizeJob;

static void privatize_job(Job *job) { job->error = privatize_run(&((PrivatizeJob *)job)->privatize); }

static napi_value privatize_finish(napi_env env, Job *job) {
  PrivatizeJob *own = (PrivatizeJob *)job;
  napi_value result;
  napi_create_object(env, &result);
  set(env, result, "results", make_bytes(env, own->privatize.results, own->privatize.file_count * sizeof(PrivateResult)));
  set(env, result, "copied", make_number(env, (double)atomic_load(&own->privatize.copied)));
  return result;
}

static void privatize_release(napi_env env, Job *job) {
  PrivatizeJob *own = (PrivatizeJob *)job;
  free(own->privatize.results);
  free(own->privatize.starts);
  release_tree(env, own->box);
  free(own);
}

/* privatize(tree, { control, files: Uint32Array, quarantine, journal, threads }) */
static napi_value privatize(napi_env env, napi_callback_info info) {
  size_t count = 2, size;
  napi_value arguments[2];
  napi_get_cb_info(env, info, &count, arguments, NULL, NULL);
  napi_value config = arguments[1], control = get(env, config, "control"), files = get(env, config, "files");
  PrivatizeJob *job = calloc(1, sizeof *job);
  if (job == NULL) return NULL;
  job->job = (Job){.run = privatize_job, .finish = privatize_finish, .release = privatize_release, .call = "deunify", .changes = true, .control = get_bytes(env, control, &size)};
  job_keep(env, &job->job, control);
  job_keep(env, &job->job, files);
  job->box = get_tree(env, arguments[0]);
  job->box->references++;
  Privatize *own = &job->privatize;
  *own = (Privatize){
      .tree = &job->box->tree,
      .control = job->job.control,
      .quarantine = (int)get_integer(env, config, "quarantine"),
      .journal = (int)get_integer(env, config, "journal"),
      .threads = (uint32_t)get_integer(env, config, "threads"),
      .files = get_bytes(env, files, &size),
  };
  own->file_words = size / sizeof(uint32_t);
  for (size_t at = 0; at < own->file_words; at += 2 + own->files[at]) own->file_count++;
  own->results = calloc(own->file_count + 1, sizeof *own->results);
  own->starts = calloc(own->file_count + 1, sizeof *own->starts);
  return job_start(env, &job->job);
}

typedef struct {
  Job job;
  Recover recover;
} RecoverJob;

static void recover_job(Job *job) { job->error = recover_run(&((RecoverJob *)job)->recover); }

static napi_value recover_finish(napi_env env, Job *job) {
  Recover *recover = &((RecoverJob *)job)->recover;
  napi_value result;
  napi_create_object(env, &result);
  set(env, result, "restored", make_number(env, recover->restored));
  set(env, result, "completed", make_number(env, recover->completed));
  set(env, result, "pending", make_number(env, recover->pending));
  set(env, result, "damaged", make_bytes(env, recover->damaged, recover->damaged_size));
  return result;
}

static void recover_release(napi_env env, Job *job) {
  free(((RecoverJob *)job)->recover.damaged);
  free(job);
}

/* recover({ quarantine, roots: Int32Array, journal: Uint8Array, ended: bigint }): the descriptors stay open until it resolves */
static napi_value recover(napi_env env, napi_callback_info info) {
  size_t count = 1, size;
  napi_value config;
  bool lossless;
  napi_get_cb_info(env, info, &count, &config, NULL, NULL);
  RecoverJob *job = calloc(1, sizeof *job);
  if (job == NULL) return NULL;
  job->job = (Job){.run = recover_job, .finish = recover_finish, .release = recover_release, .call = "recover", .changes = true};
  napi_value roots = get(env, config, "roots"), journal = get(env, config, "journal");
  job_keep(env, &job->job, roots);
  job_keep(env, &job->job, journal);
  job->recover.quarantine = (int)get_integer(env, config, "quarantine");
  job->recover.roots = get_bytes(env, roots, &size);
  job->recover.root_count = (uint32_t)(size / sizeof(int));
  job->recover.journal = get_bytes(env, journal, &job->recover.journal_size);
  napi_get_value_bigint_int64(env, get(env, config, "ended"), &job->recover.ended, &lossless);
  return job_start(env, &job->job);
}

void define_repair(napi_env env, napi_value exports) {
  define(env, exports, "privatize", privatize);
  define(env, exports, "recover", recover);
}
