/*
** rest_prefer: the headers in which a request of /rest/v1 says how it wants to be carried out and answered: Prefer (RFC 7240) with
** PostgREST's preferences, Accept, Content-Type, Accept-Profile and Content-Profile, Range.
*/

#define REST_WORDS_MAX 1024 /* bytes of preferences or media types that an error shows */

struct rest_wish {
  bool has_resolution, has_missing, has_returns, has_count, has_rollback, has_handling;
  enum ledger_resolution resolution;
  int missing_default;
  enum ledger_returns returns;
  enum ledger_count count;
  bool rollback, is_strict, has_timezone, has_max_affected;
  int64_t max_affected;
  char timezone[40];
  char unknown[REST_WORDS_MAX]; /* preferences that are none, "a, b" */
};

struct rest_media { /* what is answered */
  enum ledger_form form;
  bool strips_nulls;
  const char *content_type;
};

/* ---- elements of a header */

/* The next element of a list: `separator` outside of quotes ends it; spaces around it are cut. False: no more. */
static bool rest_element(const char **at, char separator, const char **element, size_t *length) {
  const char *c = *at;
  bool is_quoted = false;
  while (*c == ' ' || *c == '\t') c++;
  if (*c == 0) return false;
  const char *start = c;
  for (; *c != 0 && (is_quoted || *c != separator); c++) {
    if (is_quoted && *c == '\\' && c[1] != 0)
      c++;
    else if (*c == '"')
      is_quoted = !is_quoted;
  }
  *at = *c == 0 ? c : c + 1;
  while (c > start && (c[-1] == ' ' || c[-1] == '\t')) c--;
  *element = start;
  *length = (size_t)(c - start);
  return true;
}

static bool rest_is(const char *text, size_t length, const char *word) {
  return strlen(word) == length && strncasecmp(text, word, length) == 0;
}

/* Adds an element to "a, b", as far as there is room. */
static void rest_list(char list[REST_WORDS_MAX], const char *text, size_t length) {
  size_t used = strlen(list);
  snprintf(list + used, REST_WORDS_MAX - used, "%s%.*s", used > 0 ? ", " : "", (int)length, text);
}

/* ---- Prefer */

static bool rest_whole(const char *text, size_t length, int64_t *out) {
  int64_t number = 0;
  if (length == 0) return false;
  for (size_t i = 0; i < length; i++)
    if (text[i] < '0' || text[i] > '9' || __builtin_mul_overflow(number, 10, &number) ||
        __builtin_add_overflow(number, text[i] - '0', &number))
      return false;
  *out = number;
  return true;
}

/* The first of a repeated preference counts. False: there is no such preference. */
static bool rest_preference(struct rest_wish *wish, const char *text, size_t length) {
#define WISH(word, member, statement)                                                              \
  if (rest_is(text, length, word)) {                                                               \
    if (!wish->has_##member) {                                                                     \
      statement;                                                                                   \
    }                                                                                              \
    wish->has_##member = true;                                                                     \
    return true;                                                                                   \
  }
  WISH("resolution=merge-duplicates", resolution, wish->resolution = LEDGER_RESOLUTION_MERGE)
  WISH("resolution=ignore-duplicates", resolution, wish->resolution = LEDGER_RESOLUTION_IGNORE)
  WISH("missing=default", missing, wish->missing_default = 1)
  WISH("missing=null", missing, wish->missing_default = 0)
  WISH("return=representation", returns, wish->returns = LEDGER_RETURN_ROWS)
  WISH("return=headers-only", returns, wish->returns = LEDGER_RETURN_KEYS)
  WISH("return=minimal", returns, wish->returns = LEDGER_RETURN_MINIMAL)
  WISH("count=exact", count, wish->count = LEDGER_COUNT_EXACT)
  WISH("count=planned", count, wish->count = LEDGER_COUNT_PLANNED)
  WISH("count=estimated", count, wish->count = LEDGER_COUNT_ESTIMATED)
  WISH("tx=rollback", rollback, wish->rollback = true)
  WISH("tx=commit", rollback, wish->rollback = false)
  WISH("handling=strict", handling, wish->is_strict = true)
  WISH("handling=lenient", handling, wish->is_strict = false)
#undef WISH
  if (length > 9 && strncmp(text, "timezone=", 9) == 0) {
    /* Times are answered in UTC, whatever is preferred. */
    bool is_utc = rest_is(text + 9, length - 9, "UTC") ||
                  rest_is(text + 9, length - 9, "Etc/UTC") || rest_is(text + 9, length - 9, "GMT");
    if (!is_utc) return false;
    if (!wish->has_timezone)
      snprintf(wish->timezone, sizeof wish->timezone, "%.*s", (int)(length - 9), text + 9);
    return wish->has_timezone = true;
  }
  if (length > 13 && strncmp(text, "max-affected=", 13) == 0) {
    int64_t most;
    if (!wish->has_max_affected && rest_whole(text + 13, length - 13, &most)) {
      wish->max_affected = most;
      wish->has_max_affected = true;
    }
    return true;
  }
  return false;
}

