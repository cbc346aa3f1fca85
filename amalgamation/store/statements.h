/*
** statements.h: the fixed statements, X(NAME, sql), by the room that runs them. Each is prepared once per handle, on first
** use; those on plain tables are used only where the schema has the tables (book/tables.c).
*/
#ifndef LEDGER_STATEMENTS_H
#define LEDGER_STATEMENTS_H

#define STATEMENTS_STORE(X)                                                                                                    \
  X(BEGIN_WRITE, "BEGIN IMMEDIATE")                                                                                            \
  X(BEGIN_READ, "BEGIN")                                                                                                       \
  X(COMMIT, "COMMIT")                                                                                                          \
  X(ROLLBACK, "ROLLBACK")                                                                                                      \
  X(SCHEMA_VERSION, "PRAGMA schema_version")                                                                                   \
  X(DATA_VERSION, "PRAGMA data_version")                                                                                       \
  X(WRITE_SAVEPOINT, "SAVEPOINT ledger_write")                                                                                 \
  X(WRITE_UNDO, "ROLLBACK TO ledger_write")                                                                                    \
  X(WRITE_RELEASE, "RELEASE ledger_write")                                                                                     \
  X(QUERY_SAVEPOINT, "SAVEPOINT ledger_query")                                                                                 \
  X(QUERY_UNDO, "ROLLBACK TO ledger_query")                                                                                    \
  X(QUERY_RELEASE, "RELEASE ledger_query")                                                                                     \
  X(CHANGE_LAST, "SELECT max(coalesce((SELECT hlc FROM ledger_sync_state), 0),"                                                \
                 " coalesce((SELECT hlc FROM ledger_change ORDER BY n DESC LIMIT 1), 0))")                                     \
  X(CHANGE_INSERT, "INSERT INTO ledger_change (relation, key, hlc) VALUES (?1, ?2, ?3)")                                       \
  X(CHANGE_INDEX, "SELECT sql FROM sqlite_schema WHERE type = 'index' AND name = ?1")                                          \
  X(SEQUENCE_READ, "SELECT last_value, is_called FROM ledger_sequence WHERE sequence_id = ?1")                                 \
  X(SEQUENCE_WRITE, "INSERT INTO ledger_sequence (sequence_id, last_value, is_called) VALUES (?1, ?2, ?3)"                     \
                    " ON CONFLICT (sequence_id) DO UPDATE SET last_value = excluded.last_value,"                               \
                    " is_called = excluded.is_called")

/* account.c, journal.c, operation.c, posting.c, batch.c, history.c */
#define STATEMENTS_BOOK(X)                                                                                                     \
  X(SAVEPOINT, "SAVEPOINT ledger_link")                                                                                        \
  X(ROLLBACK_TO, "ROLLBACK TO ledger_link")                                                                                    \
  X(RELEASE, "RELEASE ledger_link")                                                                                            \
  X(ACCOUNT_BY_ID, "SELECT rowid, id, user_id, account_number, currency, balance, available_balance, status"                   \
                   " FROM accounts WHERE id = ?1")                                                                             \
  X(ACCOUNT_BY_NUMBER, "SELECT rowid, id, user_id, account_number, currency, balance, available_balance, status"               \
                       " FROM accounts WHERE account_number = ?1")                                                             \
  X(ACCOUNT_OWN, "SELECT account_key, overdraft_limit, min_balance, max_balance, balance, held, expected, version,"            \
                 " last_entry, last_jump FROM ledger_account WHERE owner = ?1 AND currency = ?2 AND scale = ?3")               \
  X(ACCOUNT_NAMED_BY_KEY, "SELECT class, owner, currency, scale FROM ledger_account WHERE account_key = ?1")                   \
  X(ACCOUNT_INSERT, "INSERT INTO ledger_account (account_key, class, owner, currency, scale, overdraft_limit, min_balance,"    \
                    " max_balance, balance, held, expected, version, last_entry, last_jump)"                                   \
                    " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14)")                                   \
  X(ACCOUNT_UPDATE, "UPDATE ledger_account SET balance = ?2, held = ?3, expected = ?4, version = ?5, last_entry = ?6,"         \
                    " last_jump = ?7 WHERE account_key = ?1")                                                                  \
  X(ACCOUNT_LIMITS, "UPDATE ledger_account SET overdraft_limit = ?2, min_balance = ?3, max_balance = ?4"                       \
                    " WHERE account_key = ?1")                                                                                 \
  X(ACCOUNT_PLAIN_UPDATE, "UPDATE accounts SET balance = ?2, available_balance = ?3, updated_at = ?4 WHERE rowid = ?1")        \
  X(ACCOUNT_STATUS, "UPDATE accounts SET status = ?2, updated_at = ?3 WHERE rowid = ?1")                                       \
  X(ACCOUNT_PLAIN_INSERT, "INSERT INTO accounts (id, user_id, account_number, account_type, currency, balance,"                \
                          " available_balance, status, created_at, updated_at)"                                                \
                          " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?6, 'active', ?7, ?7)")                                            \
  X(JOURNAL_LAST, "SELECT seq, created_at, hash FROM ledger_journal ORDER BY seq DESC LIMIT 1")                                \
  X(ENTRY_LAST, "SELECT max(seq) FROM ledger_entry")                                                                           \
  X(ACCOUNT_LAST, "SELECT max(account_key) FROM ledger_account")                                                               \
  X(ENTRY_JUMP, "SELECT jump FROM ledger_entry WHERE seq = ?1")                                                                \
  X(ENTRY_INSERT, "INSERT INTO ledger_entry (seq, journal, account_key, layer, amount, balance_after, available_after,"        \
                  " version, previous, jump) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)")                                \
  X(JOURNAL_INSERT, "INSERT INTO ledger_journal (seq, kind, id, reference, parent, outcome, reason, effective_at,"             \
                    " created_at, rows, request, detail, hash)"                                                                \
                    " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)")                                        \
  X(JOURNAL_BY_REFERENCE, "SELECT seq FROM ledger_journal WHERE reference = ?1")                                               \
  X(JOURNAL_BY_SEQ, "SELECT seq, kind, id, reference, parent, outcome, reason, effective_at, created_at, rows, request,"       \
                    " detail FROM ledger_journal WHERE seq = ?1")                                                              \
  X(ENTRIES_FROM, "SELECT seq, account_key, layer, amount, balance_after, available_after, version, journal"                   \
                  " FROM ledger_entry WHERE seq >= ?1 ORDER BY seq")                                                           \
  X(ENTRY_JOURNAL, "SELECT journal FROM ledger_entry WHERE seq = ?1")                                                          \
  X(TRANSACTION_INSERT, "INSERT INTO transactions (id, account_id, transaction_type, amount, currency, status, description,"   \
                        " reference_number, metadata, created_at, updated_at, completed_at)"                                   \
                        " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?10, ?11)")                                         \
  X(PORTFOLIO_ROW_INSERT, "INSERT INTO portfolio_transactions (id, user_id, transaction_type, amount, currency, status,"       \
                          " reference, created_at, updated_at) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?8)")                   \
  X(IDEMPOTENCY_READ, "SELECT journal FROM ledger_idempotency WHERE scope = ?1 AND key = ?2")                                  \
  X(IDEMPOTENCY_INSERT, "INSERT INTO ledger_idempotency (scope, key, journal) VALUES (?1, ?2, ?3)")

