/*
** openapi_swagger: GET /rest/v1/: the Swagger 2.0 document that PostgREST gives there and supabase-js' getOpenApiSpec() asks for.
*/

#define SWAGGER_TYPE "application/openapi+json"

static void swagger_word(cJSON *object, const char *name, const char *word) {
  cJSON_AddItemToArray(cJSON_AddArrayToObject(object, name), cJSON_CreateString(word));
}

static void swagger_media(cJSON *object, const char *name) {
  static const char *const types[] = {"application/json",
                                      "application/vnd.pgrst.object+json;nulls=stripped",
                                      "application/vnd.pgrst.object+json", "text/csv"};
  cJSON_AddItemToObject(object, name, cJSON_CreateStringArray(types, 4));
}

/* ---- definitions */

/* The note by which generators of code know keys. */
static void swagger_note(cJSON *property, const cJSON *relation, const cJSON *column) {
  const char *name = openapi_get(column, "name"), *comment = openapi_get(column, "comment");
  const cJSON *key;
  struct web_text text = {0};
  if (comment != NULL) web_text_format(&text, "%s", comment);
  bool has_note = openapi_has(openapi_item(relation, "primary_key"), name);
  if (has_note)
    web_text_format(&text, "%sNote:\nThis is a Primary Key.<pk/>", comment != NULL ? "\n\n" : "");
  cJSON_ArrayForEach(key, openapi_item(relation, "foreign_keys")) {
    const cJSON *columns = openapi_item(key, "columns"), *far = openapi_item(key, "referenced");
    if (cJSON_GetArraySize(columns) != 1 || !openapi_has(columns, name)) continue;
    const char *table = openapi_get(key, "table");
    const char *other = cJSON_GetStringValue(cJSON_GetArrayItem(far, 0));
    web_text_format(&text, "%sThis is a Foreign Key to `%s.%s`.<fk table='%s' column='%s'/>",
                    has_note          ? "\n"
                    : comment != NULL ? "\n\nNote:\n"
                                      : "Note:\n",
                    table, other, table, other);
    break;
  }
  if (text.length > 0) openapi_text(property, "description", text.bytes);
  web_text_free(&text);
}

static cJSON *swagger_property(const cJSON *relation, const cJSON *column) {
  cJSON *property = cJSON_CreateObject();
  const char *type = openapi_get(column, "type"), *initial = openapi_get(column, "default"),
             *ignored;
  const cJSON *labels = openapi_item(column, "enum"), *length = openapi_item(column, "max_length");
  char element[128], base[128];
  bool is_array = openapi_element(type, element);
  const char *json = openapi_json_type(is_array ? element : type, &ignored);
  if (initial != NULL) openapi_text(property, "default", initial);
  swagger_note(property, relation, column);
  if (cJSON_IsArray(labels)) cJSON_AddItemToObject(property, "enum", cJSON_Duplicate(labels, true));
  snprintf(base, sizeof base, "%s", type);
  if (!is_array) base[strcspn(base, "(")] = 0; /* character varying(255) has its length elsewhere */
  openapi_text(property, "format", base);
  if (is_array) {
    cJSON *items = cJSON_AddObjectToObject(property, "items");
    if (json != NULL) openapi_text(items, "type", json);
    openapi_text(property, "type", "array");
  } else if (json != NULL) {
    openapi_text(property, "type", json);
  }
  if (cJSON_IsNumber(length)) cJSON_AddNumberToObject(property, "maxLength", length->valuedouble);
  return property;
}

static cJSON *swagger_definition(const cJSON *relation) {
  cJSON *definition = cJSON_CreateObject(), *required = cJSON_CreateArray();
  const char *comment = openapi_get(relation, "comment");
  const cJSON *column;
  if (comment != NULL) openapi_text(definition, "description", comment);
  cJSON *properties = cJSON_CreateObject();
  cJSON_ArrayForEach(column, openapi_item(relation, "columns")) {
    const char *name = openapi_get(column, "name");
    if (!openapi_is(column, "nullable")) cJSON_AddItemToArray(required, cJSON_CreateString(name));
    cJSON_AddItemToObject(properties, name, swagger_property(relation, column));
  }
  if (cJSON_GetArraySize(required) > 0)
    cJSON_AddItemToObject(definition, "required", required);
  else
    cJSON_Delete(required);
  cJSON_AddItemToObject(definition, "properties", properties);
  openapi_text(definition, "type", "object");
  return definition;
}

/* ---- parameters */

static cJSON *swagger_parameter(cJSON *parameters, const char *key, const char *name,
                                const char *in, const char *description) {
  cJSON *parameter = cJSON_AddObjectToObject(parameters, key);
  openapi_text(parameter, "name", name);
  if (description != NULL) openapi_text(parameter, "description", description);
  cJSON_AddFalseToObject(parameter, "required");
  openapi_text(parameter, "in", in);
  if (strcmp(in, "body") != 0) openapi_text(parameter, "type", "string");
  return parameter;
}