/* False: the reply says why. */
static bool rest_wish_read(struct web_request *request, struct web_reply *reply,
                           struct rest_wish *wish) {
  const char *header, *element;
  size_t length;
  for (int i = 0; (header = web_request_header(request, "Prefer", i)) != NULL; i++)
    while (rest_element(&header, ',', &element, &length))
      if (length > 0 && !rest_preference(wish, element, length))
        rest_list(wish->unknown, element, length);
  if (!wish->is_strict) wish->has_max_affected = false;
  if (!wish->is_strict || wish->unknown[0] == 0) return true;
  char details[REST_WORDS_MAX + 32];
  snprintf(details, sizeof details, "Invalid preferences: %s", wish->unknown);
  rest_refuse(request, reply, "PGRST122", "Invalid preferences given with handling=strict", details,
              NULL);
  return false;
}

/* Which preferences concern a request; the rest is not said to be applied. */
enum {
  REST_RESOLUTION = 1,
  REST_MISSING = 2,
  REST_RETURN = 4,
  REST_COUNT = 8,
  REST_MAX_AFFECTED = 16
};

static void rest_wish_say(struct web_reply *reply, const struct rest_wish *wish, int concerns) {
  static const char *const counts[] = {"", "exact", "planned", "estimated"};
  static const char *const returns[] = {"minimal", "headers-only", "representation"};
  char said[400];
  int at = 0;
  said[0] = 0;
#define SAY(is_given, ...)                                                                         \
  if (is_given) {                                                                                  \
    if (at > 0) at += snprintf(said + at, sizeof said - (size_t)at, ", ");                         \
    at += snprintf(said + at, sizeof said - (size_t)at, __VA_ARGS__);                              \
  }
  SAY(wish->has_resolution && (concerns & REST_RESOLUTION) != 0, "resolution=%s",
      wish->resolution == LEDGER_RESOLUTION_MERGE ? "merge-duplicates" : "ignore-duplicates")
  SAY(wish->has_missing && (concerns & REST_MISSING) != 0, "missing=%s",
      wish->missing_default ? "default" : "null")
  SAY(wish->has_returns && (concerns & REST_RETURN) != 0, "return=%s", returns[wish->returns])
  SAY(wish->has_count && (concerns & REST_COUNT) != 0, "count=%s", counts[wish->count])
  SAY(wish->has_rollback, "tx=%s", wish->rollback ? "rollback" : "commit")
  SAY(wish->has_handling, "handling=%s", wish->is_strict ? "strict" : "lenient")
  SAY(wish->has_timezone, "timezone=%s", wish->timezone)
  SAY(wish->has_max_affected && (concerns & REST_MAX_AFFECTED) != 0, "max-affected=%" PRId64,
      wish->max_affected)
#undef SAY
  if (said[0] != 0) web_header(reply, "Preference-Applied", "%s", said);
}

/* ---- Accept */

#define REST_JSON "application/json; charset=utf-8"
#define REST_OBJECT "application/vnd.pgrst.object+json; charset=utf-8"
#define REST_OBJECT_STRIPPED "application/vnd.pgrst.object+json;nulls=stripped; charset=utf-8"
#define REST_ARRAY_STRIPPED "application/vnd.pgrst.array+json;nulls=stripped; charset=utf-8"
#define REST_CSV "text/csv; charset=utf-8"

/* "0.85" in thousandths; what is none counts as 1. */
static int rest_weight(const char *text, size_t length) {
  int weight = 0, unit = 100;
  if (length == 0 || text[0] != '0') return 1000;
  for (size_t i = 2; i < length && i < 5 && text[i] >= '0' && text[i] <= '9'; i++) {
    weight += unit * (text[i] - '0');
    unit /= 10;
  }
  return weight;
}

/* The parameters of a media type: its weight, and whether nulls are to be stripped. */
static int rest_media_parameters(const char *at, bool *strips_nulls) {
  const char *parameter;
  size_t length;
  int weight = 1000;
  *strips_nulls = false;
  while (rest_element(&at, ';', &parameter, &length)) {
    if (rest_is(parameter, length, "nulls=stripped")) *strips_nulls = true;
    if (length > 2 && strncasecmp(parameter, "q=", 2) == 0)
      weight = rest_weight(parameter + 2, length - 2);
  }
  return weight;
}

