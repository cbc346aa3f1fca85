/*
** query.h: what the files of the query builder share. A request is read into a tree (query_scan.c, query_parse.c) of resources: the
** table that was asked for and those embedded in it, each with the items of its select=, its filters and its order; its
** relationships are found and everything in it is typed against the catalog (query_relate.c, query_type.c); then it is written as SQL, one
** statement for each resource (query_sql.c), and run, and what it gives is printed (query_read.c, query_print.c).
** No text of the caller's stands in the SQL: names come from the catalog, values are bound. All of it lies in the handle's arena.
*/
#ifndef LEDGER_QUERY_H
#define LEDGER_QUERY_H

/* One more of any of these is TOO_COMPLEX. */
#define QUERY_NESTING_MAX 32      /* of and(), or() */
#define QUERY_CONDITIONS_MAX 500  /* in a request; SQLite nests an AND for each */
#define QUERY_VALUES_MAX 30000    /* in a request; parameters of one statement */
#define QUERY_EMBED_DEPTH_MAX 16  /* a resource in a resource in ... */
#define QUERY_EMBED_MAX 64        /* embedded resources in a request; each is a statement */
#define QUERY_STEPS_MAX 32        /* of a path into a document */
#define QUERY_ANSWER_MAX 67108863 /* bytes of an answer, which is made in memory; one more is PROGRAM_LIMIT */

/* ---- the tree */

struct query_step { /* ->key, ->>key, ->0, ->>-1 */
  bool is_text;     /* ->> */
  bool is_index;
  int64_t index;
  const char *key; /* as it was written, also a number */
  size_t length;
};

struct query_field { /* a column, or what a path finds in it */
  const char *name;
  size_t length;
  int step_count;
  struct query_step *steps;
  int column;       /* position in the relation; -1: not looked up yet, or none */
  struct type type; /* of the whole */
  const char *type_name;
};

enum query_kind { QUERY_AND, QUERY_OR, QUERY_CONDITION, QUERY_EMBED_IS_NULL };
enum query_quantifier { QUERY_ONE, QUERY_ANY, QUERY_ALL };

struct query_text {
  const char *text;
  size_t length;
};

enum query_shape { QUERY_COMPARES, QUERY_DIFFERS, QUERY_MATCHES, QUERY_LISTS, QUERY_IS, QUERY_CONTAINS, QUERY_SEARCHES };
struct query_operator {
  const char *word; /* eq */
  enum query_shape shape;
  bool has_quantifier; /* eq(any) */
  const char *sql;     /* between field and operand, or the function's name */
  const char *symbol;  /* PostgreSQL's operator, for messages */
};

struct query_condition {
  enum query_kind kind;
  bool negated;
  struct query_condition *first, *last; /* of and(), or(); linked by next */
  struct query_condition *next;
  struct query_field field;
  const struct query_operator *operator;
  enum query_quantifier quantifier;
  const char *is;                   /* what follows IS in SQL */
  const char *is_boolean;           /* true, false, unknown: the word, for booleans alone */
  int text_count;                   /* operands as they were given */
  const struct query_text *texts;
  int value_count; /* the same in the stored form of what they are compared with */
  struct value *values;
  const struct query_resource *embedded; /* QUERY_EMBED_IS_NULL */
};

struct query_order {
  struct query_field field;
  const char *resource; /* order=resource(field), or NULL */
  size_t resource_length;
  const struct query_resource *embedded; /* that it names */
  bool descending, nulls_first;
  struct query_order *next;
};

enum query_aggregate { QUERY_NO_AGGREGATE, QUERY_COUNT, QUERY_SUM, QUERY_AVG, QUERY_MAX, QUERY_MIN };
enum query_item_kind { QUERY_STAR, QUERY_FIELD, QUERY_EMBEDDED };

struct query_item { /* of select= */
  enum query_item_kind kind;
  struct query_field field; /* of count() the name is "" */
  enum query_aggregate aggregate;
  const char *alias, *cast, *aggregate_cast; /* or NULL */
  struct query_resource *embedded;
  const char *name; /* what it is called in the answer */
  size_t name_length;
  const char *key; /* the same as JSON with a comma before it and a colon behind: ,"name": */
  size_t key_length;
  struct type cast_type, result_type; /* of the field once it is cast; of the aggregate */
  const char *cast_type_name;
  struct type type; /* of what is answered */
  const char *type_name;
  int result; /* position in what the statement gives */
  struct query_item *next;
};

