/* Changes of file systems for JavaScript. */
#include "addon.h"
#include "change-watch.h"
#include "glue.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* Closed by hand, or with its handle. */
typedef struct {
  ChangeWatch *watch;
} WatchBox;

static void close_box(WatchBox *box) {
  if (box->watch != NULL) change_watch_close(box->watch);
  box->watch = NULL;
}

static void release_box(napi_env env, void *data, void *hint) {
  close_box(data);
  free(data);
}

/* watchOpen({ directory, limit }): a handle */
static napi_value watch_open(napi_env env, napi_callback_info info) {
  size_t count = 1;
  napi_value config, handle;
  napi_get_cb_info(env, info, &count, &config, NULL, NULL);
  WatchBox *box = calloc(1, sizeof *box);
  int error = box == NULL ? ENOMEM : change_watch_open((int)get_integer(env, config, "directory"), (size_t)get_integer(env, config, "limit"), &box->watch);
  if (error) {
    free(box);
    napi_throw(env, make_error(env, error, "fanotify"));
    return NULL;
  }
  napi_create_external(env, box, release_box, NULL, &handle);
  return handle;
}

static WatchBox *get_box(napi_env env, napi_value handle) {
  void *box = NULL;
  napi_get_value_external(env, handle, &box);
  return box;
}

/* watchClose(handle) */
static napi_value watch_close(napi_env env, napi_callback_info info) {
  size_t count = 1;
  napi_value handle;
  napi_get_cb_info(env, info, &count, &handle, NULL, NULL);
  close_box(get_box(env, handle));
  return NULL;
}

typedef struct {
  Job job;
  WatchBox *box;
  int32_t *roots;
  size_t root_count;
  Changes changes;
} TakeJob;

static void take_run(Job *job) {
  TakeJob *own = (TakeJob *)job;
  job->error = own->box->watch == NULL || own->roots == NULL ? EBADF : change_watch_take(own->box->watch, own->roots, own->root_count, &own->changes);
}

static napi_value take_finish(napi_env env, Job *job) {
  const Changes *changes = &((TakeJob *)job)->changes;
  napi_value result;
  napi_create_object(env, &result);
  set(env, result, "state", make_number(env, changes->state));
  set(env, result, "entries", make_bytes(env, changes->entries, changes->length));
  return result;
}

static void take_release(napi_env env, Job *job) {
  free(((TakeJob *)job)->changes.entries);
  free(((TakeJob *)job)->roots);
  free(job);
}

/* watchTake(handle, roots: Int32Array): { state, entries }; the roots stay open until it is done */
static napi_value watch_take(napi_env env, napi_callback_info info) {
  size_t count = 2, size;
  napi_value arguments[2];
  napi_get_cb_info(env, info, &count, arguments, NULL, NULL);
  TakeJob *job = calloc(1, sizeof *job);
  if (job == NULL) return NULL;
  job->job = (Job){.run = take_run, .finish = take_finish, .release = take_release, .call = "changes"};
  job_keep(env, &job->job, arguments[0]);
  job->box = get_box(env, arguments[0]);
  const void *roots = get_bytes(env, arguments[1], &size);
  job->roots = malloc(size + 1);
  if (job->roots != NULL && size > 0) memcpy(job->roots, roots, size);
  job->root_count = size / sizeof *job->roots;
  return job_start(env, &job->job);
}

void define_watch(napi_env env, napi_value exports) {
  define(env, exports, "watchOpen", watch_open);
  define(env, exports, "watchClose", watch_close);
  define(env, exports, "watchTake", watch_take);
}