/* hold.c, reversal.c, history.c */
#define STATEMENTS_HOLD(X)                                                                                                     \
  X(REMAINDER_READ, "SELECT amount, settled, released, expires_at FROM ledger_remainder WHERE journal = ?1")                   \
  X(HOLD_INSERT, "INSERT INTO ledger_remainder (journal, amount, expires_at) VALUES (?1, ?2, ?3)")                             \
  X(HOLD_SETTLE, "UPDATE ledger_remainder SET settled = settled + ?2, released = released + ?3, expires_at ="                  \
                " CASE WHEN settled + ?2 + released + ?3 < amount THEN expires_at END WHERE journal = ?1")                     \
  X(HOLD_CLOSED_BY, "SELECT kind FROM ledger_journal WHERE parent = ?1 AND outcome = 0 ORDER BY seq DESC LIMIT 1")             \
  X(HOLD_TRANSACTION_FINISH, "UPDATE transactions SET status = ?2, amount = ?3, updated_at = ?4, completed_at = ?5"            \
                             " WHERE id = ?1 AND status = 'pending'")                                                          \
  X(HOLD_PORTFOLIO_FINISH, "UPDATE portfolio_transactions SET status = ?2, amount = ?3, updated_at = ?4"                       \
                           " WHERE id = ?1 AND status = 'pending'")                                                            \
  X(HOLD_DUE, "SELECT r.expires_at, r.journal, j.reference, j.id FROM ledger_remainder r"                                      \
              " JOIN ledger_journal j ON j.seq = r.journal WHERE r.expires_at <= ?1"                                           \
              " AND (r.expires_at, r.journal) > (?2, ?3) AND j.kind = 'hold' AND j.reference IS NOT NULL"                      \
              " ORDER BY r.expires_at, r.journal LIMIT ?4")                                                                    \
  X(REVERSAL_SETTLE, "INSERT INTO ledger_remainder (journal, amount, settled) VALUES (?1, ?2, ?3)"                             \
                     " ON CONFLICT (journal) DO UPDATE SET settled = settled + excluded.settled")                              \
  X(HISTORY_CREATED, "SELECT created_at FROM ledger_journal WHERE seq = ?1")                                                   \
  X(HISTORY_EFFECTIVE, "SELECT coalesce(effective_at, created_at) FROM ledger_journal WHERE seq = ?1")                         \
  X(HISTORY_ENTRY, "SELECT journal, layer, amount, balance_after, available_after, version, previous, jump, account_key"       \
                   " FROM ledger_entry WHERE seq = ?1")                                                                        \
  X(HISTORY_JOURNAL, "SELECT j.kind, j.reference, j.id, p.reference, j.outcome, coalesce(j.effective_at, j.created_at),"       \
                     " j.created_at, lower(hex(j.hash)) FROM ledger_journal j LEFT JOIN ledger_journal p ON p.seq = j.parent"  \
                     " WHERE j.seq = ?1")                                                                                      \
  X(HISTORY_KIND, "SELECT 1 FROM ledger_journal WHERE seq = ?1 AND kind = ?2")                                                 \
  X(HISTORY_NEWEST, "SELECT seq FROM ledger_journal WHERE seq BETWEEN ?1 AND ?2 AND (?3 IS NULL OR kind = ?3)"                 \
                    " ORDER BY seq DESC")                                                                                      \
  X(HISTORY_OLDEST, "SELECT seq FROM ledger_journal WHERE seq BETWEEN ?1 AND ?2 AND (?3 IS NULL OR kind = ?3)"                 \
                    " ORDER BY seq")                                                                                           \
  X(HISTORY_ABOUT, "WITH RECURSIVE about (seq) AS (SELECT ?4 UNION SELECT j.seq FROM about, ledger_journal j"                  \
                   " WHERE j.parent = about.seq) SELECT j.seq FROM about, ledger_journal j WHERE j.seq = about.seq"            \
                   " AND j.seq BETWEEN ?1 AND ?2 AND (?3 IS NULL OR j.kind = ?3) ORDER BY j.seq * ?5")                         \
  X(HISTORY_DESCRIPTION, "SELECT description FROM transactions WHERE id > ?1 AND id <= substr(?1, 1, 34) || 'ff'"              \
                         " AND +account_id = ?2 AND description IS NOT NULL ORDER BY id LIMIT 1")

