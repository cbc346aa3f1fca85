/*
** ddl_do: DO blocks. One that makes roles and the schema auth is kept for the export as it is; one that wraps definitions
** ("create it unless it exists") is read as those definitions. Any other is refused.
*/
#include "ddl.h"

static bool do_is_environment(const PgQuery__Node *node) {
  switch (node->node_case) {
  case PG_QUERY__NODE__NODE_CREATE_ROLE_STMT:
  case PG_QUERY__NODE__NODE_ALTER_ROLE_STMT:
  case PG_QUERY__NODE__NODE_CREATE_SCHEMA_STMT:
  case PG_QUERY__NODE__NODE_GRANT_STMT:
  case PG_QUERY__NODE__NODE_GRANT_ROLE_STMT:
  case PG_QUERY__NODE__NODE_ALTER_DEFAULT_PRIVILEGES_STMT: return true;
  case PG_QUERY__NODE__NODE_CREATE_FUNCTION_STMT: {
    const PgQuery__CreateFunctionStmt *function = node->create_function_stmt;
    const char *schema = function->n_funcname > 1 ? node_string(function->funcname[0]) : NULL;
    return schema != NULL && strcmp(schema, "auth") == 0;
  }
  default: return false;
  }
}

static bool do_is_definition(const PgQuery__Node *node) {
  switch (node->node_case) {
  case PG_QUERY__NODE__NODE_CREATE_ENUM_STMT:
  case PG_QUERY__NODE__NODE_ALTER_ENUM_STMT:
  case PG_QUERY__NODE__NODE_CREATE_DOMAIN_STMT:
  case PG_QUERY__NODE__NODE_CREATE_STMT:
  case PG_QUERY__NODE__NODE_ALTER_TABLE_STMT:
  case PG_QUERY__NODE__NODE_INDEX_STMT:
  case PG_QUERY__NODE__NODE_CREATE_TRIG_STMT:
  case PG_QUERY__NODE__NODE_CREATE_POLICY_STMT:
  case PG_QUERY__NODE__NODE_CREATE_SEQ_STMT:
  case PG_QUERY__NODE__NODE_INSERT_STMT:
  case PG_QUERY__NODE__NODE_COMMENT_STMT:
  case PG_QUERY__NODE__NODE_CREATE_EXTENSION_STMT: return true;
  default: return do_is_environment(node);
  }
}

static void do_keep(struct compiler *c, const PgQuery__Node *node) {
  struct ddl *ddl = ddl_of(c);
  if (node->node_case == PG_QUERY__NODE__NODE_CREATE_ROLE_STMT)
    *APPEND(c, ddl->roles, ddl->role_count) = node->create_role_stmt->role;
  if (node->node_case == PG_QUERY__NODE__NODE_CREATE_SCHEMA_STMT) {
    *APPEND(c, ddl->do_schemas, ddl->do_schema_count) = node->create_schema_stmt->schemaname;
  }
  if (node->node_case == PG_QUERY__NODE__NODE_CREATE_FUNCTION_STMT) ddl->has_auth = true;
  if (node->node_case == PG_QUERY__NODE__NODE_GRANT_STMT ||
      node->node_case == PG_QUERY__NODE__NODE_ALTER_DEFAULT_PRIVILEGES_STMT)
    ddl_grant(c, node, true);
}

/* The inner statements as if they stood in the file by themselves, each at its own place. */
static void do_run(struct compiler *c, int count, const char *const *texts,
                   PgQuery__Node *const *nodes) {
  struct ddl *ddl = ddl_of(c);
  const char *statement = ddl->statement;
  int start = c->statement_start, length = ddl->statement_length;
  note(c, SCHEMA_HINT, 0, NULL,
       "the definitions in this DO block are taken as if they stood alone: nothing exists before");
  for (int i = 0; i < count; i++) {
    const char *found = strstr(statement, texts[i]);
    c->statement_start = start + (found != NULL ? (int)(found - statement) : 0);
    ddl->statement = texts[i];
    ddl->statement_length = (int)strlen(texts[i]);
    ddl_statement(c, nodes[i]);
  }
  c->statement_start = start;
  ddl->statement = statement;
  ddl->statement_length = length;
}

void ddl_do(struct compiler *c, const PgQuery__DoStmt *statement) {
  struct ddl *ddl = ddl_of(c);
  const char **texts = NULL;
  PgQuery__Node **nodes = NULL;
  int count = 0, node_count = 0;
  bool is_environment = true, is_definition = true;
  (void)statement;
  if (!plpgsql_statements(c, ddl->statement, &count, &texts) || count == 0) {
    ddl_leave_out(c, 0, "write the definitions without DO",
                  "this DO block does more than make roles or definitions, and is not run");
    return;
  }
  for (int i = 0; i < count; i++) {
    PgQuery__ParseResult *tree = parse_text_at(c, texts[i], 0);
    if (tree == NULL || tree->n_stmts != 1) return;
    *APPEND(c, nodes, node_count) = tree->stmts[0]->stmt;
    is_environment = is_environment && do_is_environment(tree->stmts[0]->stmt);
    is_definition = is_definition && do_is_definition(tree->stmts[0]->stmt);
  }
  if (is_environment) {
    for (int i = 0; i < count; i++) do_keep(c, nodes[i]);
    *APPEND(c, ddl->preludes, ddl->prelude_count) = ddl->statement;
    note(c, SCHEMA_RECORDED, 0, NULL,
         "this DO block makes roles, schemas and privileges; it is kept for the export");
  } else if (is_definition) {
    do_run(c, count, texts, nodes);
  } else {
    ddl_leave_out(c, 0, "write the definitions without DO",
                  "this DO block does more than make roles or definitions, and is not run");
  }
}
