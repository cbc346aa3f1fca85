/*
** identity: who asks. A client sends its project's key as `apikey`, and as the bearer token either the same key once more or the
** access token of a user who has signed in. Keys are JWTs of a role, sb_publishable_ and sb_secret_ keys, or API keys of users.
** A request with neither is anon's.
*/
#include "server.h"

static bool identity_is_token(const char *secret) {
  const char *dot = strchr(secret, '.');
  return dot && (dot = strchr(dot + 1, '.')) != NULL && !strchr(dot + 1, '.');
}

static const char *identity_text(struct web_request *request, const char *text) {
  const char *kept = text && text[0] ? web_keep_text(request, text, strlen(text)) : "";
  return kept ? kept : "";
}

/* ---- what is remembered: the same few keys and tokens come again and again */

enum { IDENTITY_SLOTS = 256, IDENTITY_TEXTS = 6, IDENTITY_MS = 500 };

/* What a token or key was found to say. Good until somebody writes through this server, who might have ended a session, or for half a
** second, where another process did. */
struct identity_entry {
  char *texts; /* the secret, role, claims, user, session, key, permissions, each with its NUL */
  size_t length, secret_length;
  uint64_t hash;
  int rate_limit;
  int64_t until_ms;
  unsigned long long generation;
};

static struct {
  pthread_mutex_t mutex;
  struct identity_entry entries[IDENTITY_SLOTS];
  atomic_ullong generation; /* a count of writes */
} identity_memory = {.mutex = PTHREAD_MUTEX_INITIALIZER};

/* Somebody has written: what was found out is to be found out again. */
static void identity_forget(void) {
  atomic_fetch_add(&identity_memory.generation, 1);
}

static void identity_free(void) {
  for (int i = 0; i < IDENTITY_SLOTS; i++) free(identity_memory.entries[i].texts);
  memset(identity_memory.entries, 0, sizeof identity_memory.entries);
}

/* The texts of an entry, in the request's own memory. */
static void identity_set(struct web_identity *identity, const char *texts, int rate_limit) {
  const char **const members[IDENTITY_TEXTS] = {&identity->role,    &identity->claims,
                                                &identity->user_id, &identity->session_id,
                                                &identity->key_id,  &identity->permissions};
  for (int i = 0; i < IDENTITY_TEXTS; i++) {
    texts += strlen(texts) + 1;
    *members[i] = texts;
  }
  identity->rate_limit = rate_limit;
}

static bool identity_recall(struct web_request *request, const char *secret, size_t length,
                            uint64_t hash) {
  struct identity_entry *entry = &identity_memory.entries[hash % IDENTITY_SLOTS];
  unsigned long long generation = atomic_load(&identity_memory.generation);
  char *texts = NULL;
  int rate_limit = 0;
  pthread_mutex_lock(&identity_memory.mutex);
  if (entry->hash == hash && entry->secret_length == length && entry->generation == generation &&
      memcmp(entry->texts, secret, length) == 0 && server_clock_ms() < entry->until_ms) {
    texts = web_keep(request, entry->length);
    if (texts) memcpy(texts, entry->texts, entry->length);
    rate_limit = entry->rate_limit;
  }
  pthread_mutex_unlock(&identity_memory.mutex);
  if (texts) identity_set(&request->identity, texts, rate_limit);
  return texts != NULL;
}

/* Keeps what was found out; `generation` is of before that. */
static void identity_remember(const char *secret, size_t length, uint64_t hash,
                              const ledger_identity *found, unsigned long long generation) {
  const char *const members[] = {
      secret,        found->role,       found->claims, found->user_id, found->session_id,
      found->key_id, found->permissions};
  struct web_text texts = {0};
  for (int i = 0; i <= IDENTITY_TEXTS; i++)
    web_text_add(&texts, members[i] ? members[i] : "", members[i] ? strlen(members[i]) + 1 : 1);
  if (texts.failed) {
    web_text_free(&texts);
    return;
  }
  struct identity_entry *entry = &identity_memory.entries[hash % IDENTITY_SLOTS];
  pthread_mutex_lock(&identity_memory.mutex);
  free(entry->texts);
  *entry = (struct identity_entry){.texts = texts.bytes,
                                   .length = texts.length,
                                   .secret_length = length,
                                   .hash = hash,
                                   .rate_limit = found->rate_limit,
                                   .until_ms = server_clock_ms() + IDENTITY_MS,
                                   .generation = generation};
  pthread_mutex_unlock(&identity_memory.mutex);
}

