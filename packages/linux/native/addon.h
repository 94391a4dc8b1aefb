#pragma once
#include <node_api.h>

void define_file(napi_env env, napi_value exports);
void define_describe(napi_env env, napi_value exports);
void define_dedupe(napi_env env, napi_value exports);
void define_tree(napi_env env, napi_value exports);
void define_plan(napi_env env, napi_value exports);
void define_repair(napi_env env, napi_value exports);
void define_swap(napi_env env, napi_value exports);
void define_watch(napi_env env, napi_value exports);