static void swagger_prefer(cJSON *parameters, const char *key, const char *const *words,
                           int count) {
  cJSON *parameter = swagger_parameter(parameters, key, "Prefer", "header", "Preference");
  cJSON_AddItemToObject(parameter, "enum", cJSON_CreateStringArray(words, count));
}

static void swagger_parameters(cJSON *parameters) {
  static const char *const posts[] = {"return=representation", "return=minimal", "return=none",
                                      "resolution=ignore-duplicates",
                                      "resolution=merge-duplicates"};
  static const char *const counts[] = {"count=none", "count=exact", "count=planned",
                                       "count=estimated"};
  swagger_prefer(parameters, "preferReturn", posts, 3);
  swagger_prefer(parameters, "preferCount", counts, 4);
  swagger_prefer(parameters, "preferPost", posts, 5);
  swagger_parameter(parameters, "select", "select", "query", "Filtering Columns");
  swagger_parameter(parameters, "on_conflict", "on_conflict", "query", "On Conflict");
  swagger_parameter(parameters, "order", "order", "query", "Ordering");
  swagger_parameter(parameters, "range", "Range", "header", "Limiting and Pagination");
  openapi_text(
      swagger_parameter(parameters, "rangeUnit", "Range-Unit", "header", "Limiting and Pagination"),
      "default", "items");
  swagger_parameter(parameters, "offset", "offset", "query", "Limiting and Pagination");
  swagger_parameter(parameters, "limit", "limit", "query", "Limiting and Pagination");
}

static void swagger_relation_parameters(cJSON *parameters, const cJSON *relation) {
  const char *table = openapi_get(relation, "name");
  const cJSON *column;
  char key[192];
  snprintf(key, sizeof key, "body.%s", table);
  cJSON *body = swagger_parameter(parameters, key, table, "body", openapi_get(relation, "comment"));
  cJSON_AddItemToObject(body, "schema", openapi_reference("definitions", table));
  cJSON_ArrayForEach(column, openapi_item(relation, "columns")) {
    const char *name = openapi_get(column, "name");
    snprintf(key, sizeof key, "rowFilter.%s.%s", table, name);
    swagger_parameter(parameters, key, name, "query", openapi_get(column, "comment"));
  }
}

/* ---- paths */

static cJSON *swagger_operation(cJSON *path, const char *method, const char *tag,
                                const char *summary, const char *status, const char *words) {
  cJSON *operation = cJSON_AddObjectToObject(path, method);
  swagger_word(operation, "tags", tag);
  if (summary != NULL) openapi_text(operation, "summary", summary);
  cJSON_AddArrayToObject(operation, "parameters");
  cJSON *response =
      cJSON_AddObjectToObject(cJSON_AddObjectToObject(operation, "responses"), status);
  openapi_text(response, "description", words);
  return operation;
}

static void swagger_use(cJSON *operation, const char *name) {
  cJSON_AddItemToArray(openapi_item(operation, "parameters"),
                       openapi_reference("parameters", name));
}

static void swagger_filters(cJSON *operation, const cJSON *relation) {
  const cJSON *column;
  char key[192];
  cJSON_ArrayForEach(column, openapi_item(relation, "columns")) {
    snprintf(key, sizeof key, "rowFilter.%s.%s", openapi_get(relation, "name"),
             openapi_get(column, "name"));
    swagger_use(operation, key);
  }
}

static void swagger_relation(cJSON *paths, const cJSON *relation) {
  static const char *const reads[] = {"select", "order", "range",      "rangeUnit",
                                      "offset", "limit", "preferCount"};
  const char *table = openapi_get(relation, "name"), *comment = openapi_get(relation, "comment");
  char path[96], body[96];
  snprintf(path, sizeof path, "/%s", table);
  snprintf(body, sizeof body, "body.%s", table);
  cJSON *object = cJSON_AddObjectToObject(paths, path), *operation;
  if (openapi_is(relation, "select")) {
    operation = swagger_operation(object, "get", table, comment, "200", "OK");
    cJSON *responses = openapi_item(operation, "responses");
    cJSON *schema = cJSON_AddObjectToObject(openapi_item(responses, "200"), "schema");
    cJSON_AddItemToObject(schema, "items", openapi_reference("definitions", table));
    openapi_text(schema, "type", "array");
    openapi_text(cJSON_AddObjectToObject(responses, "206"), "description", "Partial Content");
    swagger_filters(operation, relation);
    for (int i = 0; i < 7; i++) swagger_use(operation, reads[i]);
  }
  if (openapi_is(relation, "insert")) {
    operation = swagger_operation(object, "post", table, comment, "201", "Created");
    swagger_use(operation, body);
    swagger_use(operation, "select");
    swagger_use(operation, "preferPost");
  }
  if (openapi_is(relation, "delete")) {
    operation = swagger_operation(object, "delete", table, comment, "204", "No Content");
    swagger_filters(operation, relation);
    swagger_use(operation, "preferReturn");
  }
  if (openapi_is(relation, "update")) {
    operation = swagger_operation(object, "patch", table, comment, "204", "No Content");
    swagger_filters(operation, relation);
    swagger_use(operation, body);
    swagger_use(operation, "preferReturn");
  }
}