/* fee.c, exchange.c */
#define STATEMENTS_PRICE(X)                                                                                                    \
  X(FEE_NEWEST, "SELECT id, percentage_fee, flat_fee, minimum_amount, maximum_amount FROM fee_config"                          \
                " WHERE fee_type = ?1 AND currency = ?2 AND is_active ORDER BY created_at DESC, id DESC LIMIT 1")              \
  X(RATE_NEWEST, "SELECT id, rate, quoted_at, source FROM exchange_rates"                                                      \
                 " WHERE from_currency = ?1 AND to_currency = ?2 AND quoted_at <= ?3 AND rate IS NOT NULL"                     \
                 " ORDER BY quoted_at DESC, id DESC LIMIT 1")

/* portfolio.c, trade.c, payout.c, verify_crypto.c */
#define STATEMENTS_CRYPTO(X)                                                                                                   \
  X(PORTFOLIO_OF_USER, "SELECT rowid FROM portfolio WHERE user_id = ?1")                                                       \
  X(DEPOSIT_ADDRESS, "SELECT id, user_id, crypto_type, is_active, balance, total_received FROM deposit_addresses"              \
                     " WHERE address = ?1")                                                                                    \
  X(DEPOSIT_ADDRESS_UPDATE, "UPDATE deposit_addresses SET balance = ?2, total_received = ?3, last_activity_at = ?4"            \
                            " WHERE id = ?1")                                                                                  \
  X(TRADE_INSERT, "INSERT INTO trades (id, user_id, trade_type, asset, amount, price, total, balance_before,"                  \
                  " balance_after, status, is_simulated, generated_at, created_at)"                                            \
                  " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, 0, ?11, ?12)")                                            \
  X(TRADE_COMPLETE, "UPDATE trades SET amount = ?2, price = ?3, total = ?4, balance_before = ?5, balance_after = ?6,"          \
                    " generated_at = ?7, status = 'completed' WHERE id = ?1 AND status = 'pending'")                           \
  X(TRADE_REDUCE, "UPDATE trades SET amount = ?2, total = ?3 WHERE id = ?1 AND status = 'pending'")                            \
  X(TRADE_CANCEL, "UPDATE trades SET status = 'cancelled' WHERE id = ?1 AND status = 'pending'")                               \
  X(TRADE_LAST_FILL, "SELECT detail FROM ledger_journal WHERE parent = ?1 AND kind = 'fill' AND outcome = 0"                   \
                     " ORDER BY seq DESC LIMIT 1")                                                                             \
  X(PAYOUT_INSERT, "INSERT INTO crypto_withdrawals (id, user_id, amount, currency, crypto_address, status, created_at,"        \
                   " updated_at) VALUES (?1, ?2, ?3, ?4, ?5, 'PENDING', ?6, ?6)")                                              \
  X(PAYOUT_READ, "SELECT amount, currency, crypto_address, status FROM crypto_withdrawals WHERE id = ?1")                      \
  X(PAYOUT_APPROVAL, "SELECT 1 FROM ledger_journal WHERE parent = ?1 AND kind = 'approve' AND outcome = 0")                    \
  X(PAYOUT_UPDATE, "UPDATE crypto_withdrawals SET status = ?3, txn_hash = coalesce(?4, txn_hash), error_message = ?5,"         \
                   " updated_at = ?6, processed_at = ?7 WHERE id = ?1 AND status = ?2")                                        \
  X(CRYPTO_HOLDS, "SELECT r.journal, r.amount > r.settled + r.released FROM ledger_remainder r"                                \
                  " CROSS JOIN ledger_journal j ON j.seq = r.journal WHERE j.kind IN ('order', 'payout')"                      \
                  " ORDER BY r.journal")                                                                                       \
  X(CRYPTO_CHILDREN, "SELECT seq, kind FROM ledger_journal WHERE parent = ?1 AND outcome = 0 ORDER BY seq")                    \
  X(CRYPTO_TRADE, "SELECT user_id, trade_type, asset, amount, price, total, balance_before, balance_after, status,"            \
                  " is_simulated, generated_at FROM trades WHERE id = ?1")                                                     \
  X(CRYPTO_PAYOUT, "SELECT user_id, amount, currency, crypto_address, status, txn_hash, error_message, processed_at"           \
                   " FROM crypto_withdrawals WHERE id = ?1")                                                                   \
  X(CRYPTO_TRADES, "SELECT id, rowid FROM trades WHERE status = 'completed' AND is_simulated = 0")                             \
  X(CRYPTO_PAYOUTS, "SELECT id, rowid FROM crypto_withdrawals WHERE status = 'COMPLETED'")                                     \
  X(CRYPTO_MAKER, "SELECT 1 FROM audit_logs a CROSS JOIN ledger_journal j ON j.seq = CASE WHEN json_valid(a.details)"          \
                  " THEN json_extract(a.details, '$.journal') END AND j.id = a.id WHERE a.id = ?1"                             \
                  " AND j.kind IN ('order', 'fill', 'payout')")                                                                \
  X(CRYPTO_ADDRESSES, "SELECT d.id, d.balance, d.total_received, a.last_entry FROM deposit_addresses d"                        \
                      " CROSS JOIN ledger_account a ON a.owner = d.user_id AND a.currency = d.crypto_type AND a.scale = 8"     \
                      " WHERE a.class = 'portfolio' AND a.last_entry IS NOT NULL")                                             \
  X(CRYPTO_RECEIVED, "SELECT e.previous, e.amount, j.detail, j.seq FROM ledger_entry e LEFT JOIN ledger_journal j"             \
                     " ON j.seq = e.journal AND j.kind = 'receive' AND e.layer = 0 AND e.amount > 0 WHERE e.seq = ?1")