/* Can we answer that media type? `also` is one more that means JSON here, or NULL. */
static bool rest_media_known(const char *type, size_t length, bool strips_nulls, const char *also,
                             struct rest_media *out) {
  *out = (struct rest_media){.form = LEDGER_FORM_ARRAY, .content_type = REST_JSON};
  if (rest_is(type, length, "*/*") || rest_is(type, length, "application/*") ||
      rest_is(type, length, "application/json"))
    return true;
  if (rest_is(type, length, "application/vnd.pgrst.object+json") ||
      rest_is(type, length, "application/vnd.pgrst.object")) {
    out->form = LEDGER_FORM_OBJECT;
    out->strips_nulls = strips_nulls;
    out->content_type = strips_nulls ? REST_OBJECT_STRIPPED : REST_OBJECT;
    return true;
  }
  if (rest_is(type, length, "application/vnd.pgrst.array+json") ||
      rest_is(type, length, "application/vnd.pgrst.array")) {
    out->strips_nulls = strips_nulls;
    if (strips_nulls) out->content_type = REST_ARRAY_STRIPPED;
    return true;
  }
  if (rest_is(type, length, "text/csv")) {
    out->form = LEDGER_FORM_CSV;
    out->content_type = REST_CSV;
    return true;
  }
  return also != NULL && rest_is(type, length, also);
}

/* Adds a media type to those that were asked for, without what stands behind it but for a plan's. */
static void rest_list_media(char list[REST_WORDS_MAX], const char *element, size_t length) {
  static const char plan[] = "application/vnd.pgrst.plan";
  bool is_plan = length >= sizeof plan - 1 && strncasecmp(element, plan, sizeof plan - 1) == 0;
  size_t shown = is_plan ? length : 0;
  while (!is_plan && shown < length && strchr("; \t", element[shown]) == NULL) shown++;
  while (shown > 0 && strchr("; ", element[shown - 1]) != NULL) shown--;
  rest_list(list, element, shown);
}

/* The media type that is asked for most among those that we have. False: none is, and the reply says so. */
static bool rest_media_read(struct web_request *request, struct web_reply *reply, const char *also,
                            struct rest_media *out) {
  const char *header, *element;
  size_t length;
  int best = 0;
  bool is_asked = false;
  char asked[REST_WORDS_MAX] = "";
  for (int i = 0; (header = web_request_header(request, "Accept", i)) != NULL; i++)
    while (rest_element(&header, ',', &element, &length)) {
      struct rest_media media;
      char copy[256];
      size_t type_length = 0;
      bool strips_nulls;
      if (length == 0) continue;
      is_asked = true;
      rest_list_media(asked, element, length);
      if (length >= sizeof copy) continue;
      memcpy(copy, element, length);
      copy[length] = 0;
      type_length = strcspn(copy, "; \t");
      const char *parameters = strchr(copy, ';');
      int weight = rest_media_parameters(parameters == NULL ? "" : parameters + 1, &strips_nulls);
      if (!rest_media_known(copy, type_length, strips_nulls, also, &media) || weight <= best)
        continue;
      best = weight;
      *out = media;
    }
  if (best > 0) return true;
  if (!is_asked) return rest_media_known("*/*", 3, false, NULL, out);
  char message[REST_WORDS_MAX + 64];
  snprintf(message, sizeof message, "None of these media types are available: %s", asked);
  rest_refuse(request, reply, "PGRST107", message, NULL, NULL);
  return false;
}

/* ---- Content-Type */

static bool rest_body_read(struct web_request *request, struct web_reply *reply,
                           enum ledger_body *out) {
  const char *type = web_request_header(request, "Content-Type", 0);
  *out = LEDGER_BODY_JSON;
  if (type == NULL || type[0] == 0) return true;
  size_t length = strcspn(type, "; \t");
  if (rest_is(type, length, "application/json") ||
      rest_is(type, length, "application/vnd.pgrst.object+json") ||
      rest_is(type, length, "application/vnd.pgrst.array+json"))
    return true;
  if (rest_is(type, length, "text/csv")) {
    *out = LEDGER_BODY_CSV;
    return true;
  }
  if (rest_is(type, length, "application/x-www-form-urlencoded")) {
    *out = LEDGER_BODY_FORM;
    return true;
  }
  char message[256];
  snprintf(message, sizeof message, "Content-Type not acceptable: %.*s",
           length > 150 ? 150 : (int)length, type);
  rest_error_put(request, reply, 415, "PGRST102", message, NULL, NULL, NULL);
  return false;
}

