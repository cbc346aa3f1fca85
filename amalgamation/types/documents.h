/*
** json, jsonb, arrays, enums: document.c, jsonb.c, array.c, enum.c.
**
** The SQL functions made of these (store/function_documents.c, function_build.c, function_arrays.c)
** have PostgreSQL's names. Where the result depends on a type that a stored value does not carry,
** the type's name is an extra argument; the tables at the end of those files say which and where:
** behind the others for arrays, beside the value for json.
*/
#ifndef LEDGER_DOCUMENTS_H
#define LEDGER_DOCUMENTS_H

/* ---- document.c: a document as a tree in an arena, and values cut out of a document's text */

struct document {
  enum json_token kind; /* JSON_OBJECT, JSON_ARRAY, or a scalar's token */
  const char *text;     /* string: decoded; number: canonical */
  size_t length;
  const char *key; /* of an object's member: decoded */
  size_t key_length;
  struct document *first; /* members by length and bytes of their keys, no key twice; elements */
  struct document *next;  /* in its container; of no meaning for the outermost */
  size_t count;
};
/* Reads a document as jsonb does: last duplicate wins, escapes decoded, numbers canonical.
** 22P02, 22P05, 22003, 54001. */
LEDGER_PRIVATE int document_parse(struct arena *arena, const char *text, size_t length,
                                  struct document **out, ledger_error *error);
/* Appends it as jsonb_out() prints it, or as jsonb_pretty() does. TOO_COMPLEX if it is nested
** too deep. */
LEDGER_PRIVATE int document_print(const struct document *document, bool is_pretty, sqlite3_str *out,
                                  ledger_error *error);
/* Puts an object's members into order and drops all but the last of equal keys. */
LEDGER_PRIVATE void document_sort(struct document *object);
/* Does numeric_out() print a number of JSON's syntax just so? */
LEDGER_PRIVATE bool document_is_canonical_number(const char *text, size_t length);
/* The order of keys: length, then bytes. */
LEDGER_PRIVATE int document_compare_keys(const char *a, size_t a_length, const char *b,
                                         size_t b_length);

/* A value within a document's text; kind JSON_END: there is none. */
struct document_slice {
  enum json_token kind;
  const char *text; /* as it stands there, a string with its quotes */
  size_t length;
};
/* -> and #>: `text` is json or jsonb. is_jsonb: a scalar is an array of one, as
** jsonb_array_element() has it. */
LEDGER_PRIVATE int document_field(const char *text, size_t length, const char *key,
                                  size_t key_length, bool is_jsonb, struct arena *arena,
                                  struct document_slice *out, ledger_error *error);
LEDGER_PRIVATE int document_element(const char *text, size_t length, int64_t index, bool is_jsonb,
                                    struct document_slice *out, ledger_error *error);
LEDGER_PRIVATE int document_whole(const char *text, size_t length, struct document_slice *out,
                                  ledger_error *error);
/* ->> and #>>: a string decoded, JSON null VALUE_NULL, else the text as it stands. */
LEDGER_PRIVATE int document_slice_text(const struct document_slice *slice, struct arena *arena,
                                       struct value *out, ledger_error *error);
/* The number of an array's elements; *kind says whether it is one. */
LEDGER_PRIVATE int document_array_length(const char *text, size_t length, int64_t *count,
                                         enum json_token *kind, ledger_error *error);
/* A path's step as an array index, as strtol() reads it. false: it is no integer of 32 bits. */
LEDGER_PRIVATE bool document_index(const char *text, size_t length, int64_t *index);

LEDGER_PRIVATE int json_input(const struct type *type, const char *text, size_t length,
                              struct arena *arena, struct value *out, ledger_error *error);

/* ---- jsonb.c */

LEDGER_PRIVATE int jsonb_input(const struct type *type, const char *text, size_t length,
                               struct arena *arena, struct value *out, ledger_error *error);
/* The stored text, or its canonical form if a foreign program wrote another. CORRUPT: no
** document. */
LEDGER_PRIVATE int jsonb_output(const struct type *type, const struct value *stored,
                                sqlite3_str *out, ledger_error *error);
