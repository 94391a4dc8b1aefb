/* Single calls on open files that Node lacks. All synchronous and short. */
#include "addon.h"
#include "attributes.h"
#include "glue.h"
#include <errno.h>
#include <sys/file.h>
#include <sys/stat.h>

static int descriptor(napi_env env, napi_callback_info info, bool *flag) {
  size_t count = 2;
  napi_value arguments[2];
  int32_t fd = -1;
  napi_get_cb_info(env, info, &count, arguments, NULL, NULL);
  napi_get_value_int32(env, arguments[0], &fd);
  *flag = false;
  if (count > 1) napi_get_value_bool(env, arguments[1], flag);
  return fd;
}

static napi_value boolean(napi_env env, bool value) {
  napi_value result;
  napi_get_boolean(env, value, &result);
  return result;
}

static napi_value throw(napi_env env, int error, const char *call) {
  napi_throw(env, make_error(env, error, call));
  return NULL;
}

/* tryLock(fd): whether this open file now holds the exclusive flock */
static napi_value try_lock(napi_env env, napi_callback_info info) {
  bool flag;
  int fd = descriptor(env, info, &flag);
  if (flock(fd, LOCK_EX | LOCK_NB) == 0) return boolean(env, true);
  return errno == EWOULDBLOCK ? boolean(env, false) : throw(env, errno, "flock");
}

/* setImmutable(fd, on): whether it was set before */
static napi_value set_immutable(napi_env env, napi_callback_info info) {
  bool on;
  int fd = descriptor(env, info, &on), was = 0, error = immutable_set(fd, on, &was);
  return error ? throw(env, error, "immutable flag") : boolean(env, was != 0);
}

/* setModified(fd, ns: bigint): the access time stays */
static napi_value set_modified(napi_env env, napi_callback_info info) {
  size_t count = 2;
  napi_value arguments[2];
  int32_t fd = -1;
  int64_t ns = 0;
  bool lossless;
  napi_get_cb_info(env, info, &count, arguments, NULL, NULL);
  napi_get_value_int32(env, arguments[0], &fd);
  napi_get_value_bigint_int64(env, arguments[1], &ns, &lossless);
  int64_t part = ns % 1000000000;
  struct timespec times[2] = {{.tv_nsec = UTIME_OMIT}, {.tv_sec = ns / 1000000000 - (part < 0), .tv_nsec = part < 0 ? part + 1000000000 : part}};
  return futimens(fd, times) == 0 ? NULL : throw(env, errno, "futimens");
}

void define_file(napi_env env, napi_value exports) {
  define(env, exports, "tryLock", try_lock);
  define(env, exports, "setImmutable", set_immutable);
  define(env, exports, "setModified", set_modified);
}
