/*
** access: who may see and do what, and the query builder. Private prototypes, seen by sync and the front door.
*/
#ifndef LEDGER_ACCESS_H
#define LEDGER_ACCESS_H

/* ---- policy.c, policy_rule.c: row-level security and privileges of a caller's role, as SQL for the query builder. Texts live in the catalog's or
** the call's arena.
**
** What PostgreSQL demands, and who asks for it:
**   a table is read, at the root or embedded  privilege SELECT; rows: using(SELECT)
**   INSERT       privilege INSERT; each new row, before its NOT NULL, CHECK and unique constraints: complaint(INSERTED)
**   UPDATE       privilege UPDATE; old rows: using(UPDATE); each new row, as the triggers leave it and before its constraints:
**                complaint(UPDATED)
**   DELETE       privilege DELETE; old rows: using(DELETE)
**   and where a write also reads its table, by a filter, RETURNING of columns or ON CONFLICT (columns): privilege SELECT, old rows also
**   using(SELECT), and complaint(..., reads = true)
**   INSERT ... ON CONFLICT DO UPDATE: privileges INSERT, UPDATE, SELECT; the proposed row: complaint(INSERTED, true), also
**                where it then conflicts; the row that is there: complaint(IN_CONFLICT, true); what it becomes:
**                complaint(UPDATED, true). DO NOTHING: complaint(INSERTED, true) alone; a hidden row in the way is passed over.
** Only the table that a statement names is asked about: what foreign keys and triggers of the schema do to others is not. Call within the
** transaction or the snapshot that the statement runs in.
*/

enum policy_verb { POLICY_SELECT, POLICY_INSERT, POLICY_UPDATE, POLICY_DELETE };
enum policy_moment { POLICY_INSERTED, POLICY_UPDATED, POLICY_IN_CONFLICT };

/* The caller of the statements of this call: what the claims' functions read. NULL: the owner. Borrowed until policy_leave().
** INVALID_PARAMETER: no such role; UNSUPPORTED: a file whose policies were compiled without marks. */
LEDGER_PRIVATE int policy_enter(ledger *db, const ledger_caller *caller);
/* Who acts in the audit trail is the caller's actor from now on: for what writes. */
LEDGER_PRIVATE int policy_act(ledger *db);
LEDGER_PRIVATE void policy_leave(ledger *db);
/* May the caller do that at all, by the role's privileges and the API key's permissions? FORBIDDEN "permission denied for table x". */
LEDGER_PRIVATE int policy_privilege(ledger *db, const struct relation *relation, enum policy_verb verb);
/* Do the permissions of the caller's API key, {"read:accounts": true, "write:*": true}, have the member "what:name" or "what:*"? Without
** any, and where they are an empty object, they allow all; what is no object allows nothing. After policy_enter(). */
LEDGER_PRIVATE int policy_permitted(ledger *db, const char *what, const char *name, bool *permitted);
/* What stands behind FROM for the relation: main."t", or for a view that asks as its caller its SELECT in parentheses. */
LEDGER_PRIVATE int policy_source(ledger *db, const struct relation *relation, const char **sql);
/*
** Which rows the caller may see (SELECT), change (UPDATE) or delete: a condition over "stored_name"."column" and bare column names,
** valid where the table stands in FROM under its own stored name and innermost; *sql NULL: all of them. Tables in its
** subqueries have the caller's SELECT policies in them. Terms that no column takes part in were evaluated already: the text differs with
** their values, and a statement of it is for this call. A view has no condition of its own.
** INVALID_DEFINITION "infinite recursion detected in policy for relation"; FORBIDDEN: a table in a policy that the role may not read.
*/
LEDGER_PRIVATE int policy_using(ledger *db, const struct relation *relation, enum policy_verb verb, const char **sql);
/* What stands against a new row: an expression over it, as above, whose value is null when nothing does, and else the sentence of a
** FORBIDDEN, which names the restrictive policy that is in the way; *sql NULL: nothing ever does. */
LEDGER_PRIVATE int policy_complaint(ledger *db, const struct relation *relation, enum policy_moment moment, bool reads,
                                    const char **sql);
/* After an error in writing the relation, before policy_leave(): takes out of the detail what PostgreSQL does not say where policies are
** asked: the values of the failing row, or of a key. */
LEDGER_PRIVATE void policy_discreet(ledger *db, const struct relation *relation);
LEDGER_PRIVATE int policy_list(ledger *db, ledger_rows **out); /* ledger_policies() */

