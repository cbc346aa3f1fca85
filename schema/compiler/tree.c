/*
** tree: walks over PostgreSQL's parse trees by protobuf's own descriptors, so that one loop knows every node type:
** visiting, comparing, measuring, and writing the schema before each name.
*/
#include "ddl.h"

/* The messages that one field of a message holds: none, one or a list. */
static size_t tree_children(const ProtobufCMessage *message, const ProtobufCFieldDescriptor *field,
                            ProtobufCMessage *const **children) {
  const char *base = (const char *)message;
  const void *member = base + field->offset;
  if (field->type != PROTOBUF_C_TYPE_MESSAGE) return 0;
  if (field->label == PROTOBUF_C_LABEL_REPEATED) {
    *children = *(ProtobufCMessage *const *const *)member;
    return *(const size_t *)(const void *)(base + field->quantifier_offset);
  }
  if ((field->flags & PROTOBUF_C_FIELD_FLAG_ONEOF) != 0 &&
      *(const uint32_t *)(const void *)(base + field->quantifier_offset) != field->id) {
    return 0;
  }
  *children = (ProtobufCMessage *const *)member;
  return **children != NULL;
}

void tree_walk_messages(const ProtobufCMessage *message, tree_message_visitor visit,
                        void *context) {
  if (message == NULL || !visit(context, (ProtobufCMessage *)(uintptr_t)message)) return;
  for (unsigned i = 0; i < message->descriptor->n_fields; i++) {
    ProtobufCMessage *const *children = NULL;
    size_t count = tree_children(message, &message->descriptor->fields[i], &children);
    for (size_t k = 0; k < count; k++) tree_walk_messages(children[k], visit, context);
  }
}

struct tree_node_visit {
  tree_visitor visit;
  void *context;
};

static bool tree_visit_node(void *context, ProtobufCMessage *message) {
  struct tree_node_visit *walk = context;
  if (message->descriptor != &pg_query__node__descriptor) return true;
  return walk->visit(walk->context, (PgQuery__Node *)message);
}

void tree_walk(const ProtobufCMessage *message, tree_visitor visit, void *context) {
  struct tree_node_visit walk = {visit, context};
  tree_walk_messages(message, tree_visit_node, &walk);
}

int tree_depth(const ProtobufCMessage *message) {
  int deepest = 0;
  if (message == NULL) return 0;
  for (unsigned i = 0; i < message->descriptor->n_fields; i++) {
    ProtobufCMessage *const *children = NULL;
    size_t count = tree_children(message, &message->descriptor->fields[i], &children);
    for (size_t k = 0; k < count; k++) {
      int depth = tree_depth(children[k]);
      if (depth > deepest) deepest = depth;
    }
  }
  return deepest + (message->descriptor == &pg_query__node__descriptor);
}

/* ---- comparing */

static bool tree_scalar_equal(const ProtobufCFieldDescriptor *field, const void *a, const void *b) {
  switch (field->type) {
  case PROTOBUF_C_TYPE_STRING: {
    const char *x = *(const char *const *)a, *y = *(const char *const *)b;
    return strcmp(x != NULL ? x : "", y != NULL ? y : "") == 0;
  }
  case PROTOBUF_C_TYPE_INT64:
  case PROTOBUF_C_TYPE_UINT64:
  case PROTOBUF_C_TYPE_DOUBLE: return memcmp(a, b, 8) == 0;
  default: return memcmp(a, b, 4) == 0;
  }
}

static bool tree_field_equal(const ProtobufCMessage *a, const ProtobufCMessage *b,
                             const ProtobufCFieldDescriptor *field) {
  ProtobufCMessage *const *left = NULL, *const *right = NULL;
  if (strcmp(field->name, "location") == 0 || strncmp(field->name, "stmt_l", 6) == 0) return true;
  if (field->type != PROTOBUF_C_TYPE_MESSAGE) {
    if (field->label == PROTOBUF_C_LABEL_REPEATED)
      return true; /* lists of numbers: none in raw trees */
    if ((field->flags & PROTOBUF_C_FIELD_FLAG_ONEOF) != 0) return true;
    return tree_scalar_equal(field, (const char *)a + field->offset,
                             (const char *)b + field->offset);
  }
  size_t count = tree_children(a, field, &left);
  if (count != tree_children(b, field, &right)) return false;
  for (size_t i = 0; i < count; i++) {
    if (!tree_equal(left[i], right[i])) return false;
  }
  return true;
}

