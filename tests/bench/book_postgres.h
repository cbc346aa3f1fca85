/*
** PostgreSQL doing the same transfers, at its best: full's tables with their types, keys and indexes, without its checks, foreign
** keys and triggers; a read of both accounts with their locks, two updates, two rows of transactions and an audit row. One client, or
** sixteen, by prepared statements over the server's own socket; or a loop in PL/pgSQL inside the server, over transfers that lie
** in a table.
*/
#include <libpq-fe.h>

static PGconn *client_connections[BOOK_THREADS];

static int client_fail(PGconn *connection, const char *what) {
  return book_fail(what, PQerrorMessage(connection));
}

static int client_exec(PGconn *connection, const char *sql) {
  PGresult *result = PQexec(connection, sql);
  ExecStatusType status = PQresultStatus(result);
  PQclear(result);
  return status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK ? 0 : client_fail(connection, sql);
}

static const char *const client_statements[][2] = {
    {"begin", "BEGIN"},
    {"commit", "COMMIT"},
    {"read", "SELECT id, balance, available_balance, status FROM bench.accounts"
             " WHERE id IN ($1::uuid, $2::uuid) ORDER BY id FOR UPDATE"},
    {"update", "UPDATE bench.accounts SET balance = $2::numeric, available_balance = $3::numeric, "
               "updated_at = $4::timestamptz"
               " WHERE id = $1::uuid"},
    {"insert",
     "INSERT INTO bench.transactions (id, account_id, transaction_type, amount, currency, status,"
     " reference_number, metadata, created_at, updated_at, completed_at) VALUES ($1::uuid, "
     "$2::uuid, 'transfer',"
     " $3::numeric, 'USD', 'completed', $4, $5::jsonb, $6::timestamptz, $6::timestamptz, "
     "$6::timestamptz)"},
    {"audit", "INSERT INTO bench.audit_logs (id, action, entity_type, entity_id, old_values, "
              "new_values, details, status,"
              " created_at) VALUES ($1::uuid, 'TRANSFER', 'transactions', $2::uuid, $3::jsonb, "
              "$4::jsonb, $5::jsonb, 'success',"
              " $6::timestamptz)"}};

static int client_connect(PGconn **out, bool full) {
  const char *keys[] = {"dbname", NULL}, *values[] = {"bench", NULL};
  *out = PQconnectdbParams(keys, values, 0);
  if (PQstatus(*out) != CONNECTION_OK) return client_fail(*out, "connect");
  int rc = client_exec(*out, full ? "SET synchronous_commit = on" : "SET synchronous_commit = off");
  for (size_t i = 0; rc == 0 && i < sizeof client_statements / sizeof client_statements[0]; i++) {
    PGresult *result = PQprepare(*out, client_statements[i][0], client_statements[i][1], 0, NULL);
    if (PQresultStatus(result) != PGRES_COMMAND_OK) rc = client_fail(*out, client_statements[i][0]);
    PQclear(result);
  }
  return rc;
}

static PGresult *client_run(PGconn *connection, const char *statement, int count,
                            const char *const *values) {
  return PQexecPrepared(connection, statement, count, values, NULL, NULL, 0);
}

static bool client_do(PGconn *connection, const char *statement, int count,
                      const char *const *values) {
  PGresult *result = client_run(connection, statement, count, values);
  bool is_good = PQresultStatus(result) == PGRES_COMMAND_OK;
  PQclear(result);
  return is_good;
}

/* The texts of one account before and after. */
struct client_side {
  char before[24], balance[24], available[24];
};

static bool client_read(PGconn *connection, const struct transfer *transfer,
                        struct client_side *payer, struct client_side *payee) {
  const char *ids[] = {transfer->payer_id, transfer->payee_id};
  PGresult *result = client_run(connection, "read", 2, ids);
  bool is_good = PQntuples(result) == 2;
  for (int row = 0; is_good && row < 2; row++) {
    bool pays = strcmp(PQgetvalue(result, row, 0), transfer->payer_id) == 0;
    struct client_side *side = pays ? payer : payee;
    int64_t cents = pays ? -transfer->cents : transfer->cents;
    int64_t available = bare_cents(PQgetvalue(result, row, 2)) + cents;
    is_good = available >= 0 && strcmp(PQgetvalue(result, row, 3), "active") == 0;
    snprintf(side->before, sizeof side->before, "%s", PQgetvalue(result, row, 1));
    money_text(bare_cents(side->before) + cents, 2, side->balance);
    money_text(available, 2, side->available);
  }
  PQclear(result);
  return is_good;
}

