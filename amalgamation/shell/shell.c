/*
** shell: the command line, `ledger`. The parts stand in one unit; this file is the table of commands and main().
** A new command is a row of shell_commands and a cmd_ function in one of the parts.
*/
#include "shell.h"

#include "report.c"
#include "lines.c"
#include "key_file.c"
#include "output_file.c"
#include "encrypt_command.c"
#include "main_link.c"
#include "proof_commands.c"
#include "file_commands.c"
#include "row_commands.c"
#include "book_commands.c"
#include "batch_command.c"
#include "pull_command.c"
#include "schema_commands.c"
#include "prove_command.c"
#include "push_command.c"
#include "import_command.c"
#include "sync_commands.c"
#include "bundle_commands.c"
#include "user_commands.c"
#include "key_commands.c"
#include "role_commands.c"
#ifdef LEDGER_WEB
#include "serve_command.c"
#endif

#define SHELL_ACCOUNT                                                                              \
  "ACCOUNT is an id, an account_number, portfolio:USER:CURRENCY or system:NAME:CURRENCY.\n"

static const struct command shell_commands[] = {
    {"init",
     "init FILE [--schema=NAME|PATH.sql] [--no-seed] [--lenient] [--from=DSN [--tables=A,B] "
     "[--public-key=KEY]]",
     "make a ledger file from a PostgreSQL schema",
     "NAME is full (the default), elon, wallstreet, advancia, smarthub or pe_portal; PATH.sql is a "
     "PostgreSQL\n"
     "schema of your own: DDL, a pg_dump or a migration. The file must not exist.\n"
     "  --no-seed   leave the schema's seed rows out\n"
     "  --lenient   leave out what has no effect on stored rows (functions, triggers that cannot "
     "be translated, GIN\n"
     "              and GiST indexes, grants) and print each, instead of refusing it\n"
     "  --from=DSN  a device of the main database: its schema (--schema: which one, by its name "
     "there), enrolled\n"
     "              there with its range of keys, with the tables that main declares to be its own "
     "and those of\n"
     "              --tables; --public-key: of the key that its bundles are signed with. The file "
     "appears when\n"
     "              all of that has succeeded\n",
     cmd_init, true, 1, 1,
     OPTIONS("--schema=", "--no-seed", "--lenient", "--from=", "--tables=", "--public-key="), NULL},
    {"info", "info FILE [--json]", "what a file holds: schema, rows, sizes", "", cmd_info, true, 1,
     1, OPTIONS("--json"), NULL},
    {"schema",
     "schema NAME|PATH.sql|FILE [--postgres|--sqlite|--json|--check|--policies [--json]] "
     "[--lenient]",
     "show or check a schema",
     "  --postgres  the normalised PostgreSQL script\n"
     "  --sqlite    the script that makes the SQLite file\n"
     "  --json      the catalog as JSON\n"
     "  --check     only say what is refused, skipped or recorded, all of it; exit status 1 if "
     "anything is refused\n"
     "  --policies  row-level security: which rows each role may see and change; also of a ledger "
     "FILE\n",
     cmd_schema, false, 1, 1,
     OPTIONS("--sqlite", "--postgres", "--json", "--check", "--lenient", "--policies"), NULL},
    {"load",
     "load FILE [--continue] [--batch=N] [--quiet] [--plain] [--actor=USER] [--key-file=KEYFILE] < "
     "CHANGES",
     "apply changes, one JSON object a line",
     "A line is "
     "{\"table\":\"users\",\"op\":\"insert|update|delete|upsert\",\"row\":{...},\"where\":{...}}; "
     "op is insert when\n"
     "it is left out. For each line one line comes out, once it is committed:\n"
     "  {\"line\":1,\"ok\":true,\"row\":{...}} or "
     "{\"line\":1,\"ok\":false,\"sqlstate\":\"23505\",\"message\":...}\n"
     "  --continue  pass over refused lines; without it the first one ends the load and undoes its "
     "transaction\n"
     "  --batch=N   lines of one transaction (10000)\n"
     "  --quiet     print refused lines only\n"
     "  --plain     rows alone: no audit trail, and balances and completed transactions may be "
     "written;\n"
     "              ledger verify will say what does not add up\n"
     "  --key-file  the key of encrypted columns ($LEDGER_KEY_FILE)\n",
     cmd_load, true, 1, 1,
     OPTIONS("--continue", "--batch=", "--quiet", "--plain", "--actor=", "--key-file="), NULL},
    {"get", "get FILE TABLE [QUERY] [--key-file=KEYFILE]", "rows of a table or view as JSON",
     "QUERY is a PostgREST query: "
     "'select=id,email&status=eq.active&order=created_at.desc&limit=10'.\n"
     "Operators: eq neq gt gte lt lte like ilike match imatch in is isdistinct, not.<op>, "
     "or=(...), and=(...).\n",
     cmd_get, true, 2, 3, OPTIONS("--key-file="), NULL},
    {"export",
     "export FILE [--since=N] [--full|--schema-only|--data-only|--init [--enrol] "
     "[--public-key=KEY]]\n              [--format=copy|insert] [-o OUT] [--decrypt "
     "--key-file=KEYFILE]",
     "write a script that carries the file into PostgreSQL",
     "Alone it cuts a batch of what was written since the last one, and prints each batch that "
     "main "
     "has not, a\n"
     "transaction each, and a SELECT of what main then has, for ledger ack:\n"
     "  ledger export FILE | psql -qAtX \"$MAIN\" | ledger ack FILE\n"
     "  --since=N     batches N and later once more, as they were; nothing is cut\n"
     "  --full        schema, rows, sequences and ledger_sync, for an empty database\n"
     "  --schema-only what makes an empty database\n"
     "  --data-only   rows, for a database that has the tables; a row that is there already and "
     "equal is skipped\n"
     "  --init        only the schema ledger_sync, for a database that has the tables\n"
     "  --enrol       and make this device known to it; --public-key: with the key that its "
     "bundles "
     "are signed by,\n"
     "                64 hexadecimal digits or @FILE\n"
     "  --format      copy for psql 15 or later (the default), insert for any client\n"
     "  -o OUT        write to a file, whole or not at all\n"
     "  --decrypt     encrypted columns in clear, with --full or --data-only: for a database that "
     "is "
     "not synced,\n"
     "                or whose rows then differ from the file's; without it they go as they are "
     "kept\n"
     "A part applies in one transaction or not at all:  ledger export FILE --full | psql "
     "\"$MAIN\"\n",
     cmd_export, true, 1, 1,
     OPTIONS("--init", "--full", "--schema-only", "--data-only", "--format=", "-o=", "--since=",
             "--enrol", "--public-key=", "--decrypt", "--key-file="),
     NULL},
    {"import", "import FILE DUMP.sql|- [--continue] [--json] [--key-file=KEYFILE]",
     "take a pg_dump of the main database into a file",
     "DUMP.sql is a plain pg_dump, with COPY or INSERT; - is standard input. All of it or nothing; "
     "a row that is\n"
     "there already and equal is skipped. Balances become opening journals of the book, completed "
     "transactions and\n"
     "audit rows its history. Nothing of it is sent back to main, and nothing else may be waiting "
     "to be sent.\n"
     "  --continue  leave out the tables that the file does not have, and say which\n",
     cmd_import, true, 2, 2, OPTIONS("--continue", "--json", "--key-file="), NULL},
    {"pull", "pull FILE DSN [--tables=A,B,...] [--json]",
     "refresh tables that are the main database's own",
     "DSN is a postgresql:// URI or key=value pairs, as libpq reads them. The rows of the tables "
     "become those of\n"
     "main, in one transaction; from then on nobody else writes these tables here. Without "
     "--tables: those that\n"
     "main declares to be its own.\n",
     cmd_pull, true, 2, 2, OPTIONS("--tables=", "--json"), NULL},
    {"push", "push FILE DSN [--json] [--quiet] [--retries=N] [--no-init] [--public-key=KEY]",
     "bring to the main PostgreSQL what it has not",
     "DSN is libpq's: postgresql://user@host/database, 'host=.. dbname=..' or a database's name; "
     "PGPASSWORD and\n"
     "~/.pgpass count. An empty database gets everything, one with the tables the schema "
     "ledger_sync beside them;\n"
     "then each batch goes in a transaction of its own. Cut off anywhere, the next push goes on "
     "from there.\n"
     "  --retries=N   tries after the first one, for what may pass: no connection, a lock (4)\n"
     "  --no-init     refuse a database that does not know the device, instead of making it known\n"
     "  --public-key  enrol with the key that its bundles are signed by: 64 hexadecimal digits, or "
     "@FILE;\n"
     "                that of ledger head unless given\n"
     "Exit status 1: main refused something, or holds a batch in custody; 2: not reached.\n",
     cmd_push, true, 2, 2, OPTIONS("--json", "--quiet", "--retries=", "--no-init", "--public-key="),
     NULL},
    {"ack", "ack FILE [--trusted] < ACKNOWLEDGEMENT", "take main's word for what it has",
     "The last acknowledgement of the input counts. Once main's key is known it must be signed, "
     "unless\n"
     "  --trusted  it came over a connection to main itself\n",
     cmd_ack, true, 1, 1, OPTIONS("--trusted"), NULL},
    {"status", "status FILE [--json]",
     "what waits for the main PostgreSQL, since when, and the last error",
     "Warns of what has waited for a day, of much that waits, of custody, and of a wrong clock.\n",
     cmd_status, true, 1, 1, OPTIONS("--json"), NULL},
    {"device show", "device show FILE [--json]", "who the file is to the main PostgreSQL", "",
     cmd_device_show, true, 1, 1, OPTIONS("--json"), NULL},
    {"device rekey", "device rekey FILE [--json]",
     "give the file a new identity: a restored backup, a copied card",
     "What main has not received is cut again under it; what it has is not sent twice.\n",
     cmd_device_rekey, true, 1, 1, OPTIONS("--json"), NULL},
    {"device table",
     "device table FILE TABLE [--kind=mutable|fact|main|local] [--collision=reject|adopt|rename]",
     "declare how a table syncs",
     "  --kind  mutable: the last writer wins; fact: added, never changed; main: written on main "
     "alone;\n"
     "          local: never leaves the file\n"
     "  --collision  when another device's row has the natural key: keep the batch in custody, "
     "take "
     "main's row\n"
     "          for this one, or give this one another key\n",
     cmd_device_table, true, 2, 2, OPTIONS("--kind=", "--collision="), NULL},
    {"restore", "restore BACKUP FILE", "make a file from a backup, with an identity of its own",
     "FILE must not exist. Main would take the backup itself for a fork of the device it was.\n",
     cmd_restore, false, 2, 2, OPTIONS(NULL), NULL},
    {"digest", "digest FILE [--table=NAME] [--against=DSN] [--json]",
     "a digest of each table, to compare with PostgreSQL's",
     "Prints schema|table|rows|sum|xor, as  psql -At -c 'select * from ledger_sync.digest()'  does "
     "on the other side.\n"
     "  --against=DSN  compare with main, and name the first 100 rows that differ: only here, only "
     "there, or in which\n"
     "                 columns. Exit status 0: equal; 1: they differ; 2: could not run.\n",
     cmd_digest, true, 1, 1, OPTIONS("--table=", "--against=", "--json"), NULL},
    {"prove", "prove FILE DSN [--json]", "prove that every row of the file is on main",
     "Compares exactly this device's keys with main's rows, whatever else main holds, and looks "
     "through the list of its\n"
     "batches: no gap, and the journal's heads. Rows that main lacks for a reason are listed and "
     "do not break the proof:\n"
     "  waiting     changed since the last batch      custody  received, not applied\n"
     "  superseded  written later by another device or by main\n"
     "  adopted, renamed  main had another row of that natural key\n"
     "Balances are left out: those of several devices add up.\n"
     "Exit status 0: proven; 1: not; 2: could not run.\n",
     cmd_prove, true, 2, 2, OPTIONS("--json"), NULL},
    {"backup", "backup FILE DEST", "copy a file while others write to it", "DEST must not exist.\n",
     cmd_backup, true, 2, 2, OPTIONS(NULL), NULL},
    {"account show", "account show FILE ACCOUNT [--json]", "an account: status, balance, limits",
     SHELL_ACCOUNT, cmd_account_show, true, 2, 2, OPTIONS("--json"), NULL},
    {"account list", "account list FILE [QUERY] [--json]", "accounts and their balances",
     "QUERY is a PostgREST query on accounts: 'status=eq.active&order=balance.desc'.\n",
     cmd_account_list, true, 1, 2, OPTIONS("--json"), NULL},
    {"batch",
     "batch FILE [--atomic|--stop|--continue] [--dry-run] [--commit=N] [--actor=USER] < "
     "OPERATIONS",
     "post operations, one JSON object a line",
     "A line is {\"op\":\"transfer\",\"from\":\"WS1\",\"to\":\"WS2\",\"amount\":\"12.50\","
     "\"reference\":\"R\"}; its members: ledger help operation.\n"
     "For each line one line comes out, once the commit that holds it is durable:\n"
     "  {\"line\":1,\"ok\":true,...} or {\"line\":1,\"ok\":false,\"sqlstate\":\"LG001\",...}\n"
     "The lines that are waiting in the input share a commit.\n"
     "  --stop      the first refused line ends the batch, what stands before it is done (the "
     "default)\n"
     "  --continue  pass over refused lines\n"
     "  --atomic    all lines or none, 100000 at most\n"
     "  --dry-run   try all lines in order, and keep nothing; 100000 at most\n"
     "  --commit=N  lines of one commit at most (10000)\n"
     "\"linked\":true: done or refused together with the next line.\n",
     cmd_batch, true, 1, 1,
     OPTIONS("--atomic", "--stop", "--continue", "--dry-run", "--commit=", "--actor="), NULL},
    {"balance", "balance FILE ACCOUNT [--at=TIME] [--clock=booked|effective] [--json]",
     "the balance of an account, now or as of a time",
     SHELL_ACCOUNT "  --at=TIME  all that was booked up to and with that time, a timestamp\n"
                   "  --clock    effective: all that counts up to then, whenever it was booked\n",
     cmd_balance, true, 2, 2, OPTIONS("--at=", "--clock=", "--json"), NULL},
    {"history",
     "history FILE [ACCOUNT] [--since=TIME] [--until=TIME] [--kind=WORD] [--ref=R] [--limit=N] "
     "[--after=CURSOR]\n             [--oldest-first] [--json]",
     "what happened on an account, or in the book",
     "  --ref=R         the operation with the reference and those about it\n"
     "  --limit=N       rows at most (100); --after=CURSOR goes on behind the row with that "
     "cursor\n"
     "  --oldest-first  newest first unless given\n",
     cmd_history, true, 1, 2,
     OPTIONS("--since=", "--until=", "--kind=", "--ref=", "--limit=", "--after=", "--oldest-first",
             "--json"),
     NULL},
    {"head", "head FILE [--sign=KEYFILE|--new-key=KEYFILE] [--json]",
     "the journal's head, to be kept elsewhere",
     "The first line is what  ledger verify --head  takes.\n"
     "  --new-key=KEYFILE  make a signing key, in a file that only you can read, and sign with it\n"
     "  --sign=KEYFILE     sign with a key that was made so; the first that signs is the file's\n",
     cmd_head, true, 1, 1, OPTIONS("--sign=", "--new-key=", "--json"), NULL},
    {"verify", "verify FILE [--full] [--head=SEQ:HASH] [--public-key=HEX] [--json]",
     "prove the book, the audit trail and the file",
     "Exit status 0: proven; 1: broken; 2: could not run.\n"
     "  --full            SQLite's integrity_check in place of quick_check\n"
     "  --head=SEQ:HASH   the journal must pass through this head of ledger head\n"
     "  --public-key=HEX  the signing key as you keep it; else the file's word is taken\n",
     cmd_verify, true, 1, 1, OPTIONS("--full", "--head=", "--public-key=", "--json"), NULL},
    {"bundle key", "bundle key KEYFILE [--show]", "make main's key for bundles",
     "KEYFILE, which only you can read, stays beside the main database and opens all bundles that "
     "are sealed to it.\n"
     "What is printed is the public key: 128 hexadecimal digits, for  ledger bundle trust  on each "
     "device.\n"
     "  --show  print that of a KEYFILE that was made before\n"
     "Devices that  ledger init --from  makes take it over, once main has it:\n"
     "  UPDATE ledger_sync.installation SET public_key = decode('...', 'hex')\n",
     cmd_bundle_key, false, 1, 1, OPTIONS("--show"), NULL},
    {"bundle trust", "bundle trust FILE PUBKEY|@PUBKEYFILE [--replace]",
     "tell a device main's public key",
     "From then on bundles can be sealed to it, and an acknowledgement that is carried by hand "
     "must "
     "be signed with it.\n"
     "  --replace  though the file knows another key already\n",
     cmd_bundle_trust, true, 2, 2, OPTIONS("--replace"), NULL},
    {"bundle seal", "bundle seal FILE -o OUT --sign=KEYFILE [--since=N]",
     "write what main has not into a bundle, to be carried by hand",
     "The bundle is compressed, encrypted to main's key and signed with the device's. Where there "
     "is nothing to carry\n"
     "none is written.\n"
     "  --sign=KEYFILE  the device's key, made by  ledger head --new-key,  whose public half main "
     "was told at enrolment\n"
     "  --since=N       from batch N on, though main has it\n"
     "Beside main:  ledger receive DSN OUT --key=MAINKEYFILE -o ACK;  back on the device:  ledger "
     "ack FILE < ACK\n",
     cmd_bundle_seal, true, 1, 1, OPTIONS("-o=", "--sign=", "--since="), NULL},
    {"bundle open",
     "bundle open BUNDLE --key=KEYFILE [--from=PUBKEY|@PUBKEYFILE] [--format=copy|insert] [-o OUT]",
     "verify a bundle and print its script",
     "All of it is verified before the first byte is printed. BUNDLE may be - for standard "
     "input.\n"
     "  --key=KEYFILE  main's key\n"
     "  --from=PUBKEY  the device that it must be from: its public key, 64 hexadecimal digits\n"
     "  --format       copy for psql 15 or later (the default), insert for any client\n"
     "ledger receive  does this, asks main whose key it must be, and answers the device.\n",
     cmd_bundle_open, false, 1, 1, OPTIONS("--key=", "--from=", "--format=", "-o="), NULL},
    {"bundle show", "bundle show BUNDLE [--json]", "what a bundle says of itself",
     "Exit status 0: it is whole, and signed by the key that it names.\n", cmd_bundle_show, false,
     1, 1, OPTIONS("--json"), NULL},
    {"receive", "receive DSN BUNDLE... --key=KEYFILE [--ack-dir=DIR|-o ACK]",
     "take bundles, beside the main database",
     "DSN is main's, as libpq reads it. Of each bundle everything is verified, against the key "
     "that "
     "its device was\n"
     "enrolled with, before main gets a byte of it; then main applies its batches or takes them "
     "into "
     "custody.\n"
     "  --key=KEYFILE   main's key, made by  ledger bundle key\n"
     "  --ack-dir=DIR   for each device a signed acknowledgement, DIR/DEVICE.ack\n"
     "  -o ACK          the same for bundles of one device; else it is printed\n"
     "On the device:  ledger ack FILE < ACK.  One that is refused does not stop the others. Exit "
     "status 0: all were taken;\n"
     "1: one was refused; 2: main cannot be reached.\n",
     cmd_receive, false, 2, ARGUMENT_MAX, OPTIONS("--key=", "--ack-dir=", "-o="), NULL},
    {"user create",
     "user create FILE EMAIL [--phone=NUMBER] [--no-password] [--role=ROLE] [--metadata=JSON] "
     "[--json]",
     "make a user who can sign in",
     "The password is asked for on the terminal, or is the first line of standard input.\n"
     "  --role       of the schema's roles, besides the one that every user has\n"
     "  --metadata   a JSON object; names in it (first_name, last_name, username, ...) go into the "
     "columns that are\n"
     "               called so\n",
     cmd_user_create, true, 2, 2,
     OPTIONS("--phone=", "--no-password", "--role=", "--metadata=", "--json"), NULL},
    {"user list", "user list FILE [--json]", "users, oldest first", "", cmd_user_list, true, 1, 1,
     OPTIONS("--json"), NULL},
    {"user show", "user show FILE USER [--json]", "a user, by id or address", "", cmd_user_show,
     true, 2, 2, OPTIONS("--json"), NULL},
    {"user update",
     "user update FILE USER [--email=] [--phone=] [--token-role=ROLE] [--metadata=JSON] "
     "[--app-metadata=JSON]\n              [--confirm] [--json]",
     "change what is kept about a user",
     "  --token-role  the role claim of the user's tokens (authenticated)\n"
     "  --metadata    members are set one by one; a null takes one away\n"
     "  --confirm     address and number count as proven\n",
     cmd_user_update, true, 2, 2,
     OPTIONS("--email=", "--phone=", "--token-role=", "--metadata=", "--app-metadata=", "--confirm",
             "--json"),
     NULL},
    {"user password", "user password FILE USER", "give a user another password",
     "It is asked for on the terminal, or is the first line of standard input. The user's sessions "
     "end.\n",
     cmd_user_password, true, 2, 2, OPTIONS(NULL), NULL},
    {"user ban", "user ban FILE USER [--until=TIME]", "keep a user out, at once",
     "For good unless --until says how long. Tokens and keys are refused from now on.\n",
     cmd_user_ban, true, 2, 2, OPTIONS("--until="), NULL},
    {"user unban", "user unban FILE USER", "let a user in again",
     "Also one who is suspended by the columns status or is_active, or locked out by wrong "
     "passwords.\n",
     cmd_user_unban, true, 2, 2, OPTIONS(NULL), NULL},
    {"user delete", "user delete FILE USER [--hard]",
     "end a user's sessions and mark the user as gone",
     "  --hard  the row goes; who has money or evidence in the file is kept, and the command "
     "refused\n",
     cmd_user_delete, true, 2, 2, OPTIONS("--hard"), NULL},
    {"key create",
     "key create FILE [USER | --role=anon|service_role] [--name=] [--description=] "
     "[--permissions=JSON]\n              [--expires=TIME] [--rate-limit=N|none] [--json]",
     "make an API key; it is printed once",
     "Of a user: lk_..., which may what the user may, or of that what --permissions says: "
     "'{\"read:accounts\":true}'.\n"
     "Of a role: sb_publishable_... (anon) or sb_secret_... (service_role), for Supabase's "
     "clients.\n"
     "  --rate-limit  requests a minute (100 of a user's key, none of a role's)\n",
     cmd_key_create, true, 1, 2,
     OPTIONS("--role=", "--name=", "--description=", "--permissions=", "--expires=",
             "--rate_limit=", "--json"),
     NULL},
    {"key list", "key list FILE [--json]", "API keys, without their secrets", "", cmd_key_list,
     true, 1, 1, OPTIONS("--json"), NULL},
    {"key revoke", "key revoke FILE ID", "withdraw an API key, at once", "", cmd_key_revoke, true,
     2, 2, OPTIONS(NULL), NULL},
    {"key jwt", "key jwt FILE [--role=ROLE] [--days=N] [--json]",
     "print the anon and service_role keys as JWTs",
     "As Supabase's clients take them. Who has the one of service_role reads and writes "
     "everything.\n"
     "  --role  a token of that role alone\n"
     "  --days  how long they hold (3650)\n",
     cmd_key_jwt, true, 1, 1, OPTIONS("--role=", "--days=", "--json"), NULL},
    {"key rotate", "key rotate FILE [--overlap=SECONDS] [--stdin]",
     "give the file another secret to sign tokens with",
     "A random one, or with --stdin the first line of standard input, 32 bytes or more.\n"
     "  --overlap  how long tokens of the old one hold (3600). After that anon and service_role "
     "keys have to be\n"
     "             printed again; sessions go on by their refresh tokens\n",
     cmd_key_rotate, true, 1, 1, OPTIONS("--overlap=", "--stdin"), NULL},
    {"role list", "role list FILE [USER] [--json]", "the schema's roles, or those of a user", "",
     cmd_role_list, true, 1, 2, OPTIONS("--json"), NULL},
    {"role grant", "role grant FILE USER ROLE", "give a user a role", "", cmd_role_grant, true, 3,
     3, OPTIONS(NULL), NULL},
    {"role revoke", "role revoke FILE USER ROLE", "take a role from a user", "", cmd_role_revoke,
     true, 3, 3, OPTIONS(NULL), NULL},
    {"encrypt", "encrypt FILE --key-file=KEYFILE [--new-key-file=KEYFILE | --decrypt]",
     "encrypt the secret columns of a file",
     "They are those whose comment has the line @encrypted: credentials, secrets, numbers and "
     "images "
     "of documents.\n"
     "All of it in one transaction. The key is the file's from then on: get, load, export "
     "--decrypt "
     "and serve take it\n"
     "by --key-file or $LEDGER_KEY_FILE. Without it these columns are shown as they are kept, and "
     "cannot be written.\n"
     "Who loses the key loses the values: keep it elsewhere than the file.\n"
     "  --new-key-file  change the key to that one\n"
     "  --decrypt       back to clear text, and no key\n",
     cmd_encrypt, true, 1, 1, OPTIONS("--key-file=", "--new-key-file=", "--decrypt"), NULL},
#ifdef LEDGER_WEB
    {"serve",
     "serve FILE [--listen=ADDRESS:PORT] [--schema=NAME|PATH.sql] [--tls=CERT.pem] [--open] [...]",
     "serve the file over HTTP, for the clients of PostgREST and Supabase",
     "Prints where it listens, then the keys for clients, and a line of JSON for each request on "
     "standard error.\n"
     "SIGTERM or Ctrl-C ends it once what is in work is done; a second one at once.\n"
     "  --listen=A:P[,...]  where to listen (127.0.0.1:8787); port 0 is a free one. IPv4\n"
     "  --schema=NAME|PATH  make FILE from it where there is none, as ledger init does\n"
     "  --tls=CERT.pem      HTTPS, with certificate and key in one PEM file\n"
     "  --open              tables without row-level security are open to every role\n"
     "  --key-file=KEYFILE  the key of encrypted columns; $LEDGER_KEY_FILE unless given\n"
     "  --cors=ORIGINS      pages of these origins may use it, commas between them; * is all (*)\n"
     "  --threads=N         connections at a time (96); others wait\n"
     "  --body-max=BYTES    of a request (16777216)\n"
     "  --timeout=S         of a statement (writing 3; reading 3 for anon, 8 for authenticated, "
     "else "
     "30)\n"
     "  --request-timeout=S until a request must have come whole (10)\n"
     "  --idle-timeout=S    until a connection that asks nothing is closed (60)\n"
     "  --sign-ins=N        of an address within five minutes (30); 0 is no limit\n"
     "  --anon-requests=N   of an address within a minute without a user or key (no limit)\n"
     "  --token-seconds=N   how long an access token is good (3600)\n"
     "  --no-signup, --no-anonymous  nobody makes himself a user, or an anonymous one\n"
     "  --confirm           a new user's address must be confirmed first\n"
     "  --behind-proxy      clients' addresses are the last of X-Forwarded-For\n"
     "  --show-keys         print the service_role key, too; on a terminal it is\n"
     "  --quiet             no lines for requests\n"
     "On an address that others reach it does not start while a password or secret of the file is "
     "one that a\n"
     "document has published. Exit status 0: stopped; 1: not safe; 2: could not run.\n",
     cmd_serve, true, 1, 1,
     OPTIONS("--listen=", "--schema=", "--tls=", "--open", "--key-file=", "--threads=", "--cors=",
             "--quiet", "--body-max=", "--timeout=", "--request-timeout=", "--idle-timeout=",
             "--sign-ins=", "--behind-proxy", "--show-keys", "--no-signup", "--no-anonymous",
             "--confirm", "--token-seconds=", "--anon-requests="),
     NULL},
#endif
    {"key file", "key file KEYFILE", "make a key for encrypted columns",
     "KEYFILE must not exist; only its owner can read it. See ledger help encrypt.\n", cmd_key_file,
     false, 1, 1, OPTIONS(NULL), NULL},
#define X(kind, command, arguments, least, most, summary, help, ...)                               \
  {command,                                                                                        \
   command " FILE " arguments " [--ref=R] [--MEMBER=VALUE ...] [--actor=USER] [--json]",           \
   summary,                                                                                        \
   help "  --ref=R  its name for ever: the same again is not done again; a uuid unless given\n"    \
        "Options are all members of an operation: ledger help operation\n",                        \
   cmd_operation,                                                                                  \
   true,                                                                                           \
   1 + (least),                                                                                    \
   1 + (most),                                                                                     \
   book_options,                                                                                   \
   &(const struct operation_form){LEDGER_OP_##kind, {__VA_ARGS__, NO_MEMBER}}},
    BOOK_OPERATIONS(X)
#undef X
};
#define SHELL_COMMANDS ((int)(sizeof shell_commands / sizeof *shell_commands))

static void shell_help(FILE *out) {
  fputs("ledger: an application's PostgreSQL database in one file\n\nusage: ledger COMMAND ...\n\n",
        out);
  for (int i = 0; i < SHELL_COMMANDS; i++)
    fprintf(out, "  %-16s %s\n", shell_commands[i].name, shell_commands[i].summary);
  fputs("  help             this, or of one command: ledger help COMMAND\n  version\n\n"
        "FILE may stand in $LEDGER_FILE. Exit status: 0 done, 1 refused, 2 usage or could not run, "
        "130 interrupted.\n",
        out);
}

/* The command of one word or two; *taken is how many it is. */
static const struct command *shell_find(char **words, int count, int *taken) {
  for (int i = 0; i < SHELL_COMMANDS; i++) {
    const char *name = shell_commands[i].name, *space = strchr(name, ' ');
    size_t length = space ? (size_t)(space - name) : strlen(name);
    if (strlen(words[0]) != length || memcmp(words[0], name, length) != 0) continue;
    *taken = space ? 2 : 1;
    if (!space || (count > 1 && strcmp(words[1], space + 1) == 0)) return &shell_commands[i];
  }
  return NULL;
}

/* The commands of which the word is the first of two; false if there is none. */
static bool shell_list(FILE *out, const char *word) {
  size_t length = strlen(word);
  bool is_any = false;
  for (int i = 0; i < SHELL_COMMANDS; i++) {
    const struct command *command = &shell_commands[i];
    if (strncmp(command->name, word, length) != 0 || command->name[length] != ' ') continue;
    fprintf(out, "%s  ledger %-16s %s\n", is_any ? "" : "usage: one of\n", command->name,
            command->summary);
    is_any = true;
  }
  return is_any;
}

static int shell_no_command(const char *word) {
  if (shell_list(stderr, word)) return EXIT_USAGE;
  fputs("ledger: no such command: ", stderr);
  report_words(stderr, word);
  fputs(" (ledger help lists them)\n", stderr);
  return EXIT_USAGE;
}

static int shell_help_command(const struct command *command) {
  printf("usage: ledger %s\n%s\n%s%s", command->usage, command->summary,
         command->help[0] ? "\n" : "", command->help);
  return EXIT_DONE;
}

static int shell_help_of(char **words, int count) {
  int taken;
  const struct command *command = count > 0 ? shell_find(words, count, &taken) : NULL;
  if (command) return shell_help_command(command);
  if (count > 0 && strcmp(words[0], "operation") == 0)
    book_help();
  else if (count == 0)
    shell_help(stdout);
  else if (!shell_list(stdout, words[0]))
    return shell_no_command(words[0]);
  return EXIT_DONE;
}

/* Is the word the option's name? Where that has an underscore, people write a hyphen. */
static bool shell_is_option(const char *word, const char *option, size_t length) {
  for (size_t i = 0; i < length; i++)
    if (word[i] != option[i] && !(option[i] == '_' && word[i] == '-')) return false;
  return true;
}

/* The index of an option, or -1; *value is "" or what stands behind its '=', or in the next word. */
static int shell_option(const struct command *command, char **words, int count, int *at,
                        char **value) {
  static char empty[] = "";
  for (int i = 0; command->options[i]; i++) {
    const char *option = command->options[i];
    size_t length = strlen(option);
    bool takes_value = option[length - 1] == '=';
    if (takes_value) length--;
    if (!shell_is_option(words[*at], option, length)) continue;
    if (words[*at][length] == 0 && !takes_value) {
      *value = empty;
      return i;
    }
    if (!takes_value) continue;
    if (words[*at][length] == '=') {
      *value = words[*at] + length + 1;
      return i;
    }
    if (words[*at][length] == 0 && *at + 1 < count) {
      *value = words[++*at];
      return i;
    }
  }
  return -1;
}

/* How many arguments must be there: those of an operation may be given as options. */
static int shell_needed(const struct command *command, char **values) {
  int needed = command->argument_min;
  if (command->form)
    for (int i = 0; i < command->argument_min - 1 && command->form->members[i] != NO_MEMBER; i++)
      if (values[command->form->members[i]]) needed--;
  return needed;
}

/* An option, and no number such as -5.00. */
static bool shell_is_dashed(const char *word) {
  return word[0] == '-' && word[1] && !(word[1] >= '0' && word[1] <= '9');
}

static int shell_run(const struct command *command, char **words, int count) {
  char *arguments[ARGUMENT_MAX + 1] = {NULL}, *values[OPTION_MAX] = {NULL};
  int argument_count = 0;
  bool options_end = false;
  for (int at = 0; at < count; at++) {
    if (!options_end && strcmp(words[at], "--") == 0) {
      options_end = true;
    } else if (!options_end && shell_is_dashed(words[at])) {
      char *value = NULL;
      if (strcmp(words[at], "--help") == 0 || strcmp(words[at], "-h") == 0)
        return shell_help_command(command);
      const char *word = words[at];
      int option = shell_option(command, words, count, &at, &value);
      char problem[160];
      snprintf(problem, sizeof problem, "%.100s: no such option, or its value is missing", word);
      if (option < 0) return report_usage(command, problem);
      values[option] = value;
    } else {
      if (argument_count == command->argument_max)
        return report_usage(command, "too many arguments");
      arguments[argument_count++] = words[at];
    }
  }
  char *file = getenv("LEDGER_FILE");
  int needed = shell_needed(command, values);
  /* With all that is needed there the first may still be no FILE: what is optional may stand at the end. */
  bool is_left_out = argument_count < needed ||
                     (argument_count < command->argument_max && access(arguments[0], F_OK) != 0);
  if (command->takes_file && file && file[0] && is_left_out) {
    memmove(arguments + 1, arguments, (size_t)argument_count * sizeof *arguments);
    arguments[0] = file;
    argument_count++;
  }
  if (argument_count < needed) return report_usage(command, "an argument is missing");
  return report_flush(command->name, command->run(command, arguments, values));
}

static void shell_on_interrupt(int signal_number) {
  (void)signal_number;
  shell_interrupted = 1;
}

int main(int count, char **words) {
  struct sigaction action = {.sa_handler = shell_on_interrupt};
  sigaction(SIGINT, &action, NULL);
  sigaction(SIGTERM, &action, NULL);
  signal(SIGPIPE, SIG_IGN); /* a closed pipe is a write error, reported as one */
  if (count < 2) {
    shell_help(stderr);
    return EXIT_USAGE;
  }
  if (strcmp(words[1], "help") == 0 || strcmp(words[1], "--help") == 0 ||
      strcmp(words[1], "-h") == 0)
    return report_flush("help", shell_help_of(words + 2, count - 2));
  if (strcmp(words[1], "version") == 0 || strcmp(words[1], "--version") == 0) {
    puts("ledger " LEDGER_VERSION);
    return report_flush("version", EXIT_DONE);
  }
  int taken = 1;
  const struct command *command = shell_find(words + 1, count - 1, &taken);
  if (!command) return shell_no_command(words[1]);
  return shell_run(command, words + 1 + taken, count - 1 - taken);
}