enum query_join { QUERY_LEFT, QUERY_INNER };
enum query_cardinality { QUERY_TO_ONE, QUERY_TO_MANY, QUERY_THROUGH };

struct query_relationship {
  enum query_cardinality cardinality;
  bool is_one_to_one;
  const struct relation *target;
  const struct constraint *key; /* the foreign key; of QUERY_THROUGH the junction's to the origin */
  bool is_key_of_origin;        /* it is the origin's key, not the target's */
  const struct constraint *far_key; /* QUERY_THROUGH: the junction's to the target, */
  const int *far;                   /* and where that shows the columns that it points to */
  int count;                        /* of columns that are equal: */
  const int *origin, *near;         /* positions in the origin and in the target or junction */
};

struct query_resource {
  struct query_resource *parent, *first, *last, *next; /* embedded ones, linked by next */
  int number, depth;                                   /* 0: the table that was asked for */
  const char *name, *alias, *hint;                     /* alias, hint: or NULL */
  size_t name_length;
  bool is_spread;
  enum query_join join;
  bool has_items; /* (): none */
  int item_count;
  struct query_item *items, *last_item;
  struct query_condition where; /* an AND of all that stands at this resource */
  struct query_order *orders;
  int64_t limit, offset; /* limit -1: none */
  /* found: */
  const struct relation *relation;
  const char *sql_name; /* what PostgREST calls it in its SQL, and PostgreSQL in messages: posts_1 */
  struct query_relationship to_parent;
  bool has_aggregate; /* its items are grouped */
  struct query_run *run; /* query_read.c */
};

/* A request that is being carried out. Zeroed, then filled by query_open(). */
struct query {
  ledger *db;
  const ledger_query *ask; /* NULL: ledger_select() */
  ledger_answer *answer;
  const struct relation *relation;
  struct query_resource root;
  bool has_columns;        /* columns=, on_conflict=: names as given, not looked up */
  int column_count, conflict_count; /* conflict_count 0: no on_conflict */
  const struct query_text *columns, *conflict;
  bool has_limit, has_offset; /* limit=, offset= of the table itself were given */
  int condition_count, value_count, embed_count;
  struct arena scratch;    /* emptied with each row of the answer */
  bool has_entered;        /* policy_enter() was called */
};

/* ---- query.c: errors, opening, the verbs */

/* Sets the error and, in the answer, PostgREST's own code ("PGRST204"), NULL: the SQLSTATE is the code. Returns `code`. error_detail()
** and error_hint() on query->db->error then add theirs. */
LEDGER_PRIVATE int query_refuse(struct query *query, const char *own_code, int code, const char *format, ...)
    PRINTF_LIKE(4, 5);
/*
** Within a transaction (transaction_begin(), or transaction_begin_read()) whose catalog is fresh: takes the caller's role, finds the relation, reads
** query->ask->text, looks up and types everything in it. The filters of the root are there for every verb; select= is only looked at where
** rows are given. Nothing has been asked of the caller's privileges yet.
** UNDEFINED_TABLE (PGRST205), SYNTAX (PGRST100), BAD_QUERY (PGRST1xx, 2xx), UNDEFINED_COLUMN, the 22xxx of operands.
*/
LEDGER_PRIVATE int query_open(struct query *query, ledger *db, const ledger_query *ask, ledger_answer *answer);
/* Lets go of what query_open() took, whether or not it failed. */
LEDGER_PRIVATE void query_close(struct query *query);
/* query_write.c: ledger_ask() of every verb but READ. Begins its transaction, then calls query_open(), at the end query_close(). A plain
** filter a=eq.1 of the table itself is a condition in query->root.where.first, ->next ... of kind QUERY_CONDITION, not negated, of
** quantifier QUERY_ONE, whose operator's word is "eq", whose field has a column and no steps, with its operand in values[0]. */
LEDGER_PRIVATE int query_write(ledger *db, const ledger_query *ask, ledger_answer *answer);

/* ---- query_scan.c: a parameter's text, read from left to right. It says what PostgREST's parser would have expected. */