static bool client_write(PGconn *connection, const struct transfer *transfer,
                         const struct client_side *payer, const struct client_side *payee) {
  char old_values[240], new_values[240], details[80];
  same_image(old_values, transfer, payer->before, payee->before);
  same_image(new_values, transfer, payer->balance, payee->balance);
  snprintf(details, sizeof details, "{\"reference\": \"%s\"}", transfer->reference);
  const char *pays[] = {transfer->payer_id, payer->balance, payer->available, transfer->time};
  const char *gets[] = {transfer->payee_id, payee->balance, payee->available, transfer->time};
  const char *debit[] = {transfer->payer_row, transfer->payer_id,           transfer->amount,
                         transfer->reference, "{\"direction\": \"debit\"}", transfer->time};
  const char *credit[] = {transfer->payee_row,
                          transfer->payee_id,
                          transfer->amount,
                          transfer->payee_reference,
                          "{\"direction\": \"credit\"}",
                          transfer->time};
  const char *audit[] = {transfer->id, transfer->payer_row, old_values, new_values,
                         details,      transfer->time};
  return client_do(connection, "update", 4, pays) && client_do(connection, "update", 4, gets) &&
         client_do(connection, "insert", 6, debit) && client_do(connection, "insert", 6, credit) &&
         client_do(connection, "audit", 6, audit);
}

static bool client_one(PGconn *connection, const struct transfer *transfer) {
  struct client_side payer, payee;
  return client_read(connection, transfer, &payer, &payee) &&
         client_write(connection, transfer, &payer, &payee);
}

static int client_open(const char *path, bool full) {
  (void)path;
  return client_connect(&client_connections[0], full);
}

static int client_runs(const struct transfer *transfers, int count, int per_commit) {
  PGconn *connection = client_connections[0];
  for (int i = 0; i < count; i++) {
    bool starts = i % per_commit == 0, ends = (i + 1) % per_commit == 0 || i + 1 == count;
    if (starts && !client_do(connection, "begin", 0, NULL)) return client_fail(connection, "BEGIN");
    if (!client_one(connection, &transfers[i])) return client_fail(connection, "transfer");
    if (ends && !client_do(connection, "commit", 0, NULL)) return client_fail(connection, "COMMIT");
  }
  return 0;
}

static void client_close(void) {
  for (int i = 0; i < BOOK_THREADS; i++) {
    PQfinish(client_connections[i]);
    client_connections[i] = NULL;
  }
}

static const struct target client_target = {"postgres_client", client_open, NULL,
                                            client_runs,  NULL,        client_close};

/* ---- sixteen clients, one transfer to a commit */

struct clients_work {
  const struct transfer *transfers;
  int count;
  atomic_int next, failed;
};
struct clients_thread {
  pthread_t thread;
  PGconn *connection;
  struct clients_work *work;
};

static int clients_open(const char *path, bool full) {
  (void)path;
  int rc = 0;
  for (int i = 0; rc == 0 && i < BOOK_THREADS; i++)
    rc = client_connect(&client_connections[i], full);
  return rc;
}

static void *clients_main(void *context) {
  struct clients_thread *own = context;
  for (int i; (i = atomic_fetch_add(&own->work->next, 1)) < own->work->count;) {
    bool is_good = client_do(own->connection, "begin", 0, NULL) &&
                   client_one(own->connection, &own->work->transfers[i]) &&
                   client_do(own->connection, "commit", 0, NULL);
    if (is_good) continue;
    client_fail(own->connection, "transfer");
    atomic_store(&own->work->failed, 1);
    break;
  }
  return NULL;
}

static int clients_run(const struct transfer *transfers, int count, int per_commit) {
  (void)per_commit;
  struct clients_work work = {.transfers = transfers, .count = count};
  struct clients_thread threads[BOOK_THREADS];
  for (int i = 0; i < BOOK_THREADS; i++) {
    threads[i] = (struct clients_thread){.connection = client_connections[i], .work = &work};
    if (pthread_create(&threads[i].thread, NULL, clients_main, &threads[i]) != 0)
      return book_fail("postgres_clients", "no thread");
  }
  for (int i = 0; i < BOOK_THREADS; i++) pthread_join(threads[i].thread, NULL);
  return atomic_load(&work.failed);
}

static const struct target clients_target = {"postgres_clients", clients_open, NULL,
                                             clients_run,   NULL,         client_close};

/* ---- a loop inside the server */