bool tree_equal(const ProtobufCMessage *a, const ProtobufCMessage *b) {
  if (a == NULL || b == NULL) return a == b;
  if (a->descriptor != b->descriptor) return false;
  for (unsigned i = 0; i < a->descriptor->n_fields; i++) {
    if (!tree_field_equal(a, b, &a->descriptor->fields[i])) return false;
  }
  return true;
}

/* ---- names */

const char *node_string(const PgQuery__Node *node) {
  return node != NULL && node->node_case == PG_QUERY__NODE__NODE_STRING ? node->string->sval : NULL;
}

PgQuery__Node *node_of_string(struct compiler *c, const char *text) {
  PgQuery__Node *node = compiler_alloc(c, sizeof *node);
  PgQuery__String *string = compiler_alloc(c, sizeof *string);
  pg_query__node__init(node);
  pg_query__string__init(string);
  string->sval = compiler_copy(c, text);
  node->node_case = PG_QUERY__NODE__NODE_STRING;
  node->string = string;
  return node;
}

struct tree_names {
  struct compiler *c;
  int with_count;
  const char **with_names; /* common table expressions hide relations */
};

static bool tree_collect_with(void *context, ProtobufCMessage *message) {
  struct tree_names *names = context;
  if (message->descriptor == &pg_query__common_table_expr__descriptor) {
    *APPEND(names->c, names->with_names, names->with_count) =
        ((PgQuery__CommonTableExpr *)message)->ctename;
  }
  return true;
}

static void tree_qualify_range(struct tree_names *names, PgQuery__RangeVar *range) {
  if (range->schemaname != NULL && range->schemaname[0] != '\0') return;
  for (int i = 0; i < names->with_count; i++) {
    if (strcmp(names->with_names[i], range->relname) == 0) return;
  }
  const struct relation_def *relation = find_relation(names->c, NULL, range->relname);
  const struct sequence_def *sequence = find_sequence(names->c, NULL, range->relname);
  if (relation != NULL)
    range->schemaname = compiler_copy(names->c, relation->schema);
  else if (sequence != NULL)
    range->schemaname = compiler_copy(names->c, sequence->schema);
}

static void tree_prefix(struct compiler *c, size_t *count, PgQuery__Node ***list,
                        const char *schema) {
  PgQuery__Node **both = compiler_alloc(c, 2 * sizeof *both);
  both[0] = node_of_string(c, schema);
  both[1] = (*list)[0];
  *list = both;
  *count = 2;
}

static bool tree_qualify_message(void *context, ProtobufCMessage *message) {
  struct tree_names *names = context;
  struct compiler *c = names->c;
  if (message->descriptor == &pg_query__range_var__descriptor) {
    tree_qualify_range(names, (PgQuery__RangeVar *)message);
  } else if (message->descriptor == &pg_query__type_name__descriptor) {
    PgQuery__TypeName *type = (PgQuery__TypeName *)message;
    const char *name = type->n_names == 1 ? node_string(type->names[0]) : NULL;
    const struct enum_def *labels = name != NULL ? find_enum(c, NULL, name) : NULL;
    const struct domain_def *domain = name != NULL ? find_domain(c, NULL, name) : NULL;
    if (labels != NULL)
      tree_prefix(c, &type->n_names, &type->names, labels->schema);
    else if (domain != NULL)
      tree_prefix(c, &type->n_names, &type->names, domain->schema);
  } else if (message->descriptor == &pg_query__func_call__descriptor) {
    PgQuery__FuncCall *call = (PgQuery__FuncCall *)message;
    const char *name = call->n_funcname == 1 ? node_string(call->funcname[0]) : NULL;
    const struct function_def *function =
        name != NULL ? find_function(c, NULL, name, (int)call->n_args) : NULL;
    if (function != NULL) tree_prefix(c, &call->n_funcname, &call->funcname, function->schema);
  }
  return true;
}

void tree_qualify(struct compiler *c, const ProtobufCMessage *message) {
  struct tree_names names = {.c = c};
  tree_walk_messages(message, tree_collect_with, &names);
  tree_walk_messages(message, tree_qualify_message, &names);
}

static bool tree_find_range(void *context, ProtobufCMessage *message) {
  if (message->descriptor == &pg_query__range_var__descriptor) *(bool *)context = true;
  return true;
}

bool tree_uses_relations(const ProtobufCMessage *message) {
  bool found = false;
  tree_walk_messages(message, tree_find_range, &found);
  return found;
}

