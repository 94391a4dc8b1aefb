#pragma once
#include <node_api.h>
#include <stdbool.h>
#include <stdint.h>
#include "control.h"
#include "tree.h"

/* Reading plain JavaScript values; a missing or mistyped one reads as zero: the TypeScript side is the only caller. */
napi_value get(napi_env env, napi_value object, const char *key);
int64_t get_integer(napi_env env, napi_value object, const char *key);
bool get_flag(napi_env env, napi_value object, const char *key);
/* Bytes of an ArrayBuffer, typed array or Buffer; NULL and 0 when absent. */
void *get_bytes(napi_env env, napi_value value, size_t *size);
void *get_bytes_of(napi_env env, napi_value object, const char *key, size_t *size);
napi_value make_number(napi_env env, double value);
void set(napi_env env, napi_value object, const char *key, napi_value value);
/* A copy of bytes as an ArrayBuffer. */
napi_value make_bytes(napi_env env, const void *data, size_t size);
void define(napi_env env, napi_value exports, const char *name, napi_callback callback);

/* A tree that JavaScript holds: freed once neither its handle nor a buffer over its memory is reachable. */
typedef struct {
  Tree tree;
  int references;
} TreeBox;
TreeBox *get_tree(napi_env env, napi_value handle);
napi_value make_tree(napi_env env, TreeBox *box);
/* An ArrayBuffer over the tree's own memory, without a copy. */
napi_value make_view(napi_env env, TreeBox *box, void *data, size_t size);
void release_tree(napi_env env, TreeBox *box);

/*
 * Work off the main thread with a promise. `run` must not touch JavaScript; `finish` makes the result; `release` frees.
 * `error` not 0 rejects with an Error that carries errno's name.
 */
typedef struct Job {
  void (*run)(struct Job *job);
  napi_value (*finish)(napi_env env, struct Job *job);
  void (*release)(napi_env env, struct Job *job);
  int error;
  const char *call; /* what failed, for the error's message */
  bool changes;     /* whether it changes guests, and must not be kept from running (background.c) */
  Control *control;
  napi_ref kept[8]; /* values whose memory the job uses */
  int kept_count;
  napi_deferred deferred;
  napi_async_work work;
} Job;
void job_keep(napi_env env, Job *job, napi_value value);
napi_value job_start(napi_env env, Job *job);
napi_value make_error(napi_env env, int error, const char *call);