static void swagger_function(cJSON *paths, const cJSON *function) {
  const char *name = openapi_get(function, "name"), *comment = openapi_get(function, "comment");
  char path[96], tag[96];
  snprintf(path, sizeof path, "/rpc/%s", name);
  snprintf(tag, sizeof tag, "(rpc) %s", name);
  cJSON *object = cJSON_AddObjectToObject(paths, path);
  cJSON *operation = swagger_operation(object, "post", tag, comment, "200", "OK");
  swagger_media(operation, "produces");
  cJSON *arguments = cJSON_CreateObject();
  cJSON_AddItemToArray(openapi_item(operation, "parameters"), arguments);
  cJSON_AddTrueToObject(arguments, "required");
  openapi_text(arguments, "in", "body");
  openapi_text(arguments, "name", "args");
  cJSON *schema = openapi_arguments(function);
  cJSON_DeleteItemFromObjectCaseSensitive(schema, "additionalProperties");
  cJSON_AddItemToObject(arguments, "schema", schema);
  if (!openapi_is(function, "reads")) return;
  const cJSON *argument;
  operation = swagger_operation(object, "get", tag, comment, "200", "OK");
  swagger_media(operation, "produces");
  cJSON_ArrayForEach(argument, openapi_item(function, "arguments")) {
    cJSON *parameter = cJSON_CreateObject();
    cJSON_AddItemToArray(openapi_item(operation, "parameters"), parameter);
    openapi_text(parameter, "name", openapi_get(argument, "name"));
    cJSON_AddBoolToObject(parameter, "required", openapi_is(argument, "required"));
    openapi_text(parameter, "in", "query");
    openapi_text(parameter, "type", "string");
  }
}

/* ---- the document */

static void swagger_frame(struct web_request *request, cJSON *document) {
  const char *host = web_request_header(request, "Host", 0);
  openapi_text(document, "swagger", "2.0");
  cJSON *info = cJSON_AddObjectToObject(document, "info");
  openapi_text(info, "description", "");
  openapi_text(info, "title", "standard public schema");
  openapi_text(info, "version", LEDGER_VERSION);
  openapi_text(document, "host", host == NULL ? "localhost" : host);
  openapi_text(document, "basePath", "/rest/v1");
  swagger_word(document, "schemes", web_request_scheme(request));
  swagger_media(document, "consumes");
  swagger_media(document, "produces");
}

static cJSON *swagger_document(struct web_request *request, const cJSON *description) {
  cJSON *document = cJSON_CreateObject();
  const cJSON *item;
  swagger_frame(request, document);
  cJSON *paths = cJSON_AddObjectToObject(document, "paths");
  cJSON *root = swagger_operation(cJSON_AddObjectToObject(paths, "/"), "get", "Introspection",
                                  "OpenAPI description (this document)", "200", "OK");
  swagger_word(root, "produces", SWAGGER_TYPE);
  cJSON *definitions = cJSON_AddObjectToObject(document, "definitions");
  cJSON *parameters = cJSON_AddObjectToObject(document, "parameters");
  swagger_parameters(parameters);
  cJSON_ArrayForEach(item, openapi_item(description, "relations")) {
    if (strcmp(openapi_get(item, "schema"), "public") != 0) continue;
    swagger_relation(paths, item);
    swagger_relation_parameters(parameters, item);
    cJSON_AddItemToObject(definitions, openapi_get(item, "name"), swagger_definition(item));
  }
  cJSON_ArrayForEach(item, openapi_item(description, "functions")) {
    swagger_function(paths, item);
  }
  return document;
}

static void openapi_root(struct web_request *request, struct web_reply *reply) {
  struct rest_media media;
  const char *schema, *profile;
  char message[96];
  if (request->method == WEB_OPTIONS) {
    web_header(reply, "Allow", "OPTIONS,GET,HEAD");
    return;
  }
  if (request->method != WEB_GET && request->method != WEB_HEAD) {
    snprintf(message, sizeof message, "Unsupported HTTP method: %s", request->info->request_method);
    web_header(reply, "Allow", "OPTIONS,GET,HEAD");
    rest_refuse(request, reply, "PGRST117", message, NULL, NULL);
    return;
  }
  if (!rest_profile_read(request, reply, &schema, &profile) ||
      !rest_media_read(request, reply, SWAGGER_TYPE, &media))
    return;
  if (media.form != LEDGER_FORM_ARRAY || media.strips_nulls) {
    rest_refuse(request, reply, "PGRST107", "None of these media types are available here", NULL,
                NULL);
    return;
  }
  cJSON *description = rest_describe(request, reply, &request->caller);
  if (description == NULL) return;
  rest_profile_say(reply, profile);
  cJSON *document = swagger_document(request, description);
  cJSON_Delete(description);
  openapi_reply(request, reply, document,
                web_request_has(request, "Accept", "application/json") ? REST_JSON
                                                                       : SWAGGER_TYPE
                    "; charset=utf-8");
}