struct tree_rename {
  struct compiler *c;
  const char *from, *to;
  bool renamed;
};

static bool tree_rename_node(void *context, PgQuery__Node *node) {
  struct tree_rename *rename = context;
  if (node->node_case != PG_QUERY__NODE__NODE_COLUMN_REF || node->column_ref->n_fields == 0)
    return true;
  PgQuery__ColumnRef *reference = node->column_ref;
  const char *last = node_string(reference->fields[reference->n_fields - 1]);
  if (last != NULL && strcmp(last, rename->from) == 0) {
    reference->fields[reference->n_fields - 1] = node_of_string(rename->c, rename->to);
    rename->renamed = true;
  }
  return true;
}

bool tree_rename_column(struct compiler *c, const PgQuery__Node *node, const char *from,
                        const char *to) {
  struct tree_rename rename = {c, from, to, false};
  if (node != NULL) tree_walk(&node->base, tree_rename_node, &rename);
  return rename.renamed;
}

struct tree_rename_table {
  struct compiler *c;
  const struct relation_def *relation;
  const char *schema, *to;
  bool is_own;
};

static bool tree_rename_message(void *context, ProtobufCMessage *message) {
  struct tree_rename_table *rename = context;
  const struct relation_def *relation = rename->relation;
  if (message->descriptor == &pg_query__range_var__descriptor) {
    PgQuery__RangeVar *range = (PgQuery__RangeVar *)message;
    if (strcmp(range->relname, relation->name) != 0 ||
        strcmp(range->schemaname, relation->schema) != 0)
      return true;
    /* Columns may be written with the old name before them. */
    if (range->alias == NULL) {
      range->alias = compiler_alloc(rename->c, sizeof *range->alias);
      pg_query__alias__init(range->alias);
      range->alias->aliasname = range->relname;
    }
    range->relname = compiler_copy(rename->c, rename->to);
    range->schemaname = compiler_copy(rename->c, rename->schema);
  } else if (message->descriptor == &pg_query__column_ref__descriptor && rename->is_own) {
    PgQuery__ColumnRef *reference = (PgQuery__ColumnRef *)message;
    const char *table = reference->n_fields == 2 ? node_string(reference->fields[0]) : NULL;
    if (table != NULL && strcmp(table, relation->name) == 0)
      reference->fields[0] = node_of_string(rename->c, rename->to);
  }
  return true;
}

void tree_rename_relation(struct compiler *c, const ProtobufCMessage *message,
                          const struct relation_def *relation, const char *schema, const char *to,
                          bool is_own) {
  struct tree_rename_table rename = {c, relation, schema, to, is_own};
  if (message != NULL) tree_walk_messages(message, tree_rename_message, &rename);
}

struct tree_subquery {
  struct compiler *c;
  const PgQuery__SubLink *link;
  const PgQuery__FuncCall *call; /* of a function that reads tables, or whose body is not known */
};

static bool tree_find_subquery(void *context, PgQuery__Node *node) {
  struct tree_subquery *found = context;
  if (node->node_case == PG_QUERY__NODE__NODE_SUB_LINK && found->link == NULL)
    found->link = node->sub_link;
  if (node->node_case != PG_QUERY__NODE__NODE_FUNC_CALL || found->call != NULL) return true;
  const PgQuery__FuncCall *call = node->func_call;
  const char *name = node_string(call->funcname[call->n_funcname - 1]);
  const char *schema = call->n_funcname > 1 ? node_string(call->funcname[0]) : NULL;
  const struct function_def *function = find_function(found->c, schema, name, (int)call->n_args);
  if (function == NULL) function = find_function(found->c, schema, name, -1);
  if (function == NULL || strcmp(function->schema, "auth") == 0) return true;
  if (function->body_expression == NULL || tree_uses_relations(&function->body_expression->base))
    found->call = call;
  return true;
}

bool tree_calls_reader(struct compiler *c, const PgQuery__Node *node) {
  struct tree_subquery found = {c, NULL, NULL};
  if (node != NULL) tree_walk(&node->base, tree_find_subquery, &found);
  return found.call != NULL;
}

bool tree_refuse_subquery(struct compiler *c, const PgQuery__Node *node, const char *what) {
  struct tree_subquery found = {c, NULL, NULL};
  if (node != NULL) tree_walk(&node->base, tree_find_subquery, &found);
  return found.link == NULL ||
         note_error(c, found.link->location, "0A000", NULL, "cannot use subquery in %s", what);
}
