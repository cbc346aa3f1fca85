/*
** openapi: documents of the API, made of what the caller's role can reach (ledger_describe()): OpenAPI 3.1 at /openapi.json. The
** Swagger 2.0 document that PostgREST's clients ask for at /rest/v1/ is openapi_swagger.c's.
*/

/* ---- pieces of both documents */

static cJSON *openapi_text(cJSON *object, const char *name, const char *text) {
  return cJSON_AddStringToObject(object, name, text);
}

static cJSON *openapi_item(const cJSON *object, const char *name) {
  return cJSON_GetObjectItemCaseSensitive(object, name);
}

static const char *openapi_get(const cJSON *object, const char *name) {
  return cJSON_GetStringValue(openapi_item(object, name));
}

static bool openapi_is(const cJSON *object, const char *name) {
  return cJSON_IsTrue(openapi_item(object, name));
}

static bool openapi_has(const cJSON *array, const char *name) {
  const cJSON *item;
  cJSON_ArrayForEach(item, array) {
    if (cJSON_IsString(item) && strcmp(item->valuestring, name) == 0) return true;
  }
  return false;
}

/* {"$ref":"#/components/schemas/users"} */
static cJSON *openapi_reference(const char *place, const char *name) {
  char text[256];
  cJSON *object = cJSON_CreateObject();
  snprintf(text, sizeof text, "#/%s/%s", place, name);
  openapi_text(object, "$ref", text);
  return object;
}

/* JSON's type for a PostgreSQL type, and the format that says more (3.1's); NULL: any value, or none. */
static const char *openapi_json_type(const char *type, const char **format) {
  static const struct {
    const char *name, *json, *format;
  } types[] = {{"boolean", "boolean", NULL},
               {"smallint", "integer", "int32"},
               {"integer", "integer", "int32"},
               {"bigint", "integer", "int64"},
               {"real", "number", "float"},
               {"double precision", "number", "double"},
               {"numeric", "number", NULL},
               {"uuid", "string", "uuid"},
               {"date", "string", "date"},
               {"timestamp with time zone", "string", "date-time"},
               {"inet", "string", NULL},
               {"jsonb", NULL, NULL},
               {"json", NULL, NULL}};
  *format = NULL;
  for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
    size_t length = strlen(types[i].name);
    if (strncmp(type, types[i].name, length) != 0 || (type[length] != 0 && type[length] != '('))
      continue;
    *format = types[i].format;
    return types[i].json;
  }
  return "string";
}

/* The base of "text[]"; false: it is no array. */
static bool openapi_element(const char *type, char out[128]) {
  size_t length = strlen(type);
  if (length < 3 || length >= 128 || strcmp(type + length - 2, "[]") != 0) return false;
  memcpy(out, type, length - 2);
  out[length - 2] = 0;
  return true;
}

/* Ends the document, and makes it the reply's body. */
static void openapi_reply(struct web_request *request, struct web_reply *reply, cJSON *document,
                          const char *content_type) {
  char *text = cJSON_PrintUnformatted(document);
  cJSON_Delete(document);
  if (text == NULL) {
    rest_refuse(request, reply, "53200", "out of memory", NULL, NULL);
    return;
  }
  web_text_put(&reply->body, text);
  cJSON_free(text);
  reply->content_type = content_type;
  reply->status = 200;
  web_header(reply, "Vary", "Authorization, apikey, Accept");
}

/* ---- 3.1: schemas */

static void openapi_type(cJSON *schema, const cJSON *column) {
  const char *type = openapi_get(column, "type"), *format;
  const cJSON *label, *labels = openapi_item(column, "enum");
  bool is_nullable = openapi_is(column, "nullable");
  char element[128];
  bool is_array = openapi_element(type, element);
  const char *json = openapi_json_type(is_array ? element : type, &format);
  cJSON *target = schema;
  if (is_array) {
    target = cJSON_CreateObject();
    cJSON_AddItemToObject(schema, "items", target);
    json = json == NULL ? "" : json;
  }
  const char *outer = is_array ? "array" : json;
  if (outer != NULL && is_nullable) {
    cJSON *both = cJSON_AddArrayToObject(schema, "type");
    cJSON_AddItemToArray(both, cJSON_CreateString(outer));
    cJSON_AddItemToArray(both, cJSON_CreateString("null"));
  } else if (outer != NULL) {
    openapi_text(schema, "type", outer);
  }
  if (is_array && json[0] != 0) openapi_text(target, "type", json);
  if (format != NULL) openapi_text(target, "format", format);
  if (!cJSON_IsArray(labels)) return;
  cJSON *list = cJSON_AddArrayToObject(target, "enum");
  cJSON_ArrayForEach(label, labels) {
    cJSON_AddItemToArray(list, cJSON_CreateString(label->valuestring));
  }
  if (is_nullable && !is_array) cJSON_AddItemToArray(list, cJSON_CreateNull());
}