/* ---- profiles: which schema is meant */

/* What the caller can reach, of NULL what there is: ledger_describe()'s object, to be deleted. NULL: the reply says why. */
static cJSON *rest_describe(struct web_request *request, struct web_reply *reply,
                            const ledger_caller *caller) {
  char *text = NULL;
  ledger *db = web_reader(request, reply);
  if (db == NULL) return NULL;
  if (ledger_describe(db, caller, &text) != LEDGER_OK) {
    web_refuse_error(request, reply, ledger_error_of(db));
    return NULL;
  }
  cJSON *description = cJSON_Parse(text);
  ledger_free(text);
  if (description == NULL) rest_refuse(request, reply, "53200", "out of memory", NULL, NULL);
  return description;
}

/* "public, billing": the schemas in which the caller can reach something. NULL: the reply says why. */
static char *rest_schemas(struct web_request *request, struct web_reply *reply) {
  cJSON *root = rest_describe(request, reply, &request->caller);
  if (root == NULL) return NULL;
  char *list = web_keep(request, REST_WORDS_MAX);
  if (list == NULL) {
    rest_refuse(request, reply, "53200", "out of memory", NULL, NULL);
  } else {
    const cJSON *relation;
    snprintf(list, REST_WORDS_MAX, "public");
    cJSON_ArrayForEach(relation, cJSON_GetObjectItemCaseSensitive(root, "relations")) {
      const char *schema =
          cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(relation, "schema"));
      const char *found, *at = list;
      size_t length;
      bool is_known = schema == NULL;
      while (!is_known && rest_element(&at, ',', &found, &length))
        is_known = strlen(schema) == length && strncmp(schema, found, length) == 0;
      if (!is_known) rest_list(list, schema, strlen(schema));
    }
  }
  cJSON_Delete(root);
  return list;
}

/* What a reply with a body says. */
static void rest_profile_say(struct web_reply *reply, const char *profile) {
  if (profile != NULL) web_header(reply, "Content-Profile", "%s", profile);
}

/* *out NULL: public; *profile: what the header says, NULL where there is none. False: the reply says why. */
static bool rest_profile_read(struct web_request *request, struct web_reply *reply,
                              const char **out, const char **profile) {
  bool reads = request->method == WEB_GET || request->method == WEB_HEAD;
  const char *schema = web_request_header(request, reads ? "Accept-Profile" : "Content-Profile", 0);
  *out = NULL;
  *profile = schema;
  if (schema == NULL) return true;
  if (strcmp(schema, "public") != 0) {
    const char *found, *schemas = rest_schemas(request, reply), *at = schemas;
    size_t length;
    bool is_known = false;
    if (schemas == NULL) return false;
    while (!is_known && rest_element(&at, ',', &found, &length))
      is_known = strlen(schema) == length && strncmp(schema, found, length) == 0;
    if (!is_known) {
      char message[128], hint[REST_WORDS_MAX + 64];
      snprintf(message, sizeof message, "Invalid schema: %.63s", schema);
      snprintf(hint, sizeof hint, "Only the following schemas are exposed: %s", schemas);
      rest_refuse(request, reply, "PGRST106", message, NULL, hint);
      return false;
    }
    *out = schema;
  }
  return true;
}

/* ---- Range */

/* "0-9", "10-", also with a unit before it. Another text is no range. False: the reply says why. */
static bool rest_range_read(struct web_request *request, struct web_reply *reply,
                            ledger_query *query) {
  const char *range = web_request_header(request, "Range", 0);
  if (range == NULL) return true;
  const char *equals = strchr(range, '=');
  if (equals != NULL) {
    if (!rest_is(range, (size_t)(equals - range), "items")) return true;
    range = equals + 1;
  }
  const char *dash = strchr(range, '-');
  int64_t first, last = -1;
  if (dash == NULL || !rest_whole(range, (size_t)(dash - range), &first)) return true;
  if (dash[1] != 0 && !rest_whole(dash + 1, strlen(dash + 1), &last)) return true;
  if (last >= 0 && last < first) {
    rest_refuse(request, reply, "PGRST103", "Requested range not satisfiable",
                "The lower boundary must be lower than or equal to the upper boundary in the Range "
                "header.",
                NULL);
    return false;
  }
  query->has_range = 1;
  query->range_first = first;
  query->range_last = last;
  return true;
}