/* audit.c, guard.c */
#define STATEMENTS_AUDIT(X)                                                                                                    \
  X(GUARD_OWNER, "SELECT 1 FROM ledger_account WHERE owner = ?1 AND class <> 'system'")                                        \
  X(GUARD_JOURNAL, "SELECT 1 FROM ledger_journal WHERE reference = ?1 AND id = ?2")                                            \
  X(GUARD_AUDIT, "SELECT 1 FROM audit_logs WHERE id = ?1")

/* verify*.c, head.c */
#define STATEMENTS_VERIFY(X)                                                                                                   \
  X(VERIFY_PAGES, "PRAGMA main.page_count")                                                                                    \
  X(HEAD_BALANCES, "SELECT currency, scale, balance FROM ledger_account WHERE class <> 'system'")                              \
  X(HEAD_KEY, "SELECT value FROM ledger_meta WHERE key = 'signing_key'")                                                       \
  X(HEAD_KEY_INSERT, "INSERT INTO ledger_meta (key, value) VALUES ('signing_key', ?1)")                                        \
  X(HEAD_DEVICE, "SELECT value FROM ledger_meta WHERE key = 'device'")                                                         \
  X(HEAD_CHECKPOINT, "SELECT public_key, signature FROM ledger_checkpoint WHERE journal = ?1")                                 \
  X(HEAD_CHECKPOINTS, "SELECT count(*) FROM ledger_checkpoint")                                                                \
  X(HEAD_CHECKPOINT_INSERT, "INSERT INTO ledger_checkpoint (journal, hash, sums, signed_at, public_key, signature)"            \
                            " VALUES (?1, ?2, ?3, ?4, ?5, ?6)")                                                                \
  X(VERIFY_JOURNALS, "SELECT seq, kind, id, reference, parent, outcome, reason, effective_at, created_at, rows, request,"      \
                     " detail, hash FROM ledger_journal ORDER BY seq")                                                         \
  X(VERIFY_ENTRIES, "SELECT seq, journal, account_key, layer, amount, balance_after, available_after, version, previous,"      \
                    " jump FROM ledger_entry ORDER BY seq")                                                                    \
  X(VERIFY_REMAINDERS_ALL, "SELECT journal, amount, settled, released, expires_at FROM ledger_remainder ORDER BY journal")     \
  X(VERIFY_REMAINDERS, "SELECT journal, amount, settled, released FROM ledger_remainder WHERE journal > ?1"                    \
                       " ORDER BY journal LIMIT ?2")                                                                           \
  X(VERIFY_CHECKPOINTS, "SELECT journal, hash, sums, public_key, signature FROM ledger_checkpoint ORDER BY journal")           \
  X(VERIFY_TRANSACTIONS, "SELECT rowid, id, account_id, transaction_type, amount, currency, reference_number, created_at,"     \
                         " status, completed_at FROM transactions ORDER BY rowid")                                             \
  X(VERIFY_TRANSACTION, "SELECT rowid, id, account_id, transaction_type, amount, currency, reference_number, created_at,"      \
                        " status, completed_at FROM transactions WHERE id = ?1")                                               \
  X(VERIFY_PORTFOLIO_ROWS, "SELECT rowid, id, user_id, transaction_type, amount, currency, reference, created_at, status,"     \
                           " NULL FROM portfolio_transactions ORDER BY rowid")                                                 \
  X(VERIFY_PORTFOLIO_ROW, "SELECT rowid, id, user_id, transaction_type, amount, currency, reference, created_at, status,"      \
                          " NULL FROM portfolio_transactions WHERE id = ?1")                                                   \
  X(VERIFY_ACCOUNTS, "SELECT account_key, class, owner, currency, scale FROM ledger_account"                                   \
                     " WHERE account_key BETWEEN ?1 AND ?2 ORDER BY account_key")                                              \
  X(VERIFY_ACCOUNT_NEXT, "SELECT min(account_key) FROM ledger_account WHERE account_key >= ?1")                                \
  X(VERIFY_OWN, "SELECT account_key, overdraft_limit, min_balance, max_balance, balance, held, expected, version,"             \
                " last_entry, last_jump FROM ledger_account WHERE account_key BETWEEN ?1 AND ?2 ORDER BY account_key")         \
  X(VERIFY_PLAIN, "SELECT k.account_key, a.id, a.currency, a.balance, a.available_balance FROM ledger_account k"               \
                  " LEFT JOIN accounts a ON a.id = k.owner WHERE k.class = 'account' AND k.account_key BETWEEN ?1 AND ?2"      \
                  " ORDER BY k.account_key")                                                                                   \
  X(VERIFY_UNKNOWN, "SELECT a.id FROM accounts a WHERE (a.balance <> '0' OR a.available_balance <> '0') AND NOT EXISTS"        \
                    " (SELECT 1 FROM ledger_account k WHERE k.owner = a.id AND k.class = 'account')")