static cJSON *openapi_column(const cJSON *column) {
  cJSON *schema = cJSON_CreateObject();
  const cJSON *length = openapi_item(column, "max_length");
  const char *comment = openapi_get(column, "comment"), *initial = openapi_get(column, "default");
  openapi_type(schema, column);
  if (cJSON_IsNumber(length)) cJSON_AddNumberToObject(schema, "maxLength", length->valuedouble);
  if (comment != NULL) openapi_text(schema, "description", comment);
  openapi_text(schema, "x-postgresql-type", openapi_get(column, "type"));
  if (initial != NULL) openapi_text(schema, "x-postgresql-default", initial);
  if (openapi_is(column, "generated")) cJSON_AddTrueToObject(schema, "readOnly");
  return schema;
}

/* A row as it is read; or as it is written: what has a default or is made by the database may be left out. */
static cJSON *openapi_row(const cJSON *relation, bool is_new) {
  cJSON *schema = cJSON_CreateObject(), *required = cJSON_CreateArray();
  const cJSON *column;
  const char *comment = openapi_get(relation, "comment");
  openapi_text(schema, "type", "object");
  if (comment != NULL) openapi_text(schema, "description", comment);
  cJSON *properties = cJSON_AddObjectToObject(schema, "properties");
  cJSON_ArrayForEach(column, openapi_item(relation, "columns")) {
    const char *name = openapi_get(column, "name");
    bool is_made = openapi_is(column, "generated");
    if (is_new && is_made) continue;
    cJSON_AddItemToObject(properties, name, openapi_column(column));
    bool can_lack = openapi_is(column, "nullable") || openapi_get(column, "default") != NULL ||
                    openapi_is(column, "identity");
    if (is_new ? !can_lack : !openapi_is(column, "nullable"))
      cJSON_AddItemToArray(required, cJSON_CreateString(name));
  }
  if (cJSON_GetArraySize(required) > 0)
    cJSON_AddItemToObject(schema, "required", required);
  else
    cJSON_Delete(required);
  return schema;
}

static void openapi_error_schema(cJSON *schemas) {
  static const char *const names[] = {"code", "message", "details", "hint"};
  cJSON *schema = cJSON_AddObjectToObject(schemas, "Error");
  openapi_text(schema, "type", "object");
  openapi_text(schema, "description",
               "Why a request was refused: a SQLSTATE or a code of PostgREST, "
               "and a sentence.");
  cJSON *properties = cJSON_AddObjectToObject(schema, "properties");
  for (int i = 0; i < 4; i++) {
    cJSON *property = cJSON_AddObjectToObject(properties, names[i]);
    if (i < 2) {
      openapi_text(property, "type", "string");
      continue;
    }
    cJSON *types = cJSON_AddArrayToObject(property, "type");
    cJSON_AddItemToArray(types, cJSON_CreateString("string"));
    if (i == 2) cJSON_AddItemToArray(types, cJSON_CreateString("array"));
    cJSON_AddItemToArray(types, cJSON_CreateString("null"));
  }
  cJSON_AddItemToObject(schema, "required", cJSON_CreateStringArray(names, 4));
}

/* ---- 3.1: parameters and responses */

static void openapi_parameter(cJSON *parameters, const char *key, const char *name, const char *in,
                              const char *type, const char *description) {
  cJSON *parameter = cJSON_AddObjectToObject(parameters, key);
  openapi_text(parameter, "name", name);
  openapi_text(parameter, "in", in);
  openapi_text(parameter, "description", description);
  openapi_text(cJSON_AddObjectToObject(parameter, "schema"), "type", type);
}

