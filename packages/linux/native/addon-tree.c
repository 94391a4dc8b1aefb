/* scan and identify for JavaScript. */
#include "addon.h"
#include "cache.h"
#include "candidates.h"
#include "glue.h"
#include "index.h"
#include "plan-hash.h"
#include "walk.h"
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

typedef struct {
  Job job;
  TreeBox *box, *old;
  Known known;
  Walk walk;
} ScanJob;

static void scan_run(Job *job) { job->error = walk_run(&((ScanJob *)job)->walk); }

static napi_value scan_finish(napi_env env, Job *job) { return make_tree(env, ((ScanJob *)job)->box); }

static void scan_release(napi_env env, Job *job) {
  ScanJob *scan = (ScanJob *)job;
  for (uint32_t at = 0; at < scan->walk.pattern_count; at++) free(scan->walk.patterns[at].text);
  for (uint32_t at = 0; at < scan->box->tree.guest_count; at++) exact_close(&scan->walk.exact[at]);
  free(scan->walk.patterns);
  free(scan->walk.exact);
  free(scan->walk.tags);
  if (scan->old != NULL) release_tree(env, scan->old);
  known_close(&scan->known);
  release_tree(env, scan->box);
  free(scan);
}

/*
 * scan({ control, guests: [{ fd, space, pool, exact }], patterns: [{ pattern, verdict }], tags: Uint32Array [tag, space, guest]…, minSize, threads,
 *   known, changes: Uint8Array as known.h has them })
 * The descriptors are duplicated.
 */
static napi_value scan(napi_env env, napi_callback_info info) {
  size_t count = 1, size;
  napi_value config;
  napi_get_cb_info(env, info, &count, &config, NULL, NULL);
  napi_value guests = get(env, config, "guests"), patterns = get(env, config, "patterns");
  uint32_t guest_count = 0, pattern_count = 0;
  napi_get_array_length(env, guests, &guest_count);
  napi_get_array_length(env, patterns, &pattern_count);
  ScanJob *job = calloc(1, sizeof *job);
  TreeBox *box = calloc(1, sizeof *box);
  int error = job == NULL || box == NULL ? ENOMEM : tree_open(&box->tree, guest_count);
  if (error) {
    napi_throw(env, make_error(env, error, "scan"));
    return NULL;
  }
  box->references = 1;
  job->job = (Job){.run = scan_run, .finish = scan_finish, .release = scan_release, .call = "scan"};
  job->box = box;
  napi_value control = get(env, config, "control");
  job->job.control = get_bytes(env, control, &size);
  job_keep(env, &job->job, control);
  Walk *walk = &job->walk;
  walk->tree = &box->tree;
  walk->control = job->job.control;
  walk->exact = calloc(guest_count, sizeof *walk->exact);
  walk->patterns = calloc(pattern_count + 1, sizeof *walk->patterns);
  walk->min_size = (uint64_t)get_integer(env, config, "minSize");
  walk->threads = (uint32_t)get_integer(env, config, "threads");
  napi_valuetype known_type;
  napi_value known = get(env, config, "known");
  if (napi_typeof(env, known, &known_type) == napi_ok && known_type == napi_external) {
    napi_value changes = get(env, config, "changes");
    job->old = get_tree(env, known);
    job->old->references++;
    job->known.old = &job->old->tree;
    job->known.changes = get_bytes(env, changes, &job->known.changes_length);
    job_keep(env, &job->job, changes);
    walk->known = &job->known;
  }
  const uint32_t *tags = get_bytes_of(env, config, "tags", &size);
  walk->tag_count = (uint32_t)(size / 12);
  walk->tags = calloc(walk->tag_count + 1, sizeof *walk->tags);
  for (uint32_t at = 0; at < walk->tag_count; at++) walk->tags[at] = (PoolTag){.tag = tags[at * 3], .space = (uint16_t)tags[at * 3 + 1], .guest = tags[at * 3 + 2]};
  for (uint32_t at = 0; at < guest_count; at++) {
    napi_value each;
    napi_get_element(env, guests, at, &each);
    Guest *guest = &box->tree.guests[at];
    struct stat stat;
    guest->root = fcntl((int)get_integer(env, each, "fd"), F_DUPFD_CLOEXEC, 3);
    if (guest->root < 0 || fstat(guest->root, &stat) != 0) error = errno;
    else guest->dev = stat.st_dev;
    guest->space = (uint16_t)get_integer(env, each, "space");
    guest->pool = get_flag(env, each, "pool");
    const char *exact = get_bytes_of(env, each, "exact", &size);
    if (error == 0) error = exact_open(&walk->exact[at], exact, size);
  }
  for (uint32_t at = 0; at < pattern_count; at++) {
    napi_value each;
    napi_get_element(env, patterns, at, &each);
    const char *text = get_bytes_of(env, each, "pattern", &size);
    Pattern *pattern = &walk->patterns[walk->pattern_count++];
    pattern->text = malloc(size + 1);
    if (pattern->text == NULL) error = ENOMEM;
    else memcpy(pattern->text, text, size);
    pattern->length = size;
    pattern->verdict = (uint8_t)get_integer(env, each, "verdict");
    pattern_prepare(pattern);
  }
  if (error) {
    scan_release(env, &job->job);
    napi_throw(env, make_error(env, error, "scan"));
    return NULL;
  }
  return job_start(env, &job->job);
}

