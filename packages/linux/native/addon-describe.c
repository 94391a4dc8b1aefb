/* Listing and describing trees for JavaScript. */
#include "addon.h"
#include "describe.h"
#include "glue.h"
#include "tree.h"
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/xattr.h>
#include <unistd.h>

typedef struct {
  Job job;
  int root;
  char *paths; /* NULL: list everything */
  size_t size;
  Records records;
} DescribeJob;

static void describe_run(Job *job) {
  DescribeJob *describe = (DescribeJob *)job;
  job->error = describe->paths == NULL ? list_below(describe->root, &describe->records, job->control)
                                       : describe_paths(describe->root, describe->paths, describe->size, &describe->records, job->control);
}

static napi_value describe_finish(napi_env env, Job *job) {
  DescribeJob *describe = (DescribeJob *)job;
  return make_bytes(env, describe->records.bytes, describe->records.length);
}

static void describe_release(napi_env env, Job *job) {
  DescribeJob *describe = (DescribeJob *)job;
  close(describe->root);
  free(describe->paths);
  free(describe->records.bytes);
  free(describe);
}

/* describe({ control, root, paths?: bytes }): records of describe.h. The descriptor is duplicated. */
static napi_value describe(napi_env env, napi_callback_info info) {
  size_t count = 1, size = 0;
  napi_value config;
  napi_get_cb_info(env, info, &count, &config, NULL, NULL);
  DescribeJob *job = calloc(1, sizeof *job);
  void *paths = get_bytes_of(env, config, "paths", &size);
  if (job != NULL && size > 0) job->paths = malloc(size + 1);
  if (job != NULL) job->root = fcntl((int)get_integer(env, config, "root"), F_DUPFD_CLOEXEC, 0);
  if (job == NULL || (size > 0 && job->paths == NULL) || job->root < 0) {
    int error = job == NULL || (size > 0 && job->paths == NULL) ? ENOMEM : errno;
    if (job != NULL) free(job->paths);
    free(job);
    napi_throw(env, make_error(env, error, "describe"));
    return NULL;
  }
  if (size > 0) {
    memcpy(job->paths, paths, size);
    job->paths[size] = 0; /* whatever the caller forgot */
    job->size = size;
  }
  job->job = (Job){.run = describe_run, .finish = describe_finish, .release = describe_release, .call = "describe"};
  napi_value control = get(env, config, "control");
  job->job.control = get_bytes(env, control, &size);
  job_keep(env, &job->job, control);
  return job_start(env, &job->job);
}

static char *text(napi_env env, napi_value value) {
  size_t size = 0;
  void *bytes = get_bytes(env, value, &size);
  char *copy = malloc(size + 1);
  if (copy != NULL) {
    memcpy(copy, bytes, size);
    copy[size] = 0;
  }
  return copy;
}

/* openBelow(root, path: bytes, flags): a descriptor */
static napi_value open_below(napi_env env, napi_callback_info info) {
  size_t count = 3;
  napi_value arguments[3];
  int32_t root = -1, flags = 0;
  napi_get_cb_info(env, info, &count, arguments, NULL, NULL);
  napi_get_value_int32(env, arguments[0], &root);
  napi_get_value_int32(env, arguments[2], &flags);
  char *path = text(env, arguments[1]);
  int fd = path == NULL ? -ENOMEM : open_beneath(root, path, (uint64_t)flags);
  free(path);
  if (fd >= 0) return make_number(env, fd);
  napi_throw(env, make_error(env, -fd, "openat2"));
  return NULL;
}

/* setAttribute(fd, name: bytes, value: bytes) */
static napi_value set_attribute(napi_env env, napi_callback_info info) {
  size_t count = 3, size = 0;
  napi_value arguments[3];
  int32_t fd = -1;
  napi_get_cb_info(env, info, &count, arguments, NULL, NULL);
  napi_get_value_int32(env, arguments[0], &fd);
  char *name = text(env, arguments[1]);
  void *value = get_bytes(env, arguments[2], &size);
  int error = name == NULL ? ENOMEM : fsetxattr(fd, name, value, size, 0) == 0 ? 0 : errno;
  free(name);
  if (error) napi_throw(env, make_error(env, error, "fsetxattr"));
  return NULL;
}

void define_describe(napi_env env, napi_value exports) {
  define(env, exports, "describe", describe);
  define(env, exports, "openBelow", open_below);
  define(env, exports, "setAttribute", set_attribute);
}