static void openapi_parameters(cJSON *parameters) {
  openapi_parameter(parameters, "select", "select", "query", "string",
                    "Columns, and related tables in parentheses: id,name,accounts(id,balance)");
  openapi_parameter(parameters, "order", "order", "query", "string",
                    "created_at.desc.nullslast,id");
  openapi_parameter(parameters, "limit", "limit", "query", "integer", "Rows at most");
  openapi_parameter(parameters, "offset", "offset", "query", "integer",
                    "Rows that are passed over");
  openapi_parameter(parameters, "columns", "columns", "query", "string",
                    "Columns that are written, whatever else the body has");
  openapi_parameter(parameters, "on_conflict", "on_conflict", "query", "string",
                    "Columns of a unique constraint, for an upsert");
  openapi_parameter(parameters, "prefer", "Prefer", "header", "string",
                    "return=representation|minimal|headers-only, count=exact|planned|estimated, "
                    "resolution=merge-duplicates|ignore-duplicates, missing=default|null, "
                    "tx=commit|rollback, handling=strict|lenient, max-affected=N");
  openapi_parameter(parameters, "range", "Range", "header", "string", "0-9");
  openapi_parameter(parameters, "idempotencyKey", "Idempotency-Key", "header", "string",
                    "A name for this call, in quotes: the same call again has the first result");
}

static void openapi_use(cJSON *operation, const char *const *names, int count) {
  cJSON *list = openapi_item(operation, "parameters");
  if (list == NULL) list = cJSON_AddArrayToObject(operation, "parameters");
  for (int i = 0; i < count; i++)
    cJSON_AddItemToArray(list, openapi_reference("components/parameters", names[i]));
}

/* {"description":..., "content":{"application/json":{"schema":...}}}; schema NULL: no body. */
static cJSON *openapi_response(const char *description, cJSON *schema) {
  cJSON *response = cJSON_CreateObject();
  openapi_text(response, "description", description);
  if (schema == NULL) return response;
  cJSON *content = cJSON_AddObjectToObject(response, "content");
  cJSON_AddItemToObject(cJSON_AddObjectToObject(content, "application/json"), "schema", schema);
  return response;
}

static cJSON *openapi_list(const char *name) {
  cJSON *schema = cJSON_CreateObject();
  openapi_text(schema, "type", "array");
  cJSON_AddItemToObject(schema, "items", openapi_reference("components/schemas", name));
  return schema;
}

/* An operation with its tag and what it answers: `status` with the schema, else an error. */
static cJSON *openapi_operation(cJSON *path, const char *method, const char *tag,
                                const char *summary, const char *status, const char *words,
                                cJSON *schema) {
  char id[160];
  cJSON *operation = cJSON_AddObjectToObject(path, method);
  cJSON *tags = cJSON_AddArrayToObject(operation, "tags");
  cJSON_AddItemToArray(tags, cJSON_CreateString(tag));
  if (summary != NULL) openapi_text(operation, "summary", summary);
  snprintf(id, sizeof id, "%s_%s", method, tag);
  openapi_text(operation, "operationId", id);
  cJSON *responses = cJSON_AddObjectToObject(operation, "responses");
  cJSON_AddItemToObject(responses, status, openapi_response(words, schema));
  cJSON_AddItemToObject(responses, "default", openapi_reference("components/responses", "Error"));
  return operation;
}

/* ---- 3.1: tables */

static void openapi_filters(cJSON *operation, const cJSON *relation) {
  const cJSON *column;
  cJSON *list = openapi_item(operation, "parameters");
  if (list == NULL) list = cJSON_AddArrayToObject(operation, "parameters");
  cJSON_ArrayForEach(column, openapi_item(relation, "columns")) {
    cJSON *parameter = cJSON_CreateObject();
    cJSON_AddItemToArray(list, parameter);
    openapi_text(parameter, "name", openapi_get(column, "name"));
    openapi_text(parameter, "in", "query");
    openapi_text(parameter, "description",
                 "eq.VALUE, gt.VALUE, in.(A,B), is.null, not.eq.VALUE, ...");
    openapi_text(cJSON_AddObjectToObject(parameter, "schema"), "type", "string");
  }
}

static void openapi_takes(cJSON *operation, cJSON *schema) {
  cJSON *body = cJSON_AddObjectToObject(operation, "requestBody");
  cJSON_AddTrueToObject(body, "required");
  cJSON *content = cJSON_AddObjectToObject(body, "content");
  cJSON_AddItemToObject(cJSON_AddObjectToObject(content, "application/json"), "schema", schema);
}