/* table.c */
#define STATEMENTS_TABLE(X)                                                                                                    \
  X(SYNC_TABLE, "SELECT kind, collision, status_column, status_order FROM ledger_sync_table WHERE relation = ?1")              \
  X(SYNC_TABLE_SET, "INSERT INTO ledger_sync_table (relation, kind, collision, status_column, status_order)"                   \
                    " VALUES (?1, ?2, ?3, ?4, ?5) ON CONFLICT (relation) DO UPDATE SET kind = excluded.kind,"                  \
                    " collision = excluded.collision")                                                                         \
  X(SYNC_SOURCES, "SELECT name, text FROM ledger_catalog_source ORDER BY n")                                                   \
  X(SYNC_POSITION, "SELECT device, epoch, (SELECT coalesce(max(n), cut_change) FROM ledger_change),"                           \
                   " (SELECT coalesce(max(seq), 0) FROM ledger_journal), (SELECT coalesce(max(seq), 0) FROM ledger_entry),"    \
                   " (SELECT lower(hex(hash)) FROM ledger_journal ORDER BY seq DESC LIMIT 1) FROM ledger_sync_state")          \
  X(SYNC_META, "SELECT value FROM ledger_meta WHERE key = ?1")

/* batch.c, state.c */
#define STATEMENTS_SYNC(X)                                                                                                     \
  X(BATCH_CHUNK_INSERT, "INSERT INTO ledger_batch_chunk (seq, n, length, bytes) VALUES (?1, ?2, ?3, ?4)")                      \
  X(BATCH_CHUNKS, "SELECT n, length, bytes FROM ledger_batch_chunk WHERE seq = ?1 ORDER BY n")                                 \
  X(BATCH_INSERT, "INSERT INTO ledger_batch (seq, header, hash, last_change, last_journal, last_entry, rows, bytes,"           \
                  " created_at) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)")                                                  \
  X(BATCH_HEADER, "SELECT header, bytes FROM ledger_batch WHERE seq = ?1")                                                     \
  X(BATCH_FIND, "SELECT hash, last_change, last_journal, last_entry FROM ledger_batch WHERE seq = ?1")                         \
  X(BATCH_POSITION, "SELECT (SELECT max(n) FROM ledger_change), (SELECT max(seq) FROM ledger_journal),"                        \
                    " (SELECT max(seq) FROM ledger_entry), (SELECT max(hlc) FROM ledger_change WHERE n > ?1),"                 \
                    " (SELECT lower(hex(hash)) FROM ledger_journal ORDER BY seq DESC LIMIT 1)")                                \
  X(BATCH_MOVE, "UPDATE ledger_sync_state SET cut_seq = ?1, cut_hash = ?2, cut_change = ?3, cut_journal = ?4,"                 \
                " cut_entry = ?5, is_careful = ?6, hlc = max(hlc, coalesce(?7, 0))")                                           \
  X(STATE_READ, "SELECT device, previous_device, main, epoch, hlc, key_range, is_careful, main_key, cut_seq, cut_hash,"        \
                " cut_change, cut_journal, cut_entry, received_seq, received_hash, received_change, received_journal,"         \
                " received_entry, applied_seq FROM ledger_sync_state")                                                         \
  X(STATE_WRITE, "UPDATE ledger_sync_state SET epoch = ?1, is_careful = ?2, hlc = max(hlc, ?3), cut_seq = ?4,"                 \
                 " cut_change = ?5, cut_journal = ?6, cut_entry = ?7, received_seq = ?8, received_change = ?9,"                \
                 " received_journal = ?10, received_entry = ?11, applied_seq = ?12, device = ?13, previous_device = ?14,"      \
                 " main = ?15, key_range = ?16, cut_hash = ?17, received_hash = ?18, reason = ?19")                            \
  X(STATE_CLOCK, "UPDATE ledger_sync_state SET hlc = max(hlc, coalesce((SELECT max(hlc) FROM ledger_change"                    \
                 " WHERE n <= ?1), 0))")                                                                                       \
  X(STATE_SKEW, "UPDATE ledger_sync_state SET clock_skew = ?1")                                                                \
  X(STATE_ATTEMPT, "UPDATE ledger_sync_state SET attempted_at = ?1, error = ?2, succeeded_at = CASE WHEN ?2 IS NULL"           \
                   " THEN ?1 ELSE succeeded_at END, failed_at = CASE WHEN ?2 IS NULL THEN failed_at ELSE ?1 END")              \
  X(STATE_MAIN_KEY, "UPDATE ledger_sync_state SET main_key = ?1")                                                              \
  X(STATE_HEAD, "SELECT (SELECT lower(hex(hash)) FROM ledger_journal WHERE seq = ?1), (?1 = 0 OR EXISTS (SELECT 1"             \
                " FROM ledger_journal WHERE seq = ?1)) AND ?2 = (SELECT coalesce(max(seq), 0) FROM ledger_entry"               \
                " WHERE seq <= ?2 AND journal <= ?1) AND ?3 <= (SELECT coalesce(max(seq), 0) FROM sqlite_sequence"             \
                " WHERE name = 'ledger_change')")                                                                              \
  X(STATE_STATUS, "SELECT (SELECT count(*) FROM ledger_change WHERE n > s.cut_change)"                                         \
                  " + (SELECT count(*) FROM ledger_journal WHERE seq > s.cut_journal), b.batches, b.rows, b.bytes,"            \
                  " s.clock_skew, (SELECT min(at) FROM (SELECT min(hlc) / 65536 * 1000 AS at FROM ledger_change"               \
                  " WHERE n > s.received_change UNION ALL SELECT min(created_at) FROM ledger_journal"                          \
                  " WHERE seq > s.received_journal)), s.attempted_at, s.succeeded_at, s.failed_at, s.error, s.reason"          \
                  " FROM ledger_sync_state s, (SELECT count(*) AS batches, sum(rows) AS rows, sum(bytes) AS bytes"             \
                  " FROM ledger_batch WHERE received_at IS NULL) b")                                                           \
  X(BATCH_RECEIVED, "UPDATE ledger_batch SET received_at = ?2 WHERE seq <= ?1 AND received_at IS NULL")                        \
  X(BATCH_APPLIED, "UPDATE ledger_batch SET applied_at = ?2 WHERE seq <= ?1 AND applied_at IS NULL")                           \
  X(BATCH_CHUNKS_FORGET, "DELETE FROM ledger_batch_chunk WHERE seq <= ?1")                                                     \
  X(BATCH_FORGET, "DELETE FROM ledger_batch WHERE seq <= ?1")                                                                  \
  X(BATCH_CHUNKS_DROP, "DELETE FROM ledger_batch_chunk")                                                                       \
  X(BATCH_DROP, "DELETE FROM ledger_batch")                                                                                    \
  X(CHANGE_FORGET, "DELETE FROM ledger_change WHERE n <= ?1")                                                                  \
  X(RANGE_SEQUENCE, "UPDATE ledger_catalog_sequence SET start = ?2, minimum = ?2, maximum = ?3 WHERE sequence_id = ?1")        \
  X(RANGE_VALUE, "INSERT INTO ledger_sequence (sequence_id, last_value, is_called) VALUES (?1, ?2, 0)"                         \
                 " ON CONFLICT (sequence_id) DO UPDATE SET last_value = excluded.last_value, is_called = 0")                   \
  /* Seed rows take values, too, but every device has the same ones: until something was written, or sent, they do not count. */ \
  X(RANGE_USED, "SELECT EXISTS (SELECT 1 FROM ledger_sequence WHERE sequence_id = ?1 AND is_called)"                           \
                " AND (EXISTS (SELECT 1 FROM ledger_journal) OR EXISTS (SELECT 1 FROM ledger_sync_import)"                     \
                " OR EXISTS (SELECT 1 FROM ledger_sync_state WHERE received_seq > 0 OR previous_device IS NOT NULL))"          \
                " OR EXISTS (SELECT 1 FROM ledger_change WHERE relation = ?2)")                                                \
  X(RANGE_TOUCH, "CREATE TABLE ledger_range_taken (one)")                                                                      \
  X(RANGE_UNTOUCH, "DROP TABLE ledger_range_taken")