/* treeViews(handle): { rows, facts, dirs, names } over the tree's memory, counts copied. */
static napi_value tree_views(napi_env env, napi_callback_info info) {
  size_t count = 1;
  napi_value handle, views;
  napi_get_cb_info(env, info, &count, &handle, NULL, NULL);
  TreeBox *box = get_tree(env, handle);
  Tree *tree = &box->tree;
  napi_create_object(env, &views);
  set(env, views, "rows", make_view(env, box, tree->rows.base, atomic_load(&tree->rows.used)));
  set(env, views, "facts", make_view(env, box, tree->facts.base, atomic_load(&tree->facts.used)));
  set(env, views, "dirs", make_view(env, box, tree->dirs.base, atomic_load(&tree->dirs.used)));
  set(env, views, "names", make_view(env, box, tree->names.base, atomic_load(&tree->names.used)));
  int64_t *counts = calloc(tree->guest_count * COUNTS + 1, sizeof *counts);
  if (counts != NULL)
    for (uint32_t at = 0; at < tree->guest_count; at++) memcpy(counts + at * COUNTS, tree->guests[at].counts, COUNTS * sizeof *counts);
  set(env, views, "counts", make_bytes(env, counts, counts == NULL ? 0 : tree->guest_count * COUNTS * sizeof *counts));
  free(counts);
  return views;
}

/* treeFailures(handle): what could not be read or swapped so far. */
static napi_value tree_failures(napi_env env, napi_callback_info info) {
  size_t count = 1;
  napi_value handle;
  napi_get_cb_info(env, info, &count, &handle, NULL, NULL);
  Tree *tree = &get_tree(env, handle)->tree;
  return make_bytes(env, tree->failures.base, atomic_load(&tree->failures.used));
}

/* treeLetGo(handle): gives the guests' roots back, so that they can be unmounted; what was read stays. */
static napi_value tree_let_go(napi_env env, napi_callback_info info) {
  size_t count = 1;
  napi_value handle;
  napi_get_cb_info(env, info, &count, &handle, NULL, NULL);
  Tree *tree = &get_tree(env, handle)->tree;
  for (uint32_t at = 0; at < tree->guest_count; at++) {
    if (tree->guests[at].root >= 0) close(tree->guests[at].root);
    tree->guests[at].root = -1;
  }
  return NULL;
}

typedef struct {
  Job job;
  TreeBox *box;
  Identify identify;
} IdentifyJob;

static void identify_job_run(Job *job) { job->error = identify_run(&((IdentifyJob *)job)->identify); }

static napi_value identify_finish(napi_env env, Job *job) {
  TreeBox *box = ((IdentifyJob *)job)->box;
  Candidates *candidates = box->tree.candidates;
  napi_value result;
  napi_create_object(env, &result);
  set(env, result, "order", make_view(env, box, candidates->order, candidates->order_count * sizeof(uint32_t)));
  set(env, result, "inodes", make_view(env, box, candidates->inodes, candidates->inode_count * sizeof(Inode)));
  set(env, result, "grouped", make_view(env, box, candidates->grouped, candidates->grouped_count * sizeof(uint32_t)));
  set(env, result, "groupStart", make_view(env, box, candidates->group_start, (candidates->group_count + 1) * sizeof(uint32_t)));
  return result;
}

static void identify_release(napi_env env, Job *job) {
  release_tree(env, ((IdentifyJob *)job)->box);
  free(job);
}

/* identify(handle, { control, identity, ignoreMtime, index, minThreads, maxThreads, dropCache }) */
static napi_value identify(napi_env env, napi_callback_info info) {
  size_t count = 2, size;
  napi_value arguments[2];
  napi_get_cb_info(env, info, &count, arguments, NULL, NULL);
  IdentifyJob *job = calloc(1, sizeof *job);
  if (job == NULL) return NULL;
  napi_value config = arguments[1], control = get(env, config, "control"), index = get(env, config, "index");
  job->job = (Job){.run = identify_job_run, .finish = identify_finish, .release = identify_release, .call = "identify", .control = get_bytes(env, control, &size)};
  job_keep(env, &job->job, control);
  job_keep(env, &job->job, index);
  job_keep(env, &job->job, get(env, config, "identity"));
  job->box = get_tree(env, arguments[0]);
  job->box->references++;
  job->identify = (Identify){
      .tree = &job->box->tree,
      .control = job->job.control,
      .identity = get_bytes_of(env, config, "identity", &size),
      .ignore_mtime = get_flag(env, config, "ignoreMtime"),
      .index = get_bytes(env, index, &size),
      .min_threads = (uint32_t)get_integer(env, config, "minThreads"),
      .max_threads = (uint32_t)get_integer(env, config, "maxThreads"),
      .drop_cache = get_flag(env, config, "dropCache"),
  };
  get_bytes(env, index, &size);
  job->identify.index_count = job->identify.index == NULL ? 0 : size / sizeof(IndexRecord);
  return job_start(env, &job->job);
}

