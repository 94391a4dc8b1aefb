#include "glue.h"
#include "background.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

napi_value get(napi_env env, napi_value object, const char *key) {
  napi_value value = NULL;
  napi_get_named_property(env, object, key, &value);
  return value;
}

int64_t get_integer(napi_env env, napi_value object, const char *key) {
  int64_t number = 0;
  napi_get_value_int64(env, get(env, object, key), &number);
  return number;
}

bool get_flag(napi_env env, napi_value object, const char *key) {
  bool flag = false;
  napi_get_value_bool(env, get(env, object, key), &flag);
  return flag;
}

void *get_bytes(napi_env env, napi_value value, size_t *size) {
  void *data = NULL;
  bool is = false;
  *size = 0;
  if (value == NULL) return NULL;
  if (napi_is_arraybuffer(env, value, &is) == napi_ok && is) {
    napi_get_arraybuffer_info(env, value, &data, size);
    return data;
  }
  if (napi_is_buffer(env, value, &is) == napi_ok && is) { /* true for every view over an ArrayBuffer; the size is in bytes */
    napi_get_buffer_info(env, value, &data, size);
    return data;
  }
  return NULL;
}

void *get_bytes_of(napi_env env, napi_value object, const char *key, size_t *size) { return get_bytes(env, get(env, object, key), size); }

napi_value make_number(napi_env env, double value) {
  napi_value number;
  napi_create_double(env, value, &number);
  return number;
}

void set(napi_env env, napi_value object, const char *key, napi_value value) { napi_set_named_property(env, object, key, value); }

napi_value make_bytes(napi_env env, const void *data, size_t size) {
  napi_value buffer;
  void *copy;
  napi_create_arraybuffer(env, size, &copy, &buffer);
  if (size > 0) memcpy(copy, data, size);
  return buffer;
}

void define(napi_env env, napi_value exports, const char *name, napi_callback callback) {
  napi_value function;
  napi_create_function(env, name, NAPI_AUTO_LENGTH, callback, NULL, &function);
  napi_set_named_property(env, exports, name, function);
}

TreeBox *get_tree(napi_env env, napi_value handle) {
  void *box = NULL;
  napi_get_value_external(env, handle, &box);
  return box;
}

void release_tree(napi_env env, TreeBox *box) {
  if (--box->references > 0) return;
  tree_close(&box->tree);
  free(box);
}

static void release_handle(napi_env env, void *data, void *hint) { release_tree(env, data); }
static void release_view(napi_env env, void *data, void *hint) { release_tree(env, hint); }

napi_value make_tree(napi_env env, TreeBox *box) {
  napi_value handle;
  box->references++;
  napi_create_external(env, box, release_handle, NULL, &handle);
  return handle;
}

napi_value make_view(napi_env env, TreeBox *box, void *data, size_t size) {
  napi_value buffer;
  if (size == 0) return make_bytes(env, NULL, 0);
  box->references++;
  napi_create_external_arraybuffer(env, data, size, release_view, box, &buffer);
  return buffer;
}

napi_value make_error(napi_env env, int error, const char *call) {
  napi_value code, message, made;
  const char *name = strerrorname_np(error);
  char text[256];
  snprintf(text, sizeof text, "%s: %s", call, strerror(error));
  napi_create_string_utf8(env, name == NULL ? "EIO" : name, NAPI_AUTO_LENGTH, &code);
  napi_create_string_utf8(env, text, NAPI_AUTO_LENGTH, &message);
  napi_create_error(env, code, message, &made);
  return made;
}

void job_keep(napi_env env, Job *job, napi_value value) {
  if (value != NULL && job->kept_count < 8 && napi_create_reference(env, value, 1, &job->kept[job->kept_count]) == napi_ok) job->kept_count++;
}

static void execute(napi_env env, void *data) {
  Job *job = data;
  Priority before;
  bool background = job->control != NULL && atomic_load(&job->control->background) != 0;
  if (job->control != NULL) control_start(job->control);
  if (background) before = background_enter(job->changes);
  job->run(job);
  if (background) background_leave(&before);
}

static void complete(napi_env env, napi_status status, void *data) {
  Job *job = data;
  for (int at = 0; at < job->kept_count; at++) napi_delete_reference(env, job->kept[at]);
  if (job->error != 0) napi_reject_deferred(env, job->deferred, make_error(env, job->error, job->call));
  else napi_resolve_deferred(env, job->deferred, job->finish(env, job));
  napi_delete_async_work(env, job->work);
  job->release(env, job);
}

napi_value job_start(napi_env env, Job *job) {
  napi_value promise, name;
  napi_create_promise(env, &job->deferred, &promise);
  napi_create_string_utf8(env, job->call, NAPI_AUTO_LENGTH, &name);
  napi_create_async_work(env, NULL, name, execute, complete, job, &job->work);
  napi_queue_async_work(env, job->work);
  return promise;
}