/* import*.c, pull.c */
#define STATEMENTS_IMPORT(X)                                                                                                   \
  X(IMPORT_WAITING, "SELECT EXISTS (SELECT 1 FROM ledger_change WHERE n > received_change)"                                    \
                    " OR EXISTS (SELECT 1 FROM ledger_journal WHERE seq > received_journal), coalesce(key_range, -1)"          \
                    " FROM ledger_sync_state")                                                                                 \
  X(IMPORT_OWN, "INSERT INTO ledger_sync_import (first, last) SELECT (SELECT id FROM ledger_journal"                             \
                " WHERE seq > received_journal ORDER BY seq LIMIT 1), (SELECT id FROM ledger_journal ORDER BY seq DESC LIMIT 1)" \
                " FROM ledger_sync_state WHERE EXISTS (SELECT 1 FROM ledger_journal WHERE seq > received_journal)")            \
  X(IMPORT_IS_OWN, "SELECT 1 FROM ledger_sync_import WHERE ?1 BETWEEN first AND substr(last, 1, 34) || 'ff'")                  \
  X(IMPORT_POSITION, "UPDATE ledger_sync_state SET cut_journal = (SELECT coalesce(max(seq), 0) FROM ledger_journal),"          \
                     " cut_entry = (SELECT coalesce(max(seq), 0) FROM ledger_entry),"                                          \
                     " received_journal = (SELECT coalesce(max(seq), 0) FROM ledger_journal),"                                 \
                     " received_entry = (SELECT coalesce(max(seq), 0) FROM ledger_entry)")                                     \
  X(IMPORT_ACCOUNT, "UPDATE accounts SET status = ?2, updated_at = ?3 WHERE id = ?1")                                          \
  X(IMPORT_PORTFOLIO, "UPDATE portfolio SET updated_at = ?2 WHERE user_id = ?1")                                               \
  X(PULL_WAITING, "SELECT 1 FROM ledger_change WHERE relation = ?1 AND n > (SELECT received_change FROM ledger_sync_state)"    \
                  " LIMIT 1")