static const char loop_function[] =
    "CREATE TABLE IF NOT EXISTS bench.asked (n integer PRIMARY KEY, payer uuid, payee uuid, amount "
    "numeric, reference text,"
    " id uuid, payer_row uuid, payee_row uuid, at timestamptz);"
    "CREATE OR REPLACE FUNCTION bench.transfers(first integer, count integer) RETURNS void "
    "LANGUAGE plpgsql AS $$\n"
    "DECLARE asked record; payer record; payee record;\n"
    "BEGIN\n"
    "  FOR asked IN SELECT * FROM bench.asked WHERE n >= first AND n < first + count ORDER BY n "
    "LOOP\n"
    "    SELECT balance, available_balance, status INTO payer FROM bench.accounts WHERE id = "
    "asked.payer FOR UPDATE;\n"
    "    SELECT balance, available_balance, status INTO payee FROM bench.accounts WHERE id = "
    "asked.payee FOR UPDATE;\n"
    "    IF payer.status <> 'active' OR payee.status <> 'active' OR payer.available_balance < "
    "asked.amount THEN\n"
    "      RAISE EXCEPTION 'refused';\n"
    "    END IF;\n"
    "    UPDATE bench.accounts SET balance = payer.balance - asked.amount, available_balance = "
    "payer.available_balance - asked.amount,\n"
    "      updated_at = asked.at WHERE id = asked.payer;\n"
    "    UPDATE bench.accounts SET balance = payee.balance + asked.amount, available_balance = "
    "payee.available_balance + asked.amount,\n"
    "      updated_at = asked.at WHERE id = asked.payee;\n"
    "    INSERT INTO bench.transactions (id, account_id, transaction_type, amount, currency, "
    "status, reference_number, metadata,\n"
    "      created_at, updated_at, completed_at) VALUES (asked.payer_row, asked.payer, 'transfer', "
    "asked.amount, 'USD', 'completed',\n"
    "      asked.reference, '{\"direction\": \"debit\"}', asked.at, asked.at, asked.at);\n"
    "    INSERT INTO bench.transactions (id, account_id, transaction_type, amount, currency, "
    "status, reference_number, metadata,\n"
    "      created_at, updated_at, completed_at) VALUES (asked.payee_row, asked.payee, 'transfer', "
    "asked.amount, 'USD', 'completed',\n"
    "      asked.reference || '.C', '{\"direction\": \"credit\"}', asked.at, asked.at, asked.at);\n"
    "    INSERT INTO bench.audit_logs (id, action, entity_type, entity_id, old_values, new_values, "
    "details, status, created_at)\n"
    "      VALUES (asked.id, 'TRANSFER', 'transactions', asked.payer_row,\n"
    "        jsonb_build_object(asked.payer, jsonb_build_object('balance', payer.balance, "
    "'available_balance', payer.available_balance),\n"
    "          asked.payee, jsonb_build_object('balance', payee.balance, 'available_balance', "
    "payee.available_balance)),\n"
    "        jsonb_build_object(asked.payer, jsonb_build_object('balance', payer.balance - "
    "asked.amount,\n"
    "            'available_balance', payer.available_balance - asked.amount),\n"
    "          asked.payee, jsonb_build_object('balance', payee.balance + asked.amount,\n"
    "            'available_balance', payee.available_balance + asked.amount)),\n"
    "        jsonb_build_object('reference', asked.reference), 'success', asked.at);\n"
    "  END LOOP;\n"
    "END $$";

static int loop_open(const char *path, bool full) {
  int rc = client_open(path, full);
  return rc == 0 ? client_exec(client_connections[0], loop_function) : rc;
}

static int loop_prepare(const struct transfer *transfers, int count) {
  PGconn *connection = client_connections[0];
  char line[500];
  int rc = client_exec(connection, "TRUNCATE bench.asked");
  PGresult *result = PQexec(connection, "COPY bench.asked FROM STDIN");
  if (rc == 0 && PQresultStatus(result) != PGRES_COPY_IN) rc = client_fail(connection, "COPY");
  PQclear(result);
  for (int i = 0; rc == 0 && i < count; i++) {
    const struct transfer *t = &transfers[i];
    int length =
        snprintf(line, sizeof line, "%d\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\n", i, t->payer_id,
                 t->payee_id, t->amount, t->reference, t->id, t->payer_row, t->payee_row, t->time);
    if (PQputCopyData(connection, line, length) != 1) rc = client_fail(connection, "COPY");
  }
  if (rc == 0 && PQputCopyEnd(connection, NULL) != 1) rc = client_fail(connection, "COPY");
  while (rc == 0 && (result = PQgetResult(connection)) != NULL) {
    if (PQresultStatus(result) != PGRES_COMMAND_OK) rc = client_fail(connection, "COPY");
    PQclear(result);
  }
  return rc == 0 ? client_exec(connection, "ANALYZE bench.asked") : rc;
}

static int loop_run(const struct transfer *transfers, int count, int per_commit) {
  (void)transfers;
  for (int done = 0; done < count; done += per_commit) {
    char sql[100];
    snprintf(sql, sizeof sql, "SELECT bench.transfers(%d, %d)", done, per_commit);
    if (client_exec(client_connections[0], sql) != 0) return 1;
  }
  return 0;
}

static const struct target loop_target = {"postgres_loop", loop_open, loop_prepare,
                                          loop_run,        NULL,      client_close};