static cJSON *openapi_one_or_more(const char *name) {
  cJSON *schema = cJSON_CreateObject(), *any = cJSON_AddArrayToObject(schema, "anyOf");
  cJSON_AddItemToArray(any, openapi_reference("components/schemas", name));
  cJSON_AddItemToArray(any, openapi_list(name));
  return schema;
}

static void openapi_relation(cJSON *paths, cJSON *schemas, const cJSON *relation) {
  static const char *const reads[] = {"select", "order", "limit", "offset", "range", "prefer"};
  static const char *const inserts[] = {"select", "columns", "on_conflict", "prefer"};
  static const char *const changes[] = {"select", "prefer"};
  const char *name = openapi_get(relation, "name"), *comment = openapi_get(relation, "comment");
  char path[128], new_name[96];
  snprintf(path, sizeof path, "/rest/v1/%s", name);
  snprintf(new_name, sizeof new_name, "%s.new", name);
  cJSON *object = cJSON_AddObjectToObject(paths, path), *operation;
  cJSON_AddItemToObject(schemas, name, openapi_row(relation, false));
  if (openapi_is(relation, "insert") || openapi_is(relation, "update"))
    cJSON_AddItemToObject(schemas, new_name, openapi_row(relation, true));
  if (openapi_is(relation, "select")) {
    operation =
        openapi_operation(object, "get", name, comment, "200", "The rows", openapi_list(name));
    cJSON_AddItemToObject(
        openapi_item(operation, "responses"), "206",
        openapi_response("A part of the rows, and their number", openapi_list(name)));
    openapi_filters(operation, relation);
    openapi_use(operation, reads, 6);
  }
  if (openapi_is(relation, "insert")) {
    operation =
        openapi_operation(object, "post", name, comment, "201",
                          "Written; the rows with return=representation", openapi_list(name));
    openapi_use(operation, inserts, 4);
    openapi_takes(operation, openapi_one_or_more(new_name));
  }
  if (openapi_is(relation, "update")) {
    operation = openapi_operation(object, "patch", name, comment, "200",
                                  "The rows, with return=representation", openapi_list(name));
    cJSON_AddItemToObject(openapi_item(operation, "responses"), "204",
                          openapi_response("Written", NULL));
    openapi_filters(operation, relation);
    openapi_use(operation, changes, 2);
    cJSON *partial = cJSON_CreateObject();
    openapi_text(partial, "type", "object");
    cJSON_AddItemToObject(
        partial, "properties",
        cJSON_Duplicate(openapi_item(openapi_item(schemas, new_name), "properties"), true));
    openapi_takes(operation, partial);
  }
  if (openapi_is(relation, "delete")) {
    operation = openapi_operation(object, "delete", name, comment, "200",
                                  "The rows, with return=representation", openapi_list(name));
    cJSON_AddItemToObject(openapi_item(operation, "responses"), "204",
                          openapi_response("Deleted", NULL));
    openapi_filters(operation, relation);
    openapi_use(operation, changes, 2);
  }
}

/* ---- 3.1: functions */

static cJSON *openapi_arguments(const cJSON *function) {
  cJSON *schema = cJSON_CreateObject(), *required = cJSON_CreateArray();
  const cJSON *argument;
  openapi_text(schema, "type", "object");
  cJSON *properties = cJSON_AddObjectToObject(schema, "properties");
  cJSON_ArrayForEach(argument, openapi_item(function, "arguments")) {
    const char *name = openapi_get(argument, "name"), *comment = openapi_get(argument, "comment");
    cJSON *property = cJSON_AddObjectToObject(properties, name);
    if (comment != NULL) openapi_text(property, "description", comment);
    if (openapi_is(argument, "required")) cJSON_AddItemToArray(required, cJSON_CreateString(name));
  }
  cJSON_AddFalseToObject(schema, "additionalProperties");
  if (cJSON_GetArraySize(required) > 0)
    cJSON_AddItemToObject(schema, "required", required);
  else
    cJSON_Delete(required);
  return schema;
}