/* prove.c */
#define STATEMENTS_PROVE(X)                                                                                                    \
  X(PROVE_BATCHES, "SELECT b.seq || char(9) || lower(hex(b.hash)) || char(9) || b.last_journal || char(9) ||"                  \
                   " coalesce((SELECT lower(hex(j.hash)) FROM ledger_journal j WHERE j.seq = b.last_journal), '')"             \
                   " FROM ledger_batch b ORDER BY b.seq")                                                                      \
  X(PROVE_RANGES, "SELECT seq, last_change, last_journal, last_entry FROM ledger_batch WHERE seq > ?1 UNION ALL"               \
                  " SELECT cut_seq + 1, 9223372036854775807, 9223372036854775807, 9223372036854775807 FROM ledger_sync_state"  \
                  " ORDER BY 1")

/* user_table.c, user_change.c, lockout.c, token.c, session.c, api_key.c */
#define STATEMENTS_SIGN_IN(X)                                                                                                  \
  X(USER_SAVEPOINT, "SAVEPOINT ledger_user")                                                                                   \
  X(USER_UNDO, "ROLLBACK TO ledger_user")                                                                                      \
  X(USER_RELEASE, "RELEASE ledger_user")                                                                                       \
  X(USER_WRITE, "INSERT INTO ledger_user (id, email, phone, password_hash, role, app_metadata, user_metadata, is_anonymous,"   \
                " email_confirmed_at, phone_confirmed_at, last_sign_in_at, banned_until, deleted_at, created_at, updated_at)"  \
                " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15) ON CONFLICT (id) DO UPDATE SET"    \
                " email = ?2, phone = ?3, password_hash = ?4, role = ?5, app_metadata = ?6, user_metadata = ?7,"               \
                " is_anonymous = ?8, email_confirmed_at = ?9, phone_confirmed_at = ?10, last_sign_in_at = ?11,"                \
                " banned_until = ?12, deleted_at = ?13, updated_at = ?15")                                                     \
  X(USER_DELETE, "DELETE FROM ledger_user WHERE id = ?1")                                                                      \
  X(ATTEMPT_READ, "SELECT failures, locked_until, last_at FROM ledger_attempt WHERE name = ?1 AND client = ?2")                \
  X(ATTEMPT_WRITE, "INSERT INTO ledger_attempt (name, client, failures, locked_until, last_at) VALUES (?1, ?2, ?3, ?4, ?5)"    \
                   " ON CONFLICT (name, client) DO UPDATE SET failures = ?3, locked_until = ?4, last_at = ?5")                 \
  X(ATTEMPT_FORGET, "DELETE FROM ledger_attempt WHERE (name, client) IN (SELECT name, client FROM ledger_attempt"              \
                    " WHERE last_at < ?1 ORDER BY last_at LIMIT 20)")                                                          \
  X(ATTEMPT_CLEAR, "DELETE FROM ledger_attempt WHERE name = ?1 AND client IN (?2, x'')")                                       \
  X(ATTEMPT_CLEAR_ALL, "DELETE FROM ledger_attempt WHERE name = ?1")                                                           \
  X(SECRET_LAST, "SELECT max(n) FROM ledger_secret")                                                                           \
  X(SECRET_READ, "SELECT n, secret, expires_at FROM ledger_secret WHERE coalesce(expires_at, ?1 + 1) > ?1 ORDER BY n DESC")    \
  X(SECRET_REFRESH, "SELECT refresh FROM ledger_secret ORDER BY n DESC LIMIT 1")                                               \
  X(SECRET_INSERT, "INSERT INTO ledger_secret (n, secret, refresh) VALUES (max(?1, 1 + coalesce((SELECT max(n) FROM ledger_secret),"\
                   " 0)), ?2, coalesce((SELECT refresh FROM ledger_secret ORDER BY n DESC LIMIT 1), ?3))")                     \
  X(SECRET_EXPIRE, "UPDATE ledger_secret SET expires_at = min(coalesce(expires_at, ?1), ?1)")                                  \
  X(SECRET_FORGET, "DELETE FROM ledger_secret WHERE expires_at < ?1 AND n < (SELECT max(n) FROM ledger_secret)")               \
  X(SESSION_INSERT, "INSERT INTO ledger_session (id, user_id, row_key, method, ip_address, user_agent, created_at, refreshed_at,"\
                    " expires_at) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?7, ?8)")                                                \
  X(SESSION_REFRESHED, "UPDATE ledger_session SET refreshed_at = ?2, expires_at = ?3 WHERE id = ?1")                           \
  X(SESSION_LIVE, "SELECT id, row_key FROM ledger_session WHERE user_id = ?1 AND ended_at IS NULL")                            \
  X(SESSION_END, "UPDATE ledger_session SET ended_at = ?2 WHERE id = ?1 AND ended_at IS NULL")                                 \
  X(SESSION_FORGET, "DELETE FROM ledger_session WHERE id IN (SELECT id FROM ledger_session WHERE expires_at < ?1"              \
                    " ORDER BY expires_at LIMIT 20)")                                                                          \
  X(SESSION_DELETE_USER, "DELETE FROM ledger_session WHERE user_id = ?1")                                                      \
  X(REFRESH_READ, "SELECT session_id, used_at FROM ledger_refresh_token WHERE hash = ?1")                                      \
  X(REFRESH_INSERT, "INSERT INTO ledger_refresh_token (hash, session_id, created_at) VALUES (?1, ?2, ?3)")                     \
  X(REFRESH_USED, "UPDATE ledger_refresh_token SET used_at = ?2 WHERE hash = ?1")                                              \
  X(REFRESH_FORGET, "DELETE FROM ledger_refresh_token WHERE session_id = ?1 AND used_at < ?2")                                 \
  X(KEY_INSERT, "INSERT INTO ledger_key (id, row_key, user_id, role, salt, hash, name, description, permissions, rate_limit,"  \
                " created_at, expires_at) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)")                         \
  X(KEY_USED, "UPDATE ledger_key SET last_used_at = ?2 WHERE id = ?1")                                                         \
  X(KEY_REVOKE, "UPDATE ledger_key SET is_active = 0 WHERE id = ?1 AND is_active")                                             \
  X(KEY_DELETE_USER, "DELETE FROM ledger_key WHERE user_id = ?1")

#define STATEMENTS(X)                                                                                                          \
  STATEMENTS_STORE(X)                                                                                                          \
  STATEMENTS_BOOK(X)                                                                                                           \
  STATEMENTS_HOLD(X)                                                                                                           \
  STATEMENTS_PRICE(X)                                                                                                          \
  STATEMENTS_CRYPTO(X)                                                                                                         \
  STATEMENTS_AUDIT(X)                                                                                                          \
  STATEMENTS_SYNC(X)                                                                                                           \
  STATEMENTS_VERIFY(X)                                                                                                         \
  STATEMENTS_TABLE(X)                                                                                                          \
  STATEMENTS_SIGN_IN(X)                                                                                                        \
  STATEMENTS_IMPORT(X)                                                                                                         \
  STATEMENTS_PROVE(X)

#endif