/* Verifies a token or key, into the request's identity. False: identity_error says why, or the reply that nobody can be asked. */
static bool identity_verify(struct web_request *request, struct web_reply *reply,
                            const char *secret) {
  size_t length = strlen(secret);
  uint64_t hash = limits_hash("secret", secret);
  ledger_identity found = {0};
  bool may_remember = !(request->route->flags & WEB_LENIENT);
  if (may_remember && identity_recall(request, secret, length, hash)) return true;
  unsigned long long generation = atomic_load(&identity_memory.generation);
  ledger *db = web_reader(request, reply);
  if (!db) return false;
  int rc = identity_is_token(secret) ? ledger_token_verify(db, secret, &found)
                                     : ledger_key_verify(db, secret, &found);
  if (rc != LEDGER_OK) {
    request->identity_error = *ledger_error_of(db);
    return false;
  }
  struct web_identity *identity = &request->identity;
  identity->role = identity_text(request, found.role);
  identity->claims = identity_text(request, found.claims);
  identity->user_id = identity_text(request, found.user_id);
  identity->session_id = identity_text(request, found.session_id);
  identity->key_id = identity_text(request, found.key_id);
  identity->permissions = identity_text(request, found.permissions);
  identity->rate_limit = found.rate_limit;
  if (may_remember) identity_remember(secret, length, hash, &found, generation);
  return true;
}

/* ---- a request's */

static void identity_anon(struct web_request *request) {
  request->identity = (struct web_identity){.role = "anon",
                                            .claims = "{\"role\":\"anon\"}",
                                            .user_id = "",
                                            .session_id = "",
                                            .key_id = "",
                                            .permissions = "",
                                            .token = "",
                                            .apikey = ""};
  memset(&request->identity_error, 0, sizeof request->identity_error);
}

/* The bearer token counts where it is a user's, else the key. False with identity_error set: one of them is not good. */
static bool identity_find(struct web_request *request, struct web_reply *reply) {
  const char *apikey = web_request_header(request, "apikey", 0);
  const char *bearer = request_bearer(web_request_header(request, "Authorization", 0));
  if (!apikey) apikey = web_request_header(request, "X-API-Key", 0);
  bool is_good = true;
  if (bearer && (strncmp(bearer, "sb_", 3) == 0 || (apikey && strcmp(apikey, bearer) == 0))) {
    if (!apikey) apikey = bearer;
    bearer = NULL;
  }
  if (apikey && *apikey) {
    is_good = identity_verify(request, reply, apikey);
    request->identity.apikey = apikey;
  }
  if (is_good && bearer) is_good = identity_verify(request, reply, bearer);
  if (bearer) request->identity.token = bearer;
  return is_good;
}

static void identity_caller(struct web_request *request) {
  struct web_identity *identity = &request->identity;
  request->actor.user_id = identity->user_id[0] ? identity->user_id : NULL;
  request->actor.ip_address = request->address;
  request->actor.user_agent = request->user_agent;
  request->caller.role = identity->role;
  request->caller.claims = identity->claims;
  request->caller.permissions = identity->permissions[0] ? identity->permissions : NULL;
  request->caller.actor = &request->actor;
}

/* Finds out who asks, and counts it against the key's own limit. False: the reply refuses. */
static bool identity_enter(struct web_request *request, struct web_reply *reply) {
  identity_anon(request);
  if (!(request->route->flags & WEB_OPEN) && !identity_find(request, reply)) {
    if (request->identity_error.code == LEDGER_OK) return false;
    if (!(request->route->flags & WEB_LENIENT)) {
      web_refuse_error(request, reply, &request->identity_error);
      return false;
    }
  }
  identity_caller(request);
  if (request->route->flags & WEB_OPEN) return true;
  const struct limit key = {"key", request->identity.rate_limit, SERVER_KEY_S};
  const struct limit anon = {"anon", request->server->options->anon_requests, SERVER_KEY_S};
  if (key.quota > 0) return limits_allow(request, reply, &key, request->identity.key_id);
  return anon.quota <= 0 || strcmp(request->identity.role, "anon") != 0 ||
         limits_allow(request, reply, &anon, request->address);
}

static bool web_sign_in_allowed(struct web_request *request, struct web_reply *reply) {
  const struct limit limit = {"sign-in", request->server->options->sign_ins, SERVER_SIGN_IN_S};
  return limit.quota <= 0 || limits_allow(request, reply, &limit, request->address);
}