static void openapi_function(cJSON *paths, const cJSON *function) {
  static const char *const headers[] = {"prefer", "idempotencyKey"};
  const char *name = openapi_get(function, "name"), *comment = openapi_get(function, "comment");
  bool reads = openapi_is(function, "reads");
  char path[128], tag[96];
  snprintf(path, sizeof path, "/rest/v1/rpc/%s", name);
  snprintf(tag, sizeof tag, "rpc_%s", name);
  cJSON *object = cJSON_AddObjectToObject(paths, path);
  cJSON *operation =
      openapi_operation(object, "post", tag, comment, "200", "The result", cJSON_CreateObject());
  openapi_use(operation, headers, reads ? 1 : 2);
  openapi_takes(operation, openapi_arguments(function));
  if (!reads) return;
  operation =
      openapi_operation(object, "get", tag, comment, "200", "The result", cJSON_CreateObject());
  cJSON *list = cJSON_AddArrayToObject(operation, "parameters");
  const cJSON *argument;
  cJSON_ArrayForEach(argument, openapi_item(function, "arguments")) {
    cJSON *parameter = cJSON_CreateObject();
    const char *meaning = openapi_get(argument, "comment");
    cJSON_AddItemToArray(list, parameter);
    openapi_text(parameter, "name", openapi_get(argument, "name"));
    openapi_text(parameter, "in", "query");
    if (meaning != NULL) openapi_text(parameter, "description", meaning);
    if (openapi_is(argument, "required")) cJSON_AddTrueToObject(parameter, "required");
    openapi_text(cJSON_AddObjectToObject(parameter, "schema"), "type", "string");
  }
}

/* ---- 3.1: /api */

static void openapi_path_id(cJSON *path) {
  cJSON *parameter = cJSON_CreateObject();
  cJSON_AddItemToArray(cJSON_AddArrayToObject(path, "parameters"), parameter);
  openapi_text(parameter, "name", "id");
  openapi_text(parameter, "in", "path");
  cJSON_AddTrueToObject(parameter, "required");
  openapi_text(cJSON_AddObjectToObject(parameter, "schema"), "type", "string");
}

/* The resources of api.c whose tables the caller can reach. */
static void openapi_resource(cJSON *paths, const struct api_resource *resource,
                             const cJSON *relation) {
  char tag[64], path[96];
  const char *table = resource->table;
  const char *summary = openapi_get(relation, "comment");
  snprintf(tag, sizeof tag, "api_%s", table);
  cJSON *all = cJSON_AddObjectToObject(paths, resource->label), *operation;
  if (openapi_is(relation, "select"))
    openapi_operation(all, "get", tag, summary, "200", "The rows, newest first",
                      openapi_list(table));
  if (openapi_is(relation, "insert")) {
    operation = openapi_operation(all, "post", tag, summary, "201", "The new row",
                                  openapi_reference("components/schemas", table));
    cJSON *schema = cJSON_CreateObject();
    openapi_text(schema, "type", "object");
    openapi_takes(operation, schema);
  }
  snprintf(tag, sizeof tag, "api_%s_id", table);
  snprintf(path, sizeof path, "%s/{id}", resource->label);
  cJSON *one = cJSON_AddObjectToObject(paths, path);
  openapi_path_id(one);
  if (openapi_is(relation, "select"))
    openapi_operation(one, "get", tag, summary, "200", "The row",
                      openapi_reference("components/schemas", table));
  if (openapi_is(relation, "update")) {
    operation = openapi_operation(one, "patch", tag, summary, "200", "The row",
                                  openapi_reference("components/schemas", table));
    cJSON *schema = cJSON_CreateObject();
    openapi_text(schema, "type", "object");
    openapi_takes(operation, schema);
  }
  if (openapi_is(relation, "delete"))
    openapi_operation(one, "delete", tag, summary, "204", "Deleted", NULL);
}

static void openapi_resources(cJSON *paths, const cJSON *description) {
  for (size_t i = 0; i < sizeof api_resources / sizeof *api_resources; i++) {
    const cJSON *relation = rest_relation(description, api_resources[i].table);
    if (relation != NULL) openapi_resource(paths, &api_resources[i], relation);
  }
}

/* ---- 3.1: what there is besides */

static void openapi_plain(cJSON *paths, const char *path, const char *method, const char *tag,
                          const char *summary, bool takes_object) {
  cJSON *object = openapi_item(paths, path);
  if (object == NULL) object = cJSON_AddObjectToObject(paths, path);
  cJSON *operation =
      openapi_operation(object, method, tag, summary, "200", "Done", cJSON_CreateObject());
  if (takes_object) {
    cJSON *schema = cJSON_CreateObject();
    openapi_text(schema, "type", "object");
    openapi_takes(operation, schema);
  }
}

