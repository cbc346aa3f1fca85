/*
** limits: how often a key or an address may ask. A quota is q requests in w seconds, given back evenly (GCRA: one number per
** key, the time at which the quota would be whole again). Standard headers: draft-ietf-httpapi-ratelimit-headers-11.
*/
#include "server.h"

enum {
  LIMITS_SLOTS = 4096,
  LIMITS_PROBES = 16
}; /* more keys than that at a time push out those that have the most left */

struct limit_slot {
  uint64_t key;     /* 0: free */
  int64_t whole_ms; /* when its quota is whole again */
};

static struct {
  pthread_mutex_t mutex;
  uint64_t seed;
  int64_t refused;
  struct limit_slot *slots; /* NULL until the first is needed */
} limits = {.mutex = PTHREAD_MUTEX_INITIALIZER};

struct limit {
  const char *name; /* of the policy, in the headers */
  int64_t quota, window_s;
};

struct limit_state {
  bool is_refused;
  int64_t left;    /* requests */
  int64_t whole_s; /* until the quota is whole */
  int64_t retry_s; /* refused: until one is allowed */
};

static uint64_t limits_hash(const char *kind, const char *id) {
  uint64_t hash = limits.seed ^ UINT64_C(0xcbf29ce484222325);
  for (; *kind; kind++) hash = (hash ^ (unsigned char)*kind) * UINT64_C(0x100000001b3);
  for (; *id; id++) hash = (hash ^ (unsigned char)*id) * UINT64_C(0x100000001b3);
  hash ^= hash >> 29;
  return hash ? hash : 1;
}

/* With the mutex. NULL when memory is short: then nothing is counted. */
static struct limit_slot *limits_find(uint64_t key, int64_t now_ms) {
  if (!limits.slots) limits.slots = calloc(LIMITS_SLOTS, sizeof *limits.slots);
  if (!limits.slots) return NULL;
  struct limit_slot *best = NULL;
  for (int i = 0; i < LIMITS_PROBES; i++) {
    struct limit_slot *slot = &limits.slots[(key + (uint64_t)i) % LIMITS_SLOTS];
    if (slot->key == key) return slot;
    if (slot->key == 0 || slot->whole_ms <= now_ms) slot->key = 0, slot->whole_ms = 0;
    if (!best || slot->whole_ms < best->whole_ms) best = slot;
  }
  best->key = key;
  best->whole_ms = 0;
  return best;
}

/* Counts one request of `id` against the limit. */
static struct limit_state limits_count(const struct limit *limit, const char *id, int64_t now_ms) {
  struct limit_state state = {.left = limit->quota};
  int64_t window_ms = limit->window_s * 1000;
  int64_t each_ms = window_ms / limit->quota > 0 ? window_ms / limit->quota : 1;
  pthread_mutex_lock(&limits.mutex);
  struct limit_slot *slot = limits_find(limits_hash(limit->name, id), now_ms);
  if (slot) {
    int64_t whole_ms = slot->whole_ms > now_ms ? slot->whole_ms : now_ms;
    int64_t late_ms = whole_ms + each_ms - now_ms - each_ms * limit->quota;
    state.is_refused = late_ms > 0;
    if (state.is_refused) {
      state.retry_s = (late_ms + 999) / 1000;
      limits.refused++;
    } else {
      slot->whole_ms = whole_ms += each_ms;
    }
    state.left = limit->quota - (whole_ms - now_ms + each_ms - 1) / each_ms;
    if (state.left < 0) state.left = 0;
    state.whole_s = (whole_ms - now_ms + 999) / 1000;
  }
  pthread_mutex_unlock(&limits.mutex);
  return state;
}

/* Counts the request, says how it stands in the reply's headers, and refuses it where nothing is left. */
static bool limits_allow(struct web_request *request, struct web_reply *reply,
                         const struct limit *limit, const char *id) {
  struct limit_state state = limits_count(limit, id, server_clock_ms());
  web_header(reply, "RateLimit-Policy", "\"%s\";q=%" PRId64 ";w=%" PRId64, limit->name,
             limit->quota, limit->window_s);
  web_header(reply, "RateLimit", "\"%s\";r=%" PRId64 ";t=%" PRId64, limit->name, state.left,
             state.whole_s);
  if (!state.is_refused) return true;
  web_header(reply, "Retry-After", "%" PRId64, state.retry_s);
  web_refuse(request, reply,
             &(struct web_problem){.status = 429,
                                   .code = "LA015",
                                   .word = "over_request_rate_limit",
                                   .message = "Request rate limit reached",
                                   .hint = "Retry-After says when"});
  return false;
}