#define SCAN_EXPECTED_MAX 16
struct scan_failure {
  bool is_set, is_told;   /* is_told: the character itself is what is wrong */
  const char *where;      /* the farthest place that was reached */
  const char *unexpected; /* what stands in the way */
  int count;
  const char *expected[SCAN_EXPECTED_MAX];
};
struct query_scan {
  struct query *query;
  const char *what, *name; /* "filter", and its text, for the message */
  size_t name_length;
  const char *text, *at, *end;
  struct scan_failure failure; /* what failed since the last character was taken */
  int rc;                      /* an error besides: short memory, a limit */
};
struct scan_mark {
  const char *at;
  struct scan_failure failure;
};
LEDGER_PRIVATE void scan_start(struct query_scan *scan, struct query *query, const char *what, const char *text, size_t length);
LEDGER_PRIVATE int scan_stop(struct query_scan *scan, int code); /* ends reading; the error is set. Returns code */
LEDGER_PRIVATE int scan_error(struct query_scan *scan);          /* PGRST100, or what scan_stop() was told */
LEDGER_PRIVATE bool scan_fail(struct query_scan *scan, const char *where, const char *unexpected, bool is_told, const char *label);
/* An attempt: scan_back() undoes it and keeps what it expected. */
LEDGER_PRIVATE struct scan_mark scan_try(struct query_scan *scan);
LEDGER_PRIVATE void scan_back(struct query_scan *scan, const struct scan_mark *mark);
/* Ends an attempt that goes by a name of its own: where nothing was taken it is the name that was expected. Returns `found`. */
LEDGER_PRIVATE bool scan_label(struct query_scan *scan, const struct scan_mark *mark, bool found, const char *label);
/* `label` is what is said to be expected; NULL: nothing is said. */
LEDGER_PRIVATE bool scan_char(struct query_scan *scan, char c, const char *label);
LEDGER_PRIVATE bool scan_word(struct query_scan *scan, const char *word, const char *label);
LEDGER_PRIVATE bool scan_ahead(struct query_scan *scan, const char *word, const char *label); /* takes nothing */
LEDGER_PRIVATE bool scan_point(struct query_scan *scan);
LEDGER_PRIVATE bool scan_at_end(struct query_scan *scan);
LEDGER_PRIVATE void scan_spaces(struct query_scan *scan);
LEDGER_PRIVATE bool scan_identifier(struct query_scan *scan, struct query_text *out);
LEDGER_PRIVATE bool scan_quoted(struct query_scan *scan, struct query_text *out);
LEDGER_PRIVATE bool scan_name(struct query_scan *scan, struct query_text *out); /* a column's, a table's */
LEDGER_PRIVATE bool scan_key(struct query_scan *scan, struct query_text *out);  /* of a document */

/* ---- query_parse.c: the query string into the tree */

LEDGER_PRIVATE int parse_query(struct query *query, const char *text);
/* The resource within `parent` that has the name or the alias; NULL: none. */
LEDGER_PRIVATE struct query_resource *query_embedded(const struct query_resource *parent, const char *name, size_t length);

/* ---- query_relate.c: how embedded resources hang together with their parents */

LEDGER_PRIVATE int relate_query(struct query *query);
/* The table whose name is like it, by at least `least` of 1; NULL: none. has_key: of those with foreign keys. */
LEDGER_PRIVATE const char *query_like_table(struct query *query, const char *schema, const char *name, bool has_key,
                                            double least);

/* ---- query_type.c: columns looked up, operands read */

LEDGER_PRIVATE int type_query(struct query *query);
LEDGER_PRIVATE bool query_is_string(const struct type *type);
LEDGER_PRIVATE const char *query_aggregate_name(enum query_aggregate aggregate);

/* ---- query_sql.c: statements whose text is their key in the cache */