static void openapi_others(cJSON *paths) {
  openapi_plain(paths, "/auth/v1/signup", "post", "auth_signup", "Makes a user", true);
  openapi_plain(paths, "/auth/v1/token", "post", "auth_token",
                "Signs in (grant_type=password), or refreshes (grant_type=refresh_token)", true);
  openapi_plain(paths, "/auth/v1/user", "get", "auth_user", "Who the token is of", false);
  openapi_plain(paths, "/auth/v1/user", "put", "auth_user", "Changes the user", true);
  openapi_plain(paths, "/auth/v1/logout", "post", "auth_logout", "Ends the session", false);
  openapi_plain(paths, "/auth/v1/settings", "get", "auth_settings", "What is allowed", false);
  openapi_plain(paths, "/live", "get", "live", "Does the server run?", false);
  openapi_plain(paths, "/ready", "get", "ready", "Can it serve?", false);
  cJSON *operation = openapi_item(openapi_item(paths, "/auth/v1/token"), "post");
  cJSON *parameter = cJSON_CreateObject();
  cJSON_AddItemToArray(cJSON_AddArrayToObject(operation, "parameters"), parameter);
  openapi_text(parameter, "name", "grant_type");
  openapi_text(parameter, "in", "query");
  cJSON_AddTrueToObject(parameter, "required");
  openapi_text(cJSON_AddObjectToObject(parameter, "schema"), "type", "string");
}

static void openapi_security(cJSON *document, cJSON *components) {
  cJSON *schemes = cJSON_AddObjectToObject(components, "securitySchemes");
  cJSON *key = cJSON_AddObjectToObject(schemes, "apikey");
  openapi_text(key, "type", "apiKey");
  openapi_text(key, "in", "header");
  openapi_text(key, "name", "apikey");
  cJSON *bearer = cJSON_AddObjectToObject(schemes, "bearer");
  openapi_text(bearer, "type", "http");
  openapi_text(bearer, "scheme", "bearer");
  openapi_text(bearer, "bearerFormat", "JWT");
  cJSON *list = cJSON_AddArrayToObject(document, "security");
  cJSON *both = cJSON_CreateObject(), *one = cJSON_CreateObject();
  cJSON_AddItemToArray(list, both);
  cJSON_AddArrayToObject(both, "apikey");
  cJSON_AddArrayToObject(both, "bearer");
  cJSON_AddItemToArray(list, one);
  cJSON_AddArrayToObject(one, "apikey");
  cJSON_AddItemToArray(list, cJSON_CreateObject());
}

static void openapi_handle(struct web_request *request, struct web_reply *reply) {
  cJSON *description = rest_describe(request, reply, &request->caller);
  const cJSON *item;
  if (description == NULL) return;
  cJSON *document = cJSON_CreateObject();
  openapi_text(document, "openapi", "3.1.1");
  cJSON *info = cJSON_AddObjectToObject(document, "info");
  openapi_text(info, "title", "ledger");
  openapi_text(info, "version", LEDGER_VERSION);
  openapi_text(info, "description",
               "What the caller's role can reach: tables in the dialect of PostgREST, functions of "
               "the book.");
  cJSON *servers = cJSON_AddArrayToObject(document, "servers"), *server = cJSON_CreateObject();
  cJSON_AddItemToArray(servers, server);
  openapi_text(server, "url", "/");
  cJSON *paths = cJSON_AddObjectToObject(document, "paths");
  cJSON *components = cJSON_AddObjectToObject(document, "components");
  cJSON *schemas = cJSON_AddObjectToObject(components, "schemas");
  cJSON_ArrayForEach(item, openapi_item(description, "relations")) {
    if (strcmp(openapi_get(item, "schema"), "public") == 0) openapi_relation(paths, schemas, item);
  }
  cJSON_ArrayForEach(item, openapi_item(description, "functions")) {
    openapi_function(paths, item);
  }
  openapi_resources(paths, description);
  openapi_others(paths);
  openapi_error_schema(schemas);
  openapi_parameters(cJSON_AddObjectToObject(components, "parameters"));
  cJSON_AddItemToObject(
      cJSON_AddObjectToObject(components, "responses"), "Error",
      openapi_response("Refused", openapi_reference("components/schemas", "Error")));
  openapi_security(document, components);
  cJSON_Delete(description);
  openapi_reply(request, reply, document, REST_JSON);
}