/* The order of compareJsonbContainers(). Never fails: text that is no document has its place
** behind those that begin like it. */
LEDGER_PRIVATE int jsonb_compare(const char *a, size_t a_length, const char *b, size_t b_length);

/* The operators. Those that change a document do it in place and take what they need of the
** other operand's tree. */
LEDGER_PRIVATE bool jsonb_contains(const struct document *whole, const struct document *part);
LEDGER_PRIVATE bool jsonb_exists(const struct document *document, const char *key, size_t length);
LEDGER_PRIVATE struct document *jsonb_concat(struct document *left, struct document *right,
                                             struct arena *arena);
LEDGER_PRIVATE int jsonb_delete(struct document *document, const char *key, size_t length,
                                ledger_error *error);
LEDGER_PRIVATE int jsonb_delete_index(struct document *document, int64_t index,
                                      ledger_error *error);
LEDGER_PRIVATE void jsonb_strip_nulls(struct document *document);
enum jsonb_edit {
  JSONB_REPLACE,
  JSONB_CREATE,
  JSONB_INSERT_BEFORE,
  JSONB_INSERT_AFTER,
  JSONB_DELETE
};
/* jsonb_set(), jsonb_insert(), #-. `path` are `steps` texts, VALUE_NULL among them refused;
** `given` is NULL for JSONB_DELETE. */
LEDGER_PRIVATE int jsonb_edit(struct document *document, const struct value *path, size_t steps,
                              enum jsonb_edit edit, const struct document *given,
                              struct arena *arena, ledger_error *error);
LEDGER_PRIVATE const char *jsonb_typeof(enum json_token kind);

/* ---- array.c
** The stored form is compact JSON: integers, finite floats and numeric as bare numbers with their
** text kept, booleans as true and false, NULL as null, everything else as a string of the element's
** output text; a nested array for each further dimension; the empty array is []. Lower bounds are
** 1. */

#define ARRAY_DIMENSIONS_MAX 6

struct array {
  int dimensions;                    /* 0: empty */
  int lengths[ARRAY_DIMENSIONS_MAX]; /* outermost first */
  size_t count;
  struct value *values; /* the elements' stored forms, VALUE_NULL among them */
};
/* `type` is the array's: is_array is set. */
LEDGER_PRIVATE int array_input(const struct type *type, const char *text, size_t length,
                               bool is_explicit, struct arena *arena, struct value *out,
                               ledger_error *error);
LEDGER_PRIVATE int array_output(const struct type *type, const struct value *stored,
                                sqlite3_str *out, ledger_error *error);
LEDGER_PRIVATE int array_json(const struct type *type, const struct value *stored, sqlite3_str *out,
                              ledger_error *error);
LEDGER_PRIVATE int array_compare(const struct type *type, const struct value *a,
                                 const struct value *b);
/* The same of two arrays already read: elements, then their number, then dimensions. */
LEDGER_PRIVATE int array_order(const struct type *element, const struct array *a,
                               const struct array *b);
/* A JSON array, element by element through type_assign(). */
LEDGER_PRIVATE int array_assign(const struct type *type, const char *text, size_t length,
                                struct arena *arena, struct value *out, ledger_error *error);
/* The stored form to its elements and back. `element` is the element's type. */
LEDGER_PRIVATE int array_read(const struct type *element, const char *text, size_t length,
                              struct arena *arena, struct array *out, ledger_error *error);
LEDGER_PRIVATE int array_print(const struct type *element, const struct array *array,
                               sqlite3_str *out, ledger_error *error);
/* The dimensions alone. */
LEDGER_PRIVATE int array_measure(const char *text, size_t length, struct array *out,
                                 ledger_error *error);
/* Appends one element, possibly VALUE_NULL, as it stands in the stored form. */
LEDGER_PRIVATE int array_print_element(const struct type *element, const struct value *value,
                                       sqlite3_str *out, ledger_error *error);

/* ---- enum.c */

LEDGER_PRIVATE int enum_input(const struct type *type, const char *text, size_t length,
                              struct value *out, ledger_error *error);
LEDGER_PRIVATE int enum_compare(const struct type *type, const struct value *a,
                                const struct value *b);

#endif
