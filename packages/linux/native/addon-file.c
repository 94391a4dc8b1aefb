/* Single calls on open files that Node lacks. All synchronous and short. */
#include "addon.h"
#include "attributes.h"
#include "background.h"
#include "glue.h"
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

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

/* directoryIdentity(path): "major:minor:inode", or undefined where it cannot be looked at */
static napi_value directory_identity(napi_env env, napi_callback_info info) {
  size_t count = 1;
  napi_value argument, result;
  char path[PATH_MAX], identity[48];
  napi_get_cb_info(env, info, &count, &argument, NULL, NULL);
  napi_get_undefined(env, &result);
  /* A text that was cut would be another path. */
  size_t length = 0;
  if (napi_get_value_string_utf8(env, argument, path, sizeof path, &length) != napi_ok || length + 1 == sizeof path) return result;
  int fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
  struct statx found;
  if (fd < 0) return result;
  int error = statx(fd, "", AT_EMPTY_PATH | AT_STATX_DONT_SYNC, STATX_INO, &found);
  close(fd);
  if (error) return result;
  snprintf(identity, sizeof identity, "%u:%u:%llu", found.stx_dev_major, found.stx_dev_minor, (unsigned long long)found.stx_ino);
  napi_create_string_utf8(env, identity, NAPI_AUTO_LENGTH, &result);
  return result;
}

/* setBackground(on): the whole process's scheduling class, see background.h */
static napi_value set_background(napi_env env, napi_callback_info info) {
  size_t count = 1;
  napi_value argument;
  bool on = false;
  napi_get_cb_info(env, info, &count, &argument, NULL, NULL);
  napi_get_value_bool(env, argument, &on);
  background_process(on);
  return NULL;
}

void define_file(napi_env env, napi_value exports) {
  define(env, exports, "tryLock", try_lock);
  define(env, exports, "setImmutable", set_immutable);
  define(env, exports, "setModified", set_modified);
  define(env, exports, "directoryIdentity", directory_identity);
  define(env, exports, "setBackground", set_background);
}