typedef struct {
  Job job;
  TreeBox *box;
  const uint32_t *shown;
  size_t count;
  uint32_t threads;
  CachePages pages;
} CacheJob;

static void cache_run(Job *job) {
  CacheJob *own = (CacheJob *)job;
  job->error = cache_measure(&own->box->tree, own->shown, own->count, own->threads, job->control, &own->pages);
}

static napi_value cache_finish(napi_env env, Job *job) {
  napi_value result;
  napi_create_object(env, &result);
  set(env, result, "shared", make_number(env, (double)((CacheJob *)job)->pages.shared));
  set(env, result, "saved", make_number(env, (double)((CacheJob *)job)->pages.saved));
  return result;
}

static void cache_release(napi_env env, Job *job) {
  release_tree(env, ((CacheJob *)job)->box);
  free(job);
}

/* sharedPages(handle, { control, shown: Uint32Array by inode, threads }): { shared, saved } in pages */
static napi_value shared_pages(napi_env env, napi_callback_info info) {
  size_t count = 2, size;
  napi_value arguments[2];
  napi_get_cb_info(env, info, &count, arguments, NULL, NULL);
  napi_value control = get(env, arguments[1], "control"), shown = get(env, arguments[1], "shown");
  CacheJob *job = calloc(1, sizeof *job);
  if (job == NULL) return NULL;
  job->job = (Job){.run = cache_run, .finish = cache_finish, .release = cache_release, .call = "cachestat", .control = get_bytes(env, control, &size)};
  job_keep(env, &job->job, control);
  job_keep(env, &job->job, shown);
  job->box = get_tree(env, arguments[0]);
  job->box->references++;
  job->shown = get_bytes(env, shown, &size);
  job->count = size / sizeof(uint32_t);
  job->threads = (uint32_t)get_integer(env, arguments[1], "threads");
  return job_start(env, &job->job);
}

typedef struct {
  Job job;
  TreeBox *box;
  const uint8_t *gone;
  const IndexRecord *old;
  size_t old_count, count;
  IndexRecord *records;
} IndexJob;

static void index_run(Job *job) {
  IndexJob *own = (IndexJob *)job;
  job->error = index_build(&own->box->tree, own->gone, own->old, own->old_count, &own->records, &own->count);
}

static napi_value index_finish(napi_env env, Job *job) {
  IndexJob *own = (IndexJob *)job;
  napi_value nothing;
  napi_get_undefined(env, &nothing);
  return own->records == NULL ? nothing : make_bytes(env, own->records, own->count * sizeof(IndexRecord));
}

static void index_release(napi_env env, Job *job) {
  release_tree(env, ((IndexJob *)job)->box);
  free(((IndexJob *)job)->records);
  free(job);
}

/* indexRecords(handle, { gone: Uint8Array by inode, old: ArrayBuffer }): undefined when the old ones say it all */
static napi_value index_records(napi_env env, napi_callback_info info) {
  size_t count = 2, size;
  napi_value arguments[2];
  napi_get_cb_info(env, info, &count, arguments, NULL, NULL);
  napi_value gone = get(env, arguments[1], "gone"), old = get(env, arguments[1], "old");
  IndexJob *job = calloc(1, sizeof *job);
  if (job == NULL) return NULL;
  job->job = (Job){.run = index_run, .finish = index_finish, .release = index_release, .call = "index"};
  job_keep(env, &job->job, gone);
  job_keep(env, &job->job, old);
  job->box = get_tree(env, arguments[0]);
  job->box->references++;
  job->gone = get_bytes(env, gone, &size);
  job->old = get_bytes(env, old, &size);
  job->old_count = size / sizeof(IndexRecord);
  return job_start(env, &job->job);
}

/* planHash(handle, swaps: Uint32Array, reflinks: Uint32Array): SHA-256 of plan-hash.h */
static napi_value hash_plan(napi_env env, napi_callback_info info) {
  size_t count = 3, words[2];
  napi_value arguments[3];
  napi_get_cb_info(env, info, &count, arguments, NULL, NULL);
  const uint32_t *plans[2];
  for (int at = 0; at < 2; at++) {
    plans[at] = get_bytes(env, arguments[1 + at], &words[at]);
    words[at] /= sizeof(uint32_t);
  }
  uint8_t digest[32];
  int error = plan_hash(&get_tree(env, arguments[0])->tree, plans, words, 2, digest);
  if (error) {
    napi_throw(env, make_error(env, error, "plan"));
    return NULL;
  }
  return make_bytes(env, digest, sizeof digest);
}

void define_tree(napi_env env, napi_value exports) {
  define(env, exports, "planHash", hash_plan);
  define(env, exports, "scan", scan);
  define(env, exports, "treeViews", tree_views);
  define(env, exports, "treeFailures", tree_failures);
  define(env, exports, "treeLetGo", tree_let_go);
  define(env, exports, "identify", identify);
  define(env, exports, "sharedPages", shared_pages);
  define(env, exports, "indexRecords", index_records);
}
