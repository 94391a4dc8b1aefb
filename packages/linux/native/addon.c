#include "addon.h"
#include <node_api.h>
#include <signal.h>
#include <stddef.h>

NAPI_MODULE_INIT() {
  /* A broken lease raises SIGIO, whose default is to end the process; leases are asked, not waited for. */
  struct sigaction now;
  if (sigaction(SIGIO, NULL, &now) == 0 && now.sa_handler == SIG_DFL) signal(SIGIO, SIG_IGN);
  define_file(env, exports);
  define_describe(env, exports);
  define_dedupe(env, exports);
  define_tree(env, exports);
  define_plan(env, exports);
  define_repair(env, exports);
  define_swap(env, exports);
  define_watch(env, exports);
  return exports;
}