/* ---- query_*.c: a PostgREST query string over a table or view, parsed into a tree, typed, planned, bound */

#include "query.h"

/* As ledger_select() describes it. */
LEDGER_PRIVATE int query_select(ledger *db, const char *table, const char *query, ledger_rows **out);
/* ledger_ask(), between connection_enter() and query_end(). */
LEDGER_PRIVATE int query_ask(ledger *db, const ledger_query *query, ledger_answer *answer);
/* An answer without anything in it: query_ask() and call_function() begin with it. */
LEDGER_PRIVATE void query_start(ledger_answer *answer);
/* Fills in its error, and its code where it has none of its own; without text then. Returns rc. */
LEDGER_PRIVATE int query_end(ledger *db, int rc, ledger_answer *answer);
LEDGER_PRIVATE void query_answer_free(ledger_answer *answer);

/* ---- signing in: as ledger.h describes them. Texts of what they fill lie in the call's arena. */

LEDGER_PRIVATE int user_configure(ledger *db, const ledger_auth_settings *settings);
LEDGER_PRIVATE void user_close(ledger *db); /* the handle closes */
LEDGER_PRIVATE int user_create(ledger *db, const ledger_user_change *change, ledger_user *out);
LEDGER_PRIVATE int user_update(ledger *db, const char *id, const ledger_user_change *change, ledger_user *out);
LEDGER_PRIVATE int user_get(ledger *db, const char *name, ledger_user *out);
LEDGER_PRIVATE int user_list(ledger *db, int64_t page, int per_page, int (*each)(void *context, const ledger_user *user),
                             void *context, int64_t *total);
LEDGER_PRIVATE int user_delete(ledger *db, const char *id, bool soft);
LEDGER_PRIVATE int session_sign_in(ledger *db, const char *name, const char *password, const ledger_client *client,
                                   ledger_session *out);
LEDGER_PRIVATE int session_open(ledger *db, const char *user_id, const char *method, const ledger_client *client,
                                ledger_session *out);
LEDGER_PRIVATE int session_refresh(ledger *db, const char *refresh_token, const ledger_client *client, ledger_session *out);
LEDGER_PRIVATE int session_close(ledger *db, const char *user_id, const char *session_id, enum ledger_scope scope);
LEDGER_PRIVATE int token_verify(ledger *db, const char *token, ledger_identity *out);
LEDGER_PRIVATE int token_sign_role(ledger *db, const char *role, int64_t seconds, char **token);
LEDGER_PRIVATE int token_rotate(ledger *db, const char *secret, int64_t overlap_seconds);
LEDGER_PRIVATE int api_key_create(ledger *db, const ledger_key_request *request, char **id, char **key);
LEDGER_PRIVATE int api_key_verify(ledger *db, const char *key, ledger_identity *out);
LEDGER_PRIVATE int api_key_revoke(ledger *db, const char *id);
LEDGER_PRIVATE int api_key_list(ledger *db, ledger_rows **out);
LEDGER_PRIVATE int role_grant(ledger *db, const char *user, const char *role);
LEDGER_PRIVATE int role_revoke(ledger *db, const char *user, const char *role);
/* Has the user with that id the role of the schema's (user_roles or users.role)? False also where the schema has neither. */
LEDGER_PRIVATE int role_has(ledger *db, const char *user_id, const char *role, bool *has);
LEDGER_PRIVATE int published_secret(ledger *db, const char **what);

/* ---- group.c, call.c, describe.c */

LEDGER_PRIVATE bool call_reads(const char *name); /* ledger_function_reads() */
LEDGER_PRIVATE int group_open(ledger *db, int operations_max, ledger_group **out);
LEDGER_PRIVATE int group_post(ledger_group *group, const ledger_operation *operation, ledger_result *result,
                              ledger_group_room *room);
LEDGER_PRIVATE int group_query(ledger_group *group, const ledger_query *query, ledger_answer *answer);
LEDGER_PRIVATE int group_call_function(ledger_group *group, const ledger_call_request *request, ledger_answer *answer);
LEDGER_PRIVATE void group_close(ledger_group *group);
LEDGER_PRIVATE int call_function(ledger *db, const ledger_call_request *call, ledger_answer *answer);
LEDGER_PRIVATE int describe_catalog(ledger *db, const ledger_caller *caller, char **json);

#endif