struct query_statement {
  struct query *query;
  sqlite3_str *sql;
  int count, room; /* of values, parameters 1 to count */
  struct value *values;
  bool is_short; /* memory was short */
};
LEDGER_PRIVATE void query_statement_start(struct query_statement *statement, struct query *query);
/* Appends a parameter with the value (text borrowed until the statement has run): ?1, ?2, ... */
LEDGER_PRIVATE void query_statement_value(struct query_statement *statement, const struct value *value);
/* Appends a name in double quotes. */
LEDGER_PRIVATE void query_statement_name(struct query_statement *statement, const char *name);
/* The prepared statement, reset and bound; frees the text, also after an error. Valid for this call into the library: reset it. */
LEDGER_PRIVATE int query_statement_make(struct query_statement *statement, sqlite3_stmt **out);
/*
** Appends ` FROM main."stored_name" WHERE ...` (WHERE only where it is needed): the rows of the table that was asked for which the filters of the
** request select among those that the policy of the verb shows; and that of SELECT, too, where there is a filter or rows are to be
** returned, as PostgreSQL has it. What could raise an error is evaluated for rows that the policies show, alone. For a verb but READ
** the order= and limit= are not in it.
*/
LEDGER_PRIVATE int query_statement_target(struct query_statement *statement, enum policy_verb verb);

struct query_run { /* what reading a resource needs */
  const char *source, *policy;                   /* of its relation, as policy.c gives them */
  const char *junction_source, *junction_policy; /* of its junction */
  int *results;       /* for each column of the relation, its position in what the statement gives, or -1 */
  const struct query_resource *from; /* whose statement's rows it hangs on, */
  int *keys;                         /* and the positions of its columns there */
  int rowid;          /* of query_sql_rowids(): the parameter */
  sqlite3_stmt *stmt; /* once it is made */
};
/* The statement of a resource's rows: behind SELECT what its items and the resources in it need. */
LEDGER_PRIVATE void query_sql_read(struct query_statement *statement, const struct query_resource *resource);
LEDGER_PRIVATE void query_sql_count(struct query_statement *statement, const struct query_resource *resource);
/* The same of one row, or of a JSON array of rows together, without the filters and the order. */
LEDGER_PRIVATE void query_sql_rowids(struct query_statement *statement, const struct query_resource *resource,
                                     const struct value *rowids);

/* ---- query_read.c, query_print.c: rows into the answer */

/*
** Prints these rows of the table that was asked for, in this order, under the select= of the request with all that it embeds, in the form that was asked
** for, into the answer; answer->rows is set. Privileges and policies of embedded tables are heeded; those of the table itself are the
** caller's business. BAD_QUERY (PGRST116) if it is to be one object and there is not one row.
*/
LEDGER_PRIVATE int query_answer_rows(struct query *query, int64_t count, const int64_t *rowids);
/* ledger_ask() of READ, within a snapshot, after query_open(). */
LEDGER_PRIVATE int query_read(struct query *query);
/* The rows of ledger_select() that are not simply columns, kept: their columns, as many as *count (rows NULL: only counts), then the rows. */
LEDGER_PRIVATE int query_read_columns(struct query *query, ledger_rows *rows, int *count);
LEDGER_PRIVATE int query_read_rows(struct query *query, ledger_rows *rows);
/* The relations of the tree: may the caller read them (that of the root only where is_read), and which rows of them? */
LEDGER_PRIVATE int query_permit(struct query *query, bool is_read);
/* Appends to answer->text. */
LEDGER_PRIVATE int query_print(struct query *query, const char *text, size_t length);
LEDGER_PRIVATE int query_answer_full(struct query *query); /* QUERY_ANSWER_MAX is reached */
LEDGER_PRIVATE int query_print_quoted(struct query *query, const char *text, size_t length); /* as a JSON string */
LEDGER_PRIVATE int query_print_json(struct query *query, const struct type *type, const struct value *value);
/* The same behind `key`, which is ,"name": and has 8 readable bytes more. */
LEDGER_PRIVATE int query_print_member(struct query *query, const char *key, size_t key_length, const struct type *type,
                                      const struct value *value);
LEDGER_PRIVATE int query_print_field(struct query *query, const struct type *type, const struct value *value); /* of CSV */
LEDGER_PRIVATE int query_print_csv_text(struct query *query, const char *text, size_t length);
/* Leaves the members that are null out of answer->text. */
LEDGER_PRIVATE int query_print_strip(struct query *query);
/* What the path and the cast of an item make of its column's stored value; texts in the call's arena. */
LEDGER_PRIVATE int query_value(struct query *query, const struct query_resource *resource, const struct query_item *item,
                               struct value *value);

#endif
