--
-- PostgreSQL database dump
--

\restrict Qdgw6ZHoPSeXLEgT7ysLWZUXdm2vzQ4L7yWBJFU4cJsIeaqnBKgmYD0aNniprIp

-- Dumped from database version 15.20 (Debian 15.20-0+deb12u1)
-- Dumped by pg_dump version 15.20 (Debian 15.20-0+deb12u1)

SET statement_timeout = 0;
SET lock_timeout = 0;
SET idle_in_transaction_session_timeout = 0;
SET client_encoding = 'UTF8';
SET standard_conforming_strings = on;
SELECT pg_catalog.set_config('search_path', '', false);
SET check_function_bodies = false;
SET xmloption = content;
SET client_min_messages = warning;
SET row_security = off;

--
-- Name: auth; Type: SCHEMA; Schema: -; Owner: postgres
--

CREATE SCHEMA auth;


ALTER SCHEMA auth OWNER TO postgres;

--
-- Name: billing; Type: SCHEMA; Schema: -; Owner: postgres
--

CREATE SCHEMA billing;


ALTER SCHEMA billing OWNER TO postgres;

--
-- Name: SCHEMA billing; Type: COMMENT; Schema: -; Owner: postgres
--

COMMENT ON SCHEMA billing IS 'Money.';


--
-- Name: citext; Type: EXTENSION; Schema: -; Owner: -
--

CREATE EXTENSION IF NOT EXISTS citext WITH SCHEMA public;


--
-- Name: EXTENSION citext; Type: COMMENT; Schema: -; Owner: 
--

COMMENT ON EXTENSION citext IS 'data type for case-insensitive character strings';


--
-- Name: pgcrypto; Type: EXTENSION; Schema: -; Owner: -
--

CREATE EXTENSION IF NOT EXISTS pgcrypto WITH SCHEMA public;


--
-- Name: EXTENSION pgcrypto; Type: COMMENT; Schema: -; Owner: 
--

COMMENT ON EXTENSION pgcrypto IS 'cryptographic functions';


--
-- Name: invoice_status; Type: TYPE; Schema: billing; Owner: postgres
--

CREATE TYPE billing.invoice_status AS ENUM (
    'draft',
    'sent',
    'paid',
    'void'
);


ALTER TYPE billing.invoice_status OWNER TO postgres;

--
-- Name: Weekday; Type: TYPE; Schema: public; Owner: postgres
--

CREATE TYPE public."Weekday" AS ENUM (
    'mon',
    'tue',
    'wed',
    'thu',
    'fri',
    'sat',
    'sun'
);


ALTER TYPE public."Weekday" OWNER TO postgres;

--
-- Name: account_kind; Type: TYPE; Schema: public; Owner: postgres
--

CREATE TYPE public.account_kind AS ENUM (
    'cash',
    'savings',
    'credit'
);


ALTER TYPE public.account_kind OWNER TO postgres;

--
-- Name: channel; Type: TYPE; Schema: public; Owner: postgres
--

CREATE TYPE public.channel AS ENUM (
    'email',
    'sms',
    'push'
);


ALTER TYPE public.channel OWNER TO postgres;

--
-- Name: currency_code; Type: TYPE; Schema: public; Owner: postgres
--

CREATE TYPE public.currency_code AS ENUM (
    'USD',
    'EUR',
    'GBP'
);


ALTER TYPE public.currency_code OWNER TO postgres;

--
-- Name: email_address; Type: DOMAIN; Schema: public; Owner: postgres
--

CREATE DOMAIN public.email_address AS public.citext
	CONSTRAINT email_address_check CHECK ((VALUE OPERATOR(public.~) '^[^@]+@[^@]+$'::public.citext));


ALTER DOMAIN public.email_address OWNER TO postgres;

--
-- Name: file_kind; Type: TYPE; Schema: public; Owner: postgres
--

CREATE TYPE public.file_kind AS ENUM (
    'image',
    'document',
    'other'
);


ALTER TYPE public.file_kind OWNER TO postgres;

--
-- Name: order_status; Type: TYPE; Schema: public; Owner: postgres
--

CREATE TYPE public.order_status AS ENUM (
    'new',
    'paid',
    'packed',
    'shipped',
    'returned'
);


ALTER TYPE public.order_status OWNER TO postgres;

--
-- Name: positive_amount; Type: DOMAIN; Schema: public; Owner: postgres
--

CREATE DOMAIN public.positive_amount AS numeric(12,2) DEFAULT 1
	CONSTRAINT amount_positive CHECK ((VALUE > (0)::numeric));


ALTER DOMAIN public.positive_amount OWNER TO postgres;

--
-- Name: task_state; Type: TYPE; Schema: public; Owner: postgres
--

CREATE TYPE public.task_state AS ENUM (
    'todo',
    'doing',
    'done'
);


ALTER TYPE public.task_state OWNER TO postgres;

--
-- Name: ticket_priority; Type: TYPE; Schema: public; Owner: postgres
--

CREATE TYPE public.ticket_priority AS ENUM (
    'low',
    'normal',
    'high',
    'urgent'
);


ALTER TYPE public.ticket_priority OWNER TO postgres;

--
-- Name: ticket_status; Type: TYPE; Schema: public; Owner: postgres
--

CREATE TYPE public.ticket_status AS ENUM (
    'open',
    'waiting',
    'closed'
);


ALTER TYPE public.ticket_status OWNER TO postgres;

--
-- Name: user_role; Type: TYPE; Schema: public; Owner: postgres
--

CREATE TYPE public.user_role AS ENUM (
    'guest',
    'member',
    'staff',
    'admin'
);


ALTER TYPE public.user_role OWNER TO postgres;

--
-- Name: TYPE user_role; Type: COMMENT; Schema: public; Owner: postgres
--

COMMENT ON TYPE public.user_role IS 'What a user may do.';


--
-- Name: visibility; Type: TYPE; Schema: public; Owner: postgres
--

CREATE TYPE public.visibility AS ENUM (
    'private',
    'team',
    'public'
);


ALTER TYPE public.visibility OWNER TO postgres;

--
-- Name: role(); Type: FUNCTION; Schema: auth; Owner: postgres
--

CREATE FUNCTION auth.role() RETURNS text
    LANGUAGE sql STABLE
    AS $$ SELECT NULLIF(current_setting('request.jwt.claims', true), '')::jsonb ->> 'role' $$;


ALTER FUNCTION auth.role() OWNER TO postgres;

--
-- Name: uid(); Type: FUNCTION; Schema: auth; Owner: postgres
--

CREATE FUNCTION auth.uid() RETURNS uuid
    LANGUAGE sql STABLE
    AS $$ SELECT (NULLIF(current_setting('request.jwt.claims', true), '')::jsonb ->> 'sub')::uuid $$;


ALTER FUNCTION auth.uid() OWNER TO postgres;

--
-- Name: audit_orders(); Type: FUNCTION; Schema: public; Owner: postgres
--

CREATE FUNCTION public.audit_orders() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
BEGIN
  IF TG_OP = 'DELETE' THEN
    INSERT INTO public.audit_log (actor, action, entity) VALUES (OLD.user_id, 'delete', 'orders');
    RETURN OLD;
  ELSIF TG_OP = 'UPDATE' AND NEW.status IS DISTINCT FROM OLD.status THEN
    INSERT INTO public.audit_log (actor, action, entity) VALUES (NEW.user_id, 'status', 'orders');
  END IF;
  RETURN NEW;
END;
$$;


ALTER FUNCTION public.audit_orders() OWNER TO postgres;

--
-- Name: close_ticket(); Type: FUNCTION; Schema: public; Owner: postgres
--

CREATE FUNCTION public.close_ticket() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
BEGIN
  IF NEW.status = 'closed' AND OLD.status <> 'closed' THEN
    NEW.closed_at := COALESCE(NEW.closed_at, now());
  END IF;
  IF OLD.status = 'closed' AND NEW.subject <> OLD.subject THEN
    RAISE EXCEPTION 'ticket % is closed', OLD.id USING ERRCODE = '55000';
  END IF;
  RETURN NEW;
END;
$$;


ALTER FUNCTION public.close_ticket() OWNER TO postgres;

--
-- Name: full_amount(numeric, numeric); Type: FUNCTION; Schema: public; Owner: postgres
--

CREATE FUNCTION public.full_amount(amount numeric, fee numeric) RETURNS numeric
    LANGUAGE sql IMMUTABLE
    AS $$ SELECT amount + fee $$;


ALTER FUNCTION public.full_amount(amount numeric, fee numeric) OWNER TO postgres;

--
-- Name: is_staff(); Type: FUNCTION; Schema: public; Owner: postgres
--

CREATE FUNCTION public.is_staff() RETURNS boolean
    LANGUAGE sql STABLE
    AS $$
  SELECT EXISTS (SELECT 1 FROM public.users u WHERE u.id = auth.uid() AND u.role IN ('staff', 'admin'))
$$;


ALTER FUNCTION public.is_staff() OWNER TO postgres;

--
-- Name: FUNCTION is_staff(); Type: COMMENT; Schema: public; Owner: postgres
--

COMMENT ON FUNCTION public.is_staff() IS 'Staff or admin.';


--
-- Name: touch(); Type: FUNCTION; Schema: public; Owner: postgres
--

CREATE FUNCTION public.touch() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
BEGIN
  NEW.updated_at := now();
  RETURN NEW;
END;
$$;


ALTER FUNCTION public.touch() OWNER TO postgres;

SET default_tablespace = '';

SET default_table_access_method = heap;

--
-- Name: customers; Type: TABLE; Schema: billing; Owner: postgres
--

CREATE TABLE billing.customers (
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    user_id uuid,
    vat_number character varying(32),
    currency public.currency_code DEFAULT 'EUR'::public.currency_code NOT NULL
);


ALTER TABLE billing.customers OWNER TO postgres;

--
-- Name: TABLE customers; Type: COMMENT; Schema: billing; Owner: postgres
--

COMMENT ON TABLE billing.customers IS 'The table billing.customers; it''s a fixture.';


--
-- Name: invoices; Type: TABLE; Schema: billing; Owner: postgres
--

CREATE TABLE billing.invoices (
    id bigint NOT NULL,
    customer_id uuid NOT NULL,
    status billing.invoice_status DEFAULT 'draft'::billing.invoice_status NOT NULL,
    amount numeric(14,2) NOT NULL,
    issued_on date,
    due_on date,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    updated_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT invoices_check CHECK (((due_on IS NULL) OR (issued_on IS NULL) OR (due_on >= issued_on)))
);


ALTER TABLE billing.invoices OWNER TO postgres;

--
-- Name: TABLE invoices; Type: COMMENT; Schema: billing; Owner: postgres
--

COMMENT ON TABLE billing.invoices IS 'The table billing.invoices; it''s a fixture.';


--
-- Name: invoices_id_seq; Type: SEQUENCE; Schema: billing; Owner: postgres
--

CREATE SEQUENCE billing.invoices_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;


ALTER TABLE billing.invoices_id_seq OWNER TO postgres;

--
-- Name: invoices_id_seq; Type: SEQUENCE OWNED BY; Schema: billing; Owner: postgres
--

ALTER SEQUENCE billing.invoices_id_seq OWNED BY billing.invoices.id;


--
-- Name: overdue; Type: VIEW; Schema: billing; Owner: postgres
--

CREATE VIEW billing.overdue AS
 SELECT i.id,
    i.amount,
    c.user_id
   FROM (billing.invoices i
     JOIN billing.customers c ON ((c.id = i.customer_id)))
  WHERE ((i.status = 'sent'::billing.invoice_status) AND (i.due_on < CURRENT_DATE));


ALTER TABLE billing.overdue OWNER TO postgres;

--
-- Name: payments; Type: TABLE; Schema: billing; Owner: postgres
--

CREATE TABLE billing.payments (
    id bigint NOT NULL,
    invoice_id bigint NOT NULL,
    amount public.positive_amount NOT NULL,
    method text NOT NULL,
    reference text,
    received_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT payments_method_check CHECK ((method = ANY (ARRAY['card'::text, 'wire'::text, 'cash'::text])))
);


ALTER TABLE billing.payments OWNER TO postgres;

--
-- Name: TABLE payments; Type: COMMENT; Schema: billing; Owner: postgres
--

COMMENT ON TABLE billing.payments IS 'The table billing.payments; it''s a fixture.';


--
-- Name: payments_id_seq; Type: SEQUENCE; Schema: billing; Owner: postgres
--

CREATE SEQUENCE billing.payments_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;


ALTER TABLE billing.payments_id_seq OWNER TO postgres;

--
-- Name: payments_id_seq; Type: SEQUENCE OWNED BY; Schema: billing; Owner: postgres
--

ALTER SEQUENCE billing.payments_id_seq OWNED BY billing.payments.id;


--
-- Name: Settings; Type: TABLE; Schema: public; Owner: postgres
--

CREATE TABLE public."Settings" (
    "userId" uuid NOT NULL,
    "darkMode" boolean DEFAULT false NOT NULL,
    "fontSize" integer DEFAULT 12,
    "order" integer,
    CONSTRAINT "Settings_fontSize_check" CHECK (("fontSize" >= 6))
);


ALTER TABLE public."Settings" OWNER TO postgres;

--
-- Name: TABLE "Settings"; Type: COMMENT; Schema: public; Owner: postgres
--

COMMENT ON TABLE public."Settings" IS 'The table public.Settings; it''s a fixture.';


--
-- Name: accounts; Type: TABLE; Schema: public; Owner: postgres
--

CREATE TABLE public.accounts (
    id bigint NOT NULL,
    user_id uuid NOT NULL,
    kind public.account_kind NOT NULL,
    currency public.currency_code DEFAULT 'USD'::public.currency_code NOT NULL,
    balance numeric(18,2) DEFAULT 0.00 NOT NULL,
    number character(12),
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    updated_at timestamp with time zone DEFAULT now() NOT NULL
);


ALTER TABLE public.accounts OWNER TO postgres;

--
-- Name: TABLE accounts; Type: COMMENT; Schema: public; Owner: postgres
--

COMMENT ON TABLE public.accounts IS 'The table public.accounts; it''s a fixture.';


--
-- Name: accounts_id_seq; Type: SEQUENCE; Schema: public; Owner: postgres
--

ALTER TABLE public.accounts ALTER COLUMN id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME public.accounts_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);


--
-- Name: addresses; Type: TABLE; Schema: public; Owner: postgres
--

CREATE TABLE public.addresses (
    id bigint NOT NULL,
    user_id uuid NOT NULL,
    country character(2) NOT NULL,
    city text,
    zip character varying(16)
);


ALTER TABLE public.addresses OWNER TO postgres;

--
-- Name: TABLE addresses; Type: COMMENT; Schema: public; Owner: postgres
--

COMMENT ON TABLE public.addresses IS 'The table public.addresses; it''s a fixture.';


--
-- Name: addresses_id_seq; Type: SEQUENCE; Schema: public; Owner: postgres
--

CREATE SEQUENCE public.addresses_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;


ALTER TABLE public.addresses_id_seq OWNER TO postgres;

--
-- Name: addresses_id_seq; Type: SEQUENCE OWNED BY; Schema: public; Owner: postgres
--

ALTER SEQUENCE public.addresses_id_seq OWNED BY public.addresses.id;


--
-- Name: api_keys; Type: TABLE; Schema: public; Owner: postgres
--

CREATE TABLE public.api_keys (
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    user_id uuid NOT NULL,
    hash character varying(64) NOT NULL,
    scopes text[] DEFAULT ARRAY['read'::text, 'write'::text] NOT NULL,
    revoked boolean DEFAULT false,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    updated_at timestamp with time zone DEFAULT now() NOT NULL
);


ALTER TABLE public.api_keys OWNER TO postgres;

--
-- Name: TABLE api_keys; Type: COMMENT; Schema: public; Owner: postgres
--

COMMENT ON TABLE public.api_keys IS 'The table public.api_keys; it''s a fixture.';


--
-- Name: audit_log; Type: TABLE; Schema: public; Owner: postgres
--

CREATE TABLE public.audit_log (
    id bigint NOT NULL,
    actor uuid,
    action text NOT NULL,
    entity text NOT NULL,
    changes jsonb,
    at timestamp with time zone DEFAULT now() NOT NULL
);


ALTER TABLE public.audit_log OWNER TO postgres;

--
-- Name: TABLE audit_log; Type: COMMENT; Schema: public; Owner: postgres
--

COMMENT ON TABLE public.audit_log IS 'The table public.audit_log; it''s a fixture.';


--
-- Name: audit_log_id_seq; Type: SEQUENCE; Schema: public; Owner: postgres
--

CREATE SEQUENCE public.audit_log_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;


ALTER TABLE public.audit_log_id_seq OWNER TO postgres;

--
-- Name: audit_log_id_seq; Type: SEQUENCE OWNED BY; Schema: public; Owner: postgres
--

ALTER SEQUENCE public.audit_log_id_seq OWNED BY public.audit_log.id;


--
-- Name: categories; Type: TABLE; Schema: public; Owner: postgres
--

CREATE TABLE public.categories (
    id smallint NOT NULL,
    parent_id smallint,
    name text NOT NULL COLLATE pg_catalog."C"
);


ALTER TABLE public.categories OWNER TO postgres;

--
-- Name: TABLE categories; Type: COMMENT; Schema: public; Owner: postgres
--

COMMENT ON TABLE public.categories IS 'The table public.categories; it''s a fixture.';


--
-- Name: categories_id_seq; Type: SEQUENCE; Schema: public; Owner: postgres
--

CREATE SEQUENCE public.categories_id_seq
    AS smallint
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;


ALTER TABLE public.categories_id_seq OWNER TO postgres;

--
-- Name: categories_id_seq; Type: SEQUENCE OWNED BY; Schema: public; Owner: postgres
--

ALTER SEQUENCE public.categories_id_seq OWNED BY public.categories.id;


--
-- Name: comments; Type: TABLE; Schema: public; Owner: postgres
--

CREATE TABLE public.comments (
    id bigint NOT NULL,
    task_id uuid NOT NULL,
    author_id uuid NOT NULL,
    body text NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    updated_at timestamp with time zone DEFAULT now() NOT NULL
);


ALTER TABLE public.comments OWNER TO postgres;

--
-- Name: TABLE comments; Type: COMMENT; Schema: public; Owner: postgres
--

COMMENT ON TABLE public.comments IS 'The table public.comments; it''s a fixture.';


--
-- Name: comments_id_seq; Type: SEQUENCE; Schema: public; Owner: postgres
--

CREATE SEQUENCE public.comments_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;


ALTER TABLE public.comments_id_seq OWNER TO postgres;

--
-- Name: comments_id_seq; Type: SEQUENCE OWNED BY; Schema: public; Owner: postgres
--

ALTER SEQUENCE public.comments_id_seq OWNED BY public.comments.id;


--
-- Name: countries; Type: TABLE; Schema: public; Owner: postgres
--

CREATE TABLE public.countries (
    code character(2) NOT NULL,
    name character varying(80) NOT NULL,
    region text DEFAULT 'Europe'::text
);


ALTER TABLE public.countries OWNER TO postgres;

--
-- Name: TABLE countries; Type: COMMENT; Schema: public; Owner: postgres
--

COMMENT ON TABLE public.countries IS 'The table public.countries; it''s a fixture.';


--
-- Name: events; Type: TABLE; Schema: public; Owner: postgres
--

CREATE TABLE public.events (
    id bigint NOT NULL,
    name text NOT NULL,
    starts timestamp with time zone NOT NULL,
    ends timestamp with time zone NOT NULL,
    seats integer,
    CONSTRAINT events_order CHECK ((ends > starts))
);


ALTER TABLE public.events OWNER TO postgres;

--
-- Name: TABLE events; Type: COMMENT; Schema: public; Owner: postgres
--

COMMENT ON TABLE public.events IS 'The table public.events; it''s a fixture.';


--
-- Name: events_id_seq; Type: SEQUENCE; Schema: public; Owner: postgres
--

CREATE SEQUENCE public.events_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;


ALTER TABLE public.events_id_seq OWNER TO postgres;

--
-- Name: events_id_seq; Type: SEQUENCE OWNED BY; Schema: public; Owner: postgres
--

ALTER SEQUENCE public.events_id_seq OWNED BY public.events.id;


--
-- Name: files; Type: TABLE; Schema: public; Owner: postgres
--

CREATE TABLE public.files (
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    owner_id uuid NOT NULL,
    kind public.file_kind DEFAULT 'other'::public.file_kind NOT NULL,
    path text NOT NULL,
    bytes bigint NOT NULL,
    sha256 bytea,
    opens_at time without time zone,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    updated_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT files_bytes_check CHECK (((bytes > 0) AND (bytes < '1099511627776'::bigint)))
);


ALTER TABLE public.files OWNER TO postgres;

--
-- Name: TABLE files; Type: COMMENT; Schema: public; Owner: postgres
--

COMMENT ON TABLE public.files IS 'The table public.files; it''s a fixture.';


--
-- Name: notifications; Type: TABLE; Schema: public; Owner: postgres
--

CREATE TABLE public.notifications (
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    user_id uuid NOT NULL,
    channel public.channel NOT NULL,
    payload json,
    read_at timestamp with time zone,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    updated_at timestamp with time zone DEFAULT now() NOT NULL
);


ALTER TABLE public.notifications OWNER TO postgres;

--
-- Name: TABLE notifications; Type: COMMENT; Schema: public; Owner: postgres
--

COMMENT ON TABLE public.notifications IS 'The table public.notifications; it''s a fixture.';


--
-- Name: tickets; Type: TABLE; Schema: public; Owner: postgres
--

CREATE TABLE public.tickets (
    id bigint NOT NULL,
    user_id uuid,
    priority public.ticket_priority DEFAULT 'normal'::public.ticket_priority NOT NULL,
    status public.ticket_status DEFAULT 'open'::public.ticket_status NOT NULL,
    subject text NOT NULL,
    body text,
    tags text[],
    closed_at timestamp with time zone,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    updated_at timestamp with time zone DEFAULT now() NOT NULL
);


ALTER TABLE public.tickets OWNER TO postgres;

--
-- Name: TABLE tickets; Type: COMMENT; Schema: public; Owner: postgres
--

COMMENT ON TABLE public.tickets IS 'The table public.tickets; it''s a fixture.';


--
-- Name: users; Type: TABLE; Schema: public; Owner: postgres
--

CREATE TABLE public.users (
    id uuid NOT NULL,
    team_id uuid,
    email public.email_address NOT NULL,
    role public.user_role DEFAULT 'member'::public.user_role NOT NULL,
    name text,
    birthday date,
    height real,
    score double precision DEFAULT 0,
    last_ip inet,
    login_count integer DEFAULT 0 NOT NULL,
    preferences jsonb DEFAULT '{"theme": "dark"}'::jsonb NOT NULL,
    nicknames text[] DEFAULT '{}'::text[] NOT NULL,
    active boolean DEFAULT true NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    updated_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT users_birthday_check CHECK ((birthday > '1900-01-01'::date)),
    CONSTRAINT users_name_check CHECK (((name IS NULL) OR (btrim(name) <> ''::text)))
);


ALTER TABLE public.users OWNER TO postgres;

--
-- Name: TABLE users; Type: COMMENT; Schema: public; Owner: postgres
--

COMMENT ON TABLE public.users IS 'The table public.users; it''s a fixture.';


--
-- Name: COLUMN users.email; Type: COMMENT; Schema: public; Owner: postgres
--

COMMENT ON COLUMN public.users.email IS 'Case does not count.';


--
-- Name: open_tickets; Type: VIEW; Schema: public; Owner: postgres
--

CREATE VIEW public.open_tickets AS
 SELECT t.id,
    t.subject,
    t.priority,
    u.email
   FROM (public.tickets t
     LEFT JOIN public.users u ON ((u.id = t.user_id)))
  WHERE (t.status <> 'closed'::public.ticket_status)
  ORDER BY t.priority DESC, t.id;


ALTER TABLE public.open_tickets OWNER TO postgres;

--
-- Name: VIEW open_tickets; Type: COMMENT; Schema: public; Owner: postgres
--

COMMENT ON VIEW public.open_tickets IS 'Not closed.';


--
-- Name: order_lines; Type: TABLE; Schema: public; Owner: postgres
--

CREATE TABLE public.order_lines (
    order_id bigint NOT NULL,
    line smallint NOT NULL,
    product_id integer NOT NULL,
    quantity integer DEFAULT 1 NOT NULL,
    unit_price numeric(10,2) NOT NULL,
    discount numeric(4,3) DEFAULT 0,
    CONSTRAINT order_lines_discount_check CHECK (((discount >= (0)::numeric) AND (discount <= (1)::numeric))),
    CONSTRAINT order_lines_line_check CHECK ((line > 0))
);


ALTER TABLE public.order_lines OWNER TO postgres;

--
-- Name: TABLE order_lines; Type: COMMENT; Schema: public; Owner: postgres
--

COMMENT ON TABLE public.order_lines IS 'The table public.order_lines; it''s a fixture.';


--
-- Name: order_totals; Type: VIEW; Schema: public; Owner: postgres
--

CREATE VIEW public.order_totals AS
SELECT
    NULL::bigint AS id,
    NULL::uuid AS user_id,
    NULL::bigint AS lines,
    NULL::numeric AS total,
    NULL::numeric AS dearest;


ALTER TABLE public.order_totals OWNER TO postgres;

--
-- Name: orders; Type: TABLE; Schema: public; Owner: postgres
--

CREATE TABLE public.orders (
    id bigint NOT NULL,
    user_id uuid NOT NULL,
    status public.order_status DEFAULT 'new'::public.order_status NOT NULL,
    placed_on date DEFAULT CURRENT_DATE NOT NULL,
    total numeric(12,2) DEFAULT 0 NOT NULL,
    shipped_at timestamp with time zone,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    updated_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT orders_check CHECK (((status <> 'shipped'::public.order_status) OR (shipped_at IS NOT NULL)))
);


ALTER TABLE public.orders OWNER TO postgres;

--
-- Name: TABLE orders; Type: COMMENT; Schema: public; Owner: postgres
--

COMMENT ON TABLE public.orders IS 'The table public.orders; it''s a fixture.';


--
-- Name: orders_id_seq; Type: SEQUENCE; Schema: public; Owner: postgres
--

CREATE SEQUENCE public.orders_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;


ALTER TABLE public.orders_id_seq OWNER TO postgres;

--
-- Name: orders_id_seq; Type: SEQUENCE OWNED BY; Schema: public; Owner: postgres
--

ALTER SEQUENCE public.orders_id_seq OWNED BY public.orders.id;


--
-- Name: product_categories; Type: TABLE; Schema: public; Owner: postgres
--

CREATE TABLE public.product_categories (
    product_id integer NOT NULL,
    category_id smallint NOT NULL
);


ALTER TABLE public.product_categories OWNER TO postgres;

--
-- Name: TABLE product_categories; Type: COMMENT; Schema: public; Owner: postgres
--

COMMENT ON TABLE public.product_categories IS 'The table public.product_categories; it''s a fixture.';


--
-- Name: products; Type: TABLE; Schema: public; Owner: postgres
--

CREATE TABLE public.products (
    id integer NOT NULL,
    sku character varying(40) NOT NULL,
    title text NOT NULL,
    price numeric(10,2) NOT NULL,
    stock integer DEFAULT 0 NOT NULL,
    attributes jsonb,
    weight numeric,
    photo bytea,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    updated_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT products_price_check CHECK ((price >= (0)::numeric)),
    CONSTRAINT products_stock_check CHECK ((stock >= 0))
);


ALTER TABLE public.products OWNER TO postgres;

--
-- Name: TABLE products; Type: COMMENT; Schema: public; Owner: postgres
--

COMMENT ON TABLE public.products IS 'The table public.products; it''s a fixture.';


--
-- Name: products_id_seq; Type: SEQUENCE; Schema: public; Owner: postgres
--

CREATE SEQUENCE public.products_id_seq
    AS integer
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;


ALTER TABLE public.products_id_seq OWNER TO postgres;

--
-- Name: products_id_seq; Type: SEQUENCE OWNED BY; Schema: public; Owner: postgres
--

ALTER SEQUENCE public.products_id_seq OWNED BY public.products.id;


--
-- Name: SEQUENCE products_id_seq; Type: COMMENT; Schema: public; Owner: postgres
--

COMMENT ON SEQUENCE public.products_id_seq IS 'Of products.';


--
-- Name: sessions; Type: TABLE; Schema: public; Owner: postgres
--

CREATE TABLE public.sessions (
    token text NOT NULL,
    user_id uuid NOT NULL,
    expires_at timestamp with time zone NOT NULL,
    agent text,
    CONSTRAINT sessions_token_check CHECK ((length(token) >= 16))
);


ALTER TABLE public.sessions OWNER TO postgres;

--
-- Name: TABLE sessions; Type: COMMENT; Schema: public; Owner: postgres
--

COMMENT ON TABLE public.sessions IS 'The table public.sessions; it''s a fixture.';


--
-- Name: tasks; Type: TABLE; Schema: public; Owner: postgres
--

CREATE TABLE public.tasks (
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    team_id uuid NOT NULL,
    assignee uuid,
    state public.task_state DEFAULT 'todo'::public.task_state NOT NULL,
    title text NOT NULL,
    due_at timestamp with time zone,
    estimate interval,
    days public."Weekday"[],
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    updated_at timestamp with time zone DEFAULT now() NOT NULL
);


ALTER TABLE public.tasks OWNER TO postgres;

--
-- Name: TABLE tasks; Type: COMMENT; Schema: public; Owner: postgres
--

COMMENT ON TABLE public.tasks IS 'The table public.tasks; it''s a fixture.';


--
-- Name: teams; Type: TABLE; Schema: public; Owner: postgres
--

CREATE TABLE public.teams (
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    name character varying(120) NOT NULL,
    slug text NOT NULL,
    visibility public.visibility DEFAULT 'private'::public.visibility NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    updated_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT teams_slug_check CHECK (((slug = lower(slug)) AND ((char_length(slug) >= 2) AND (char_length(slug) <= 40))))
);


ALTER TABLE public.teams OWNER TO postgres;

--
-- Name: TABLE teams; Type: COMMENT; Schema: public; Owner: postgres
--

COMMENT ON TABLE public.teams IS 'The table public.teams; it''s a fixture.';


--
-- Name: ticket_messages; Type: TABLE; Schema: public; Owner: postgres
--

CREATE TABLE public.ticket_messages (
    id bigint NOT NULL,
    ticket_id bigint NOT NULL,
    author_id uuid,
    body text NOT NULL,
    at timestamp with time zone DEFAULT now() NOT NULL
);


ALTER TABLE public.ticket_messages OWNER TO postgres;

--
-- Name: TABLE ticket_messages; Type: COMMENT; Schema: public; Owner: postgres
--

COMMENT ON TABLE public.ticket_messages IS 'The table public.ticket_messages; it''s a fixture.';


--
-- Name: ticket_messages_id_seq; Type: SEQUENCE; Schema: public; Owner: postgres
--

CREATE SEQUENCE public.ticket_messages_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;


ALTER TABLE public.ticket_messages_id_seq OWNER TO postgres;

--
-- Name: ticket_messages_id_seq; Type: SEQUENCE OWNED BY; Schema: public; Owner: postgres
--

ALTER SEQUENCE public.ticket_messages_id_seq OWNED BY public.ticket_messages.id;


--
-- Name: tickets_id_seq; Type: SEQUENCE; Schema: public; Owner: postgres
--

CREATE SEQUENCE public.tickets_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;


ALTER TABLE public.tickets_id_seq OWNER TO postgres;

--
-- Name: tickets_id_seq; Type: SEQUENCE OWNED BY; Schema: public; Owner: postgres
--

ALTER SEQUENCE public.tickets_id_seq OWNED BY public.tickets.id;


--
-- Name: transfers; Type: TABLE; Schema: public; Owner: postgres
--

CREATE TABLE public.transfers (
    id bigint NOT NULL,
    from_account bigint NOT NULL,
    to_account bigint NOT NULL,
    amount public.positive_amount NOT NULL,
    fee numeric(12,4) DEFAULT 0 NOT NULL,
    total numeric(14,4) GENERATED ALWAYS AS (((amount)::numeric + fee)) STORED,
    note text,
    executed_at timestamp(3) without time zone DEFAULT CURRENT_TIMESTAMP,
    CONSTRAINT transfers_distinct CHECK ((from_account <> to_account))
);


ALTER TABLE public.transfers OWNER TO postgres;

--
-- Name: TABLE transfers; Type: COMMENT; Schema: public; Owner: postgres
--

COMMENT ON TABLE public.transfers IS 'The table public.transfers; it''s a fixture.';


--
-- Name: CONSTRAINT transfers_distinct ON transfers; Type: COMMENT; Schema: public; Owner: postgres
--

COMMENT ON CONSTRAINT transfers_distinct ON public.transfers IS 'No transfer to oneself.';


--
-- Name: transfers_id_seq; Type: SEQUENCE; Schema: public; Owner: postgres
--

ALTER TABLE public.transfers ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.transfers_id_seq
    START WITH 1000
    INCREMENT BY 5
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);


--
-- Name: invoices id; Type: DEFAULT; Schema: billing; Owner: postgres
--

ALTER TABLE ONLY billing.invoices ALTER COLUMN id SET DEFAULT nextval('billing.invoices_id_seq'::regclass);


--
-- Name: payments id; Type: DEFAULT; Schema: billing; Owner: postgres
--

ALTER TABLE ONLY billing.payments ALTER COLUMN id SET DEFAULT nextval('billing.payments_id_seq'::regclass);


--
-- Name: addresses id; Type: DEFAULT; Schema: public; Owner: postgres
--

ALTER TABLE ONLY public.addresses ALTER COLUMN id SET DEFAULT nextval('public.addresses_id_seq'::regclass);


--
-- Name: audit_log id; Type: DEFAULT; Schema: public; Owner: postgres
--

ALTER TABLE ONLY public.audit_log ALTER COLUMN id SET DEFAULT nextval('public.audit_log_id_seq'::regclass);


--
-- Name: categories id; Type: DEFAULT; Schema: public; Owner: postgres
--

ALTER TABLE ONLY public.categories ALTER COLUMN id SET DEFAULT nextval('public.categories_id_seq'::regclass);


--
-- Name: comments id; Type: DEFAULT; Schema: public; Owner: postgres
--

ALTER TABLE ONLY public.comments ALTER COLUMN id SET DEFAULT nextval('public.comments_id_seq'::regclass);


--
-- Name: events id; Type: DEFAULT; Schema: public; Owner: postgres
--

ALTER TABLE ONLY public.events ALTER COLUMN id SET DEFAULT nextval('public.events_id_seq'::regclass);


--
-- Name: orders id; Type: DEFAULT; Schema: public; Owner: postgres
--

ALTER TABLE ONLY public.orders ALTER COLUMN id SET DEFAULT nextval('public.orders_id_seq'::regclass);


--
-- Name: products id; Type: DEFAULT; Schema: public; Owner: postgres
--

ALTER TABLE ONLY public.products ALTER COLUMN id SET DEFAULT nextval('public.products_id_seq'::regclass);


--
-- Name: ticket_messages id; Type: DEFAULT; Schema: public; Owner: postgres
--

ALTER TABLE ONLY public.ticket_messages ALTER COLUMN id SET DEFAULT nextval('public.ticket_messages_id_seq'::regclass);


--
-- Name: tickets id; Type: DEFAULT; Schema: public; Owner: postgres
--

ALTER TABLE ONLY public.tickets ALTER COLUMN id SET DEFAULT nextval('public.tickets_id_seq'::regclass);


--
-- Data for Name: customers; Type: TABLE DATA; Schema: billing; Owner: postgres
--

COPY billing.customers (id, user_id, vat_number, currency) FROM stdin;
\.


--
-- Data for Name: invoices; Type: TABLE DATA; Schema: billing; Owner: postgres
--

COPY billing.invoices (id, customer_id, status, amount, issued_on, due_on, created_at, updated_at) FROM stdin;
\.


--
-- Data for Name: payments; Type: TABLE DATA; Schema: billing; Owner: postgres
--

COPY billing.payments (id, invoice_id, amount, method, reference, received_at) FROM stdin;
\.


--
-- Data for Name: Settings; Type: TABLE DATA; Schema: public; Owner: postgres
--

COPY public."Settings" ("userId", "darkMode", "fontSize", "order") FROM stdin;
\.


--
-- Data for Name: accounts; Type: TABLE DATA; Schema: public; Owner: postgres
--

COPY public.accounts (id, user_id, kind, currency, balance, number, created_at, updated_at) FROM stdin;
\.


--
-- Data for Name: addresses; Type: TABLE DATA; Schema: public; Owner: postgres
--

COPY public.addresses (id, user_id, country, city, zip) FROM stdin;
\.


--
-- Data for Name: api_keys; Type: TABLE DATA; Schema: public; Owner: postgres
--

COPY public.api_keys (id, user_id, hash, scopes, revoked, created_at, updated_at) FROM stdin;
\.


--
-- Data for Name: audit_log; Type: TABLE DATA; Schema: public; Owner: postgres
--

COPY public.audit_log (id, actor, action, entity, changes, at) FROM stdin;
\.


--
-- Data for Name: categories; Type: TABLE DATA; Schema: public; Owner: postgres
--

COPY public.categories (id, parent_id, name) FROM stdin;
\.


--
-- Data for Name: comments; Type: TABLE DATA; Schema: public; Owner: postgres
--

COPY public.comments (id, task_id, author_id, body, created_at, updated_at) FROM stdin;
\.


--
-- Data for Name: countries; Type: TABLE DATA; Schema: public; Owner: postgres
--

COPY public.countries (code, name, region) FROM stdin;
DE	Germany	Europe
FR	France	Europe
\.


--
-- Data for Name: events; Type: TABLE DATA; Schema: public; Owner: postgres
--

COPY public.events (id, name, starts, ends, seats) FROM stdin;
\.


--
-- Data for Name: files; Type: TABLE DATA; Schema: public; Owner: postgres
--

COPY public.files (id, owner_id, kind, path, bytes, sha256, opens_at, created_at, updated_at) FROM stdin;
\.


--
-- Data for Name: notifications; Type: TABLE DATA; Schema: public; Owner: postgres
--

COPY public.notifications (id, user_id, channel, payload, read_at, created_at, updated_at) FROM stdin;
\.


--
-- Data for Name: order_lines; Type: TABLE DATA; Schema: public; Owner: postgres
--

COPY public.order_lines (order_id, line, product_id, quantity, unit_price, discount) FROM stdin;
\.


--
-- Data for Name: orders; Type: TABLE DATA; Schema: public; Owner: postgres
--

COPY public.orders (id, user_id, status, placed_on, total, shipped_at, created_at, updated_at) FROM stdin;
\.


--
-- Data for Name: product_categories; Type: TABLE DATA; Schema: public; Owner: postgres
--

COPY public.product_categories (product_id, category_id) FROM stdin;
\.


--
-- Data for Name: products; Type: TABLE DATA; Schema: public; Owner: postgres
--

COPY public.products (id, sku, title, price, stock, attributes, weight, photo, created_at, updated_at) FROM stdin;
1	A-1	Apple	1.50	0	\N	\N	\N	2026-11-20 10:28:59.132913+00	2026-11-20 10:28:59.132913+00
\.


--
-- Data for Name: sessions; Type: TABLE DATA; Schema: public; Owner: postgres
--

COPY public.sessions (token, user_id, expires_at, agent) FROM stdin;
\.


--
-- Data for Name: tasks; Type: TABLE DATA; Schema: public; Owner: postgres
--

COPY public.tasks (id, team_id, assignee, state, title, due_at, estimate, days, created_at, updated_at) FROM stdin;
\.


--
-- Data for Name: teams; Type: TABLE DATA; Schema: public; Owner: postgres
--

COPY public.teams (id, name, slug, visibility, created_at, updated_at) FROM stdin;
\.


--
-- Data for Name: ticket_messages; Type: TABLE DATA; Schema: public; Owner: postgres
--

COPY public.ticket_messages (id, ticket_id, author_id, body, at) FROM stdin;
\.


--
-- Data for Name: tickets; Type: TABLE DATA; Schema: public; Owner: postgres
--

COPY public.tickets (id, user_id, priority, status, subject, body, tags, closed_at, created_at, updated_at) FROM stdin;
\.


--
-- Data for Name: transfers; Type: TABLE DATA; Schema: public; Owner: postgres
--

COPY public.transfers (id, from_account, to_account, amount, fee, note, executed_at) FROM stdin;
\.


--
-- Data for Name: users; Type: TABLE DATA; Schema: public; Owner: postgres
--

COPY public.users (id, team_id, email, role, name, birthday, height, score, last_ip, login_count, preferences, nicknames, active, created_at, updated_at) FROM stdin;
\.


--
-- Name: invoices_id_seq; Type: SEQUENCE SET; Schema: billing; Owner: postgres
--

SELECT pg_catalog.setval('billing.invoices_id_seq', 1, false);


--
-- Name: payments_id_seq; Type: SEQUENCE SET; Schema: billing; Owner: postgres
--

SELECT pg_catalog.setval('billing.payments_id_seq', 1, false);


--
-- Name: accounts_id_seq; Type: SEQUENCE SET; Schema: public; Owner: postgres
--

SELECT pg_catalog.setval('public.accounts_id_seq', 1, false);


--
-- Name: addresses_id_seq; Type: SEQUENCE SET; Schema: public; Owner: postgres
--

SELECT pg_catalog.setval('public.addresses_id_seq', 1, false);


--
-- Name: audit_log_id_seq; Type: SEQUENCE SET; Schema: public; Owner: postgres
--

SELECT pg_catalog.setval('public.audit_log_id_seq', 1, false);


--
-- Name: categories_id_seq; Type: SEQUENCE SET; Schema: public; Owner: postgres
--

SELECT pg_catalog.setval('public.categories_id_seq', 1, false);


--
-- Name: comments_id_seq; Type: SEQUENCE SET; Schema: public; Owner: postgres
--

SELECT pg_catalog.setval('public.comments_id_seq', 1, false);


--
-- Name: events_id_seq; Type: SEQUENCE SET; Schema: public; Owner: postgres
--

SELECT pg_catalog.setval('public.events_id_seq', 1, false);


--
-- Name: orders_id_seq; Type: SEQUENCE SET; Schema: public; Owner: postgres
--

SELECT pg_catalog.setval('public.orders_id_seq', 1, false);


--
-- Name: products_id_seq; Type: SEQUENCE SET; Schema: public; Owner: postgres
--

SELECT pg_catalog.setval('public.products_id_seq', 41, true);


--
-- Name: ticket_messages_id_seq; Type: SEQUENCE SET; Schema: public; Owner: postgres
--

SELECT pg_catalog.setval('public.ticket_messages_id_seq', 1, false);


--
-- Name: tickets_id_seq; Type: SEQUENCE SET; Schema: public; Owner: postgres
--

SELECT pg_catalog.setval('public.tickets_id_seq', 1, false);


--
-- Name: transfers_id_seq; Type: SEQUENCE SET; Schema: public; Owner: postgres
--

SELECT pg_catalog.setval('public.transfers_id_seq', 1000, false);


--
-- Name: customers customers_pkey; Type: CONSTRAINT; Schema: billing; Owner: postgres
--

ALTER TABLE ONLY billing.customers
    ADD CONSTRAINT customers_pkey PRIMARY KEY (id);


--
-- Name: customers customers_user_id_key; Type: CONSTRAINT; Schema: billing; Owner: postgres
--

ALTER TABLE ONLY billing.customers
    ADD CONSTRAINT customers_user_id_key UNIQUE (user_id);


--
-- Name: invoices invoices_pkey; Type: CONSTRAINT; Schema: billing; Owner: postgres
--

ALTER TABLE ONLY billing.invoices
    ADD CONSTRAINT invoices_pkey PRIMARY KEY (id);


--
-- Name: payments payments_pkey; Type: CONSTRAINT; Schema: billing; Owner: postgres
--

ALTER TABLE ONLY billing.payments
    ADD CONSTRAINT payments_pkey PRIMARY KEY (id);


--
-- Name: payments payments_reference_key; Type: CONSTRAINT; Schema: billing; Owner: postgres
--

ALTER TABLE ONLY billing.payments
    ADD CONSTRAINT payments_reference_key UNIQUE (reference);


--
-- Name: Settings Settings_pkey; Type: CONSTRAINT; Schema: public; Owner: postgres
--

ALTER TABLE ONLY public."Settings"
    ADD CONSTRAINT "Settings_pkey" PRIMARY KEY ("userId");


--
-- Name: accounts accounts_number_key; Type: CONSTRAINT; Schema: public; Owner: postgres
--

ALTER TABLE ONLY public.accounts
    ADD CONSTRAINT accounts_number_key UNIQUE (number);


--
-- Name: accounts accounts_pkey; Type: CONSTRAINT; Schema: public; Owner: postgres
--

ALTER TABLE ONLY public.accounts
    ADD CONSTRAINT accounts_pkey PRIMARY KEY (id);


--
-- Name: accounts accounts_user_id_kind_currency_key; Type: CONSTRAINT; Schema: public; Owner: postgres
--

ALTER TABLE ONLY public.accounts
    ADD CONSTRAINT accounts_user_id_kind_currency_key UNIQUE (user_id, kind, currency);


--
-- Name: addresses addresses_pkey; Type: CONSTRAINT; Schema: public; Owner: postgres
--

ALTER TABLE ONLY public.addresses
    ADD CONSTRAINT addresses_pkey PRIMARY KEY (id);


--
-- Name: api_keys api_keys_hash_key; Type: CONSTRAINT; Schema: public; Owner: postgres
--

ALTER TABLE ONLY public.api_keys
    ADD CONSTRAINT api_keys_hash_key UNIQUE (hash);


--
-- Name: api_keys api_keys_pkey; Type: CONSTRAINT; Schema: public; Owner: postgres
--

ALTER TABLE ONLY public.api_keys
    ADD CONSTRAINT api_keys_pkey PRIMARY KEY (id);


--
-- Name: audit_log audit_log_pkey; Type: CONSTRAINT; Schema: public; Owner: postgres
--

ALTER TABLE ONLY public.audit_log
    ADD CONSTRAINT audit_log_pkey PRIMARY KEY (id);


--
-- Name: categories categories_parent_id_name_key; Type: CONSTRAINT; Schema: public; Owner: postgres
--

ALTER TABLE ONLY public.categories
    ADD CONSTRAINT categories_parent_id_name_key UNIQUE (parent_id, name);


--
-- Name: categories categories_pkey; Type: CONSTRAINT; Schema: public; Owner: postgres
--

ALTER TABLE ONLY public.categories
    ADD CONSTRAINT categories_pkey PRIMARY KEY (id);


--
-- Name: comments comments_pkey; Type: CONSTRAINT; Schema: public; Owner: postgres
--

ALTER TABLE ONLY public.comments
    ADD CONSTRAINT comments_pkey PRIMARY KEY (id);


--
-- Name: countries countries_pkey; Type: CONSTRAINT; Schema: public; Owner: postgres
--

ALTER TABLE ONLY public.countries
    ADD CONSTRAINT countries_pkey PRIMARY KEY (code);


--
-- Name: events events_pkey; Type: CONSTRAINT; Schema: public; Owner: postgres
--

ALTER TABLE ONLY public.events
    ADD CONSTRAINT events_pkey PRIMARY KEY (id);


--
-- Name: files files_pkey; Type: CONSTRAINT; Schema: public; Owner: postgres
--

ALTER TABLE ONLY public.files
    ADD CONSTRAINT files_pkey PRIMARY KEY (id);


--
-- Name: notifications notifications_pkey; Type: CONSTRAINT; Schema: public; Owner: postgres
--

ALTER TABLE ONLY public.notifications
    ADD CONSTRAINT notifications_pkey PRIMARY KEY (id);


--
-- Name: order_lines order_lines_pkey; Type: CONSTRAINT; Schema: public; Owner: postgres
--

ALTER TABLE ONLY public.order_lines
    ADD CONSTRAINT order_lines_pkey PRIMARY KEY (order_id, line);


--
-- Name: orders orders_pkey; Type: CONSTRAINT; Schema: public; Owner: postgres
--

ALTER TABLE ONLY public.orders
    ADD CONSTRAINT orders_pkey PRIMARY KEY (id);


--
-- Name: product_categories product_categories_pkey; Type: CONSTRAINT; Schema: public; Owner: postgres
--

ALTER TABLE ONLY public.product_categories
    ADD CONSTRAINT product_categories_pkey PRIMARY KEY (product_id, category_id);


--
-- Name: products products_pkey; Type: CONSTRAINT; Schema: public; Owner: postgres
--

ALTER TABLE ONLY public.products
    ADD CONSTRAINT products_pkey PRIMARY KEY (id);


--
-- Name: products products_sku_key; Type: CONSTRAINT; Schema: public; Owner: postgres
--

ALTER TABLE ONLY public.products
    ADD CONSTRAINT products_sku_key UNIQUE (sku);


--
-- Name: sessions sessions_pkey; Type: CONSTRAINT; Schema: public; Owner: postgres
--

ALTER TABLE ONLY public.sessions
    ADD CONSTRAINT sessions_pkey PRIMARY KEY (token);


--
-- Name: tasks tasks_pkey; Type: CONSTRAINT; Schema: public; Owner: postgres
--

ALTER TABLE ONLY public.tasks
    ADD CONSTRAINT tasks_pkey PRIMARY KEY (id);


--
-- Name: teams teams_pkey; Type: CONSTRAINT; Schema: public; Owner: postgres
--

ALTER TABLE ONLY public.teams
    ADD CONSTRAINT teams_pkey PRIMARY KEY (id);


--
-- Name: teams teams_slug_key; Type: CONSTRAINT; Schema: public; Owner: postgres
--

ALTER TABLE ONLY public.teams
    ADD CONSTRAINT teams_slug_key UNIQUE (slug);


--
-- Name: ticket_messages ticket_messages_pkey; Type: CONSTRAINT; Schema: public; Owner: postgres
--

ALTER TABLE ONLY public.ticket_messages
    ADD CONSTRAINT ticket_messages_pkey PRIMARY KEY (id);


--
-- Name: tickets tickets_pkey; Type: CONSTRAINT; Schema: public; Owner: postgres
--

ALTER TABLE ONLY public.tickets
    ADD CONSTRAINT tickets_pkey PRIMARY KEY (id);


--
-- Name: transfers transfers_pkey; Type: CONSTRAINT; Schema: public; Owner: postgres
--

ALTER TABLE ONLY public.transfers
    ADD CONSTRAINT transfers_pkey PRIMARY KEY (id);


--
-- Name: users users_email_key; Type: CONSTRAINT; Schema: public; Owner: postgres
--

ALTER TABLE ONLY public.users
    ADD CONSTRAINT users_email_key UNIQUE (email);


--
-- Name: users users_pkey; Type: CONSTRAINT; Schema: public; Owner: postgres
--

ALTER TABLE ONLY public.users
    ADD CONSTRAINT users_pkey PRIMARY KEY (id);


--
-- Name: invoices_due_idx; Type: INDEX; Schema: billing; Owner: postgres
--

CREATE INDEX invoices_due_idx ON billing.invoices USING btree (due_on) WHERE (status <> 'paid'::billing.invoice_status);


--
-- Name: Settings_order_key; Type: INDEX; Schema: public; Owner: postgres
--

CREATE UNIQUE INDEX "Settings_order_key" ON public."Settings" USING btree ("order");


--
-- Name: files_coalesce_idx; Type: INDEX; Schema: public; Owner: postgres
--

CREATE INDEX files_coalesce_idx ON public.files USING btree (COALESCE(kind, 'other'::public.file_kind), ((bytes / 1024)));


--
-- Name: orders_user_idx; Type: INDEX; Schema: public; Owner: postgres
--

CREATE INDEX orders_user_idx ON public.orders USING btree (user_id, placed_on DESC);


--
-- Name: INDEX orders_user_idx; Type: COMMENT; Schema: public; Owner: postgres
--

COMMENT ON INDEX public.orders_user_idx IS 'Latest first.';


--
-- Name: tasks_due; Type: INDEX; Schema: public; Owner: postgres
--

CREATE INDEX tasks_due ON public.tasks USING btree (due_at DESC NULLS LAST) INCLUDE (title);


--
-- Name: tickets_open_idx; Type: INDEX; Schema: public; Owner: postgres
--

CREATE INDEX tickets_open_idx ON public.tickets USING btree (priority, created_at) WHERE (status = 'open'::public.ticket_status);


--
-- Name: users_lower_name; Type: INDEX; Schema: public; Owner: postgres
--

CREATE UNIQUE INDEX users_lower_name ON public.users USING btree (lower(name)) WHERE (name IS NOT NULL);


--
-- Name: order_totals _RETURN; Type: RULE; Schema: public; Owner: postgres
--

CREATE OR REPLACE VIEW public.order_totals AS
 SELECT o.id,
    o.user_id,
    count(l.line) AS lines,
    sum(((l.quantity)::numeric * l.unit_price)) AS total,
    max(l.unit_price) AS dearest
   FROM (public.orders o
     LEFT JOIN public.order_lines l ON ((l.order_id = o.id)))
  GROUP BY o.id;


--
-- Name: invoices touch_updated_at; Type: TRIGGER; Schema: billing; Owner: postgres
--

CREATE TRIGGER touch_updated_at BEFORE UPDATE ON billing.invoices FOR EACH ROW EXECUTE FUNCTION public.touch();


--
-- Name: orders orders_audit; Type: TRIGGER; Schema: public; Owner: postgres
--

CREATE TRIGGER orders_audit AFTER INSERT OR DELETE OR UPDATE ON public.orders FOR EACH ROW EXECUTE FUNCTION public.audit_orders();


--
-- Name: TRIGGER orders_audit ON orders; Type: COMMENT; Schema: public; Owner: postgres
--

COMMENT ON TRIGGER orders_audit ON public.orders IS 'Who did what.';


--
-- Name: tickets tickets_close; Type: TRIGGER; Schema: public; Owner: postgres
--

CREATE TRIGGER tickets_close BEFORE UPDATE ON public.tickets FOR EACH ROW EXECUTE FUNCTION public.close_ticket();


--
-- Name: accounts touch_updated_at; Type: TRIGGER; Schema: public; Owner: postgres
--

CREATE TRIGGER touch_updated_at BEFORE UPDATE ON public.accounts FOR EACH ROW EXECUTE FUNCTION public.touch();


--
-- Name: api_keys touch_updated_at; Type: TRIGGER; Schema: public; Owner: postgres
--

CREATE TRIGGER touch_updated_at BEFORE UPDATE ON public.api_keys FOR EACH ROW EXECUTE FUNCTION public.touch();


--
-- Name: comments touch_updated_at; Type: TRIGGER; Schema: public; Owner: postgres
--

CREATE TRIGGER touch_updated_at BEFORE UPDATE ON public.comments FOR EACH ROW EXECUTE FUNCTION public.touch();


--
-- Name: files touch_updated_at; Type: TRIGGER; Schema: public; Owner: postgres
--

CREATE TRIGGER touch_updated_at BEFORE UPDATE ON public.files FOR EACH ROW EXECUTE FUNCTION public.touch();


--
-- Name: notifications touch_updated_at; Type: TRIGGER; Schema: public; Owner: postgres
--

CREATE TRIGGER touch_updated_at BEFORE UPDATE ON public.notifications FOR EACH ROW EXECUTE FUNCTION public.touch();


--
-- Name: orders touch_updated_at; Type: TRIGGER; Schema: public; Owner: postgres
--

CREATE TRIGGER touch_updated_at BEFORE UPDATE ON public.orders FOR EACH ROW EXECUTE FUNCTION public.touch();


--
-- Name: products touch_updated_at; Type: TRIGGER; Schema: public; Owner: postgres
--

CREATE TRIGGER touch_updated_at BEFORE UPDATE ON public.products FOR EACH ROW EXECUTE FUNCTION public.touch();


--
-- Name: tasks touch_updated_at; Type: TRIGGER; Schema: public; Owner: postgres
--

CREATE TRIGGER touch_updated_at BEFORE UPDATE ON public.tasks FOR EACH ROW EXECUTE FUNCTION public.touch();


--
-- Name: teams touch_updated_at; Type: TRIGGER; Schema: public; Owner: postgres
--

CREATE TRIGGER touch_updated_at BEFORE UPDATE ON public.teams FOR EACH ROW EXECUTE FUNCTION public.touch();


--
-- Name: tickets touch_updated_at; Type: TRIGGER; Schema: public; Owner: postgres
--

CREATE TRIGGER touch_updated_at BEFORE UPDATE ON public.tickets FOR EACH ROW EXECUTE FUNCTION public.touch();


--
-- Name: users touch_updated_at; Type: TRIGGER; Schema: public; Owner: postgres
--

CREATE TRIGGER touch_updated_at BEFORE UPDATE ON public.users FOR EACH ROW EXECUTE FUNCTION public.touch();


--
-- Name: customers customers_user_id_fkey; Type: FK CONSTRAINT; Schema: billing; Owner: postgres
--

ALTER TABLE ONLY billing.customers
    ADD CONSTRAINT customers_user_id_fkey FOREIGN KEY (user_id) REFERENCES public.users(id);


--
-- Name: invoices invoices_customer_id_fkey; Type: FK CONSTRAINT; Schema: billing; Owner: postgres
--

ALTER TABLE ONLY billing.invoices
    ADD CONSTRAINT invoices_customer_id_fkey FOREIGN KEY (customer_id) REFERENCES billing.customers(id);


--
-- Name: payments payments_invoice_id_fkey; Type: FK CONSTRAINT; Schema: billing; Owner: postgres
--

ALTER TABLE ONLY billing.payments
    ADD CONSTRAINT payments_invoice_id_fkey FOREIGN KEY (invoice_id) REFERENCES billing.invoices(id) ON DELETE RESTRICT;


--
-- Name: Settings Settings_userId_fkey; Type: FK CONSTRAINT; Schema: public; Owner: postgres
--

ALTER TABLE ONLY public."Settings"
    ADD CONSTRAINT "Settings_userId_fkey" FOREIGN KEY ("userId") REFERENCES public.users(id) ON DELETE CASCADE;


--
-- Name: accounts accounts_user_id_fkey; Type: FK CONSTRAINT; Schema: public; Owner: postgres
--

ALTER TABLE ONLY public.accounts
    ADD CONSTRAINT accounts_user_id_fkey FOREIGN KEY (user_id) REFERENCES public.users(id) ON DELETE RESTRICT;


--
-- Name: addresses addresses_country_fkey; Type: FK CONSTRAINT; Schema: public; Owner: postgres
--

ALTER TABLE ONLY public.addresses
    ADD CONSTRAINT addresses_country_fkey FOREIGN KEY (country) REFERENCES public.countries(code);


--
-- Name: addresses addresses_user_id_fkey; Type: FK CONSTRAINT; Schema: public; Owner: postgres
--

ALTER TABLE ONLY public.addresses
    ADD CONSTRAINT addresses_user_id_fkey FOREIGN KEY (user_id) REFERENCES public.users(id) ON DELETE CASCADE;


--
-- Name: api_keys api_keys_user_id_fkey; Type: FK CONSTRAINT; Schema: public; Owner: postgres
--

ALTER TABLE ONLY public.api_keys
    ADD CONSTRAINT api_keys_user_id_fkey FOREIGN KEY (user_id) REFERENCES public.users(id) ON DELETE CASCADE;


--
-- Name: audit_log audit_log_actor_fkey; Type: FK CONSTRAINT; Schema: public; Owner: postgres
--

ALTER TABLE ONLY public.audit_log
    ADD CONSTRAINT audit_log_actor_fkey FOREIGN KEY (actor) REFERENCES public.users(id) ON DELETE SET NULL;


--
-- Name: categories categories_parent_id_fkey; Type: FK CONSTRAINT; Schema: public; Owner: postgres
--

ALTER TABLE ONLY public.categories
    ADD CONSTRAINT categories_parent_id_fkey FOREIGN KEY (parent_id) REFERENCES public.categories(id) ON DELETE CASCADE;


--
-- Name: comments comments_author_id_fkey; Type: FK CONSTRAINT; Schema: public; Owner: postgres
--

ALTER TABLE ONLY public.comments
    ADD CONSTRAINT comments_author_id_fkey FOREIGN KEY (author_id) REFERENCES public.users(id);


--
-- Name: comments comments_task_id_fkey; Type: FK CONSTRAINT; Schema: public; Owner: postgres
--

ALTER TABLE ONLY public.comments
    ADD CONSTRAINT comments_task_id_fkey FOREIGN KEY (task_id) REFERENCES public.tasks(id) ON DELETE CASCADE;


--
-- Name: files files_owner_id_fkey; Type: FK CONSTRAINT; Schema: public; Owner: postgres
--

ALTER TABLE ONLY public.files
    ADD CONSTRAINT files_owner_id_fkey FOREIGN KEY (owner_id) REFERENCES public.users(id) ON DELETE CASCADE;


--
-- Name: notifications notifications_user_id_fkey; Type: FK CONSTRAINT; Schema: public; Owner: postgres
--

ALTER TABLE ONLY public.notifications
    ADD CONSTRAINT notifications_user_id_fkey FOREIGN KEY (user_id) REFERENCES public.users(id) ON DELETE CASCADE;


--
-- Name: order_lines order_lines_order_id_fkey; Type: FK CONSTRAINT; Schema: public; Owner: postgres
--

ALTER TABLE ONLY public.order_lines
    ADD CONSTRAINT order_lines_order_id_fkey FOREIGN KEY (order_id) REFERENCES public.orders(id) ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED;


--
-- Name: order_lines order_lines_product_id_fkey; Type: FK CONSTRAINT; Schema: public; Owner: postgres
--

ALTER TABLE ONLY public.order_lines
    ADD CONSTRAINT order_lines_product_id_fkey FOREIGN KEY (product_id) REFERENCES public.products(id) ON UPDATE CASCADE;


--
-- Name: orders orders_user_id_fkey; Type: FK CONSTRAINT; Schema: public; Owner: postgres
--

ALTER TABLE ONLY public.orders
    ADD CONSTRAINT orders_user_id_fkey FOREIGN KEY (user_id) REFERENCES public.users(id);


--
-- Name: product_categories product_categories_category_id_fkey; Type: FK CONSTRAINT; Schema: public; Owner: postgres
--

ALTER TABLE ONLY public.product_categories
    ADD CONSTRAINT product_categories_category_id_fkey FOREIGN KEY (category_id) REFERENCES public.categories(id) ON DELETE CASCADE;


--
-- Name: product_categories product_categories_product_id_fkey; Type: FK CONSTRAINT; Schema: public; Owner: postgres
--

ALTER TABLE ONLY public.product_categories
    ADD CONSTRAINT product_categories_product_id_fkey FOREIGN KEY (product_id) REFERENCES public.products(id) ON DELETE CASCADE;


--
-- Name: sessions sessions_user_id_fkey; Type: FK CONSTRAINT; Schema: public; Owner: postgres
--

ALTER TABLE ONLY public.sessions
    ADD CONSTRAINT sessions_user_id_fkey FOREIGN KEY (user_id) REFERENCES public.users(id) ON DELETE CASCADE;


--
-- Name: tasks tasks_assignee_fkey; Type: FK CONSTRAINT; Schema: public; Owner: postgres
--

ALTER TABLE ONLY public.tasks
    ADD CONSTRAINT tasks_assignee_fkey FOREIGN KEY (assignee) REFERENCES public.users(id);


--
-- Name: tasks tasks_team_id_fkey; Type: FK CONSTRAINT; Schema: public; Owner: postgres
--

ALTER TABLE ONLY public.tasks
    ADD CONSTRAINT tasks_team_id_fkey FOREIGN KEY (team_id) REFERENCES public.teams(id) ON DELETE CASCADE;


--
-- Name: ticket_messages ticket_messages_author_id_fkey; Type: FK CONSTRAINT; Schema: public; Owner: postgres
--

ALTER TABLE ONLY public.ticket_messages
    ADD CONSTRAINT ticket_messages_author_id_fkey FOREIGN KEY (author_id) REFERENCES public.users(id) ON DELETE SET NULL;


--
-- Name: ticket_messages ticket_messages_ticket_id_fkey; Type: FK CONSTRAINT; Schema: public; Owner: postgres
--

ALTER TABLE ONLY public.ticket_messages
    ADD CONSTRAINT ticket_messages_ticket_id_fkey FOREIGN KEY (ticket_id) REFERENCES public.tickets(id) ON DELETE CASCADE;


--
-- Name: tickets tickets_user_id_fkey; Type: FK CONSTRAINT; Schema: public; Owner: postgres
--

ALTER TABLE ONLY public.tickets
    ADD CONSTRAINT tickets_user_id_fkey FOREIGN KEY (user_id) REFERENCES public.users(id) ON DELETE SET NULL;


--
-- Name: transfers transfers_from_account_fkey; Type: FK CONSTRAINT; Schema: public; Owner: postgres
--

ALTER TABLE ONLY public.transfers
    ADD CONSTRAINT transfers_from_account_fkey FOREIGN KEY (from_account) REFERENCES public.accounts(id);


--
-- Name: transfers transfers_to_account_fkey; Type: FK CONSTRAINT; Schema: public; Owner: postgres
--

ALTER TABLE ONLY public.transfers
    ADD CONSTRAINT transfers_to_account_fkey FOREIGN KEY (to_account) REFERENCES public.accounts(id);


--
-- Name: users users_team_id_fkey; Type: FK CONSTRAINT; Schema: public; Owner: postgres
--

ALTER TABLE ONLY public.users
    ADD CONSTRAINT users_team_id_fkey FOREIGN KEY (team_id) REFERENCES public.teams(id) ON DELETE SET NULL;


--
-- Name: customers Owners delete their rows; Type: POLICY; Schema: billing; Owner: postgres
--

CREATE POLICY "Owners delete their rows" ON billing.customers FOR DELETE TO authenticated USING ((user_id = auth.uid()));


--
-- Name: customers Owners insert their rows; Type: POLICY; Schema: billing; Owner: postgres
--

CREATE POLICY "Owners insert their rows" ON billing.customers FOR INSERT TO authenticated WITH CHECK ((user_id = auth.uid()));


--
-- Name: customers Owners read their rows; Type: POLICY; Schema: billing; Owner: postgres
--

CREATE POLICY "Owners read their rows" ON billing.customers FOR SELECT TO authenticated USING ((user_id = auth.uid()));


--
-- Name: customers Owners update their rows; Type: POLICY; Schema: billing; Owner: postgres
--

CREATE POLICY "Owners update their rows" ON billing.customers FOR UPDATE TO authenticated USING ((user_id = auth.uid()));


--
-- Name: customers Staff manage everything; Type: POLICY; Schema: billing; Owner: postgres
--

CREATE POLICY "Staff manage everything" ON billing.customers TO authenticated USING (public.is_staff()) WITH CHECK (public.is_staff());


--
-- Name: invoices Staff manage everything; Type: POLICY; Schema: billing; Owner: postgres
--

CREATE POLICY "Staff manage everything" ON billing.invoices TO authenticated USING (public.is_staff()) WITH CHECK (public.is_staff());


--
-- Name: payments Staff manage everything; Type: POLICY; Schema: billing; Owner: postgres
--

CREATE POLICY "Staff manage everything" ON billing.payments TO authenticated USING (public.is_staff()) WITH CHECK (public.is_staff());


--
-- Name: customers; Type: ROW SECURITY; Schema: billing; Owner: postgres
--

ALTER TABLE billing.customers ENABLE ROW LEVEL SECURITY;

--
-- Name: invoices; Type: ROW SECURITY; Schema: billing; Owner: postgres
--

ALTER TABLE billing.invoices ENABLE ROW LEVEL SECURITY;

--
-- Name: payments; Type: ROW SECURITY; Schema: billing; Owner: postgres
--

ALTER TABLE billing.payments ENABLE ROW LEVEL SECURITY;

--
-- Name: categories Everybody reads; Type: POLICY; Schema: public; Owner: postgres
--

CREATE POLICY "Everybody reads" ON public.categories FOR SELECT TO anon, authenticated USING (true);


--
-- Name: countries Everybody reads; Type: POLICY; Schema: public; Owner: postgres
--

CREATE POLICY "Everybody reads" ON public.countries FOR SELECT TO anon, authenticated USING (true);


--
-- Name: events Everybody reads; Type: POLICY; Schema: public; Owner: postgres
--

CREATE POLICY "Everybody reads" ON public.events FOR SELECT TO anon, authenticated USING (true);


--
-- Name: products Everybody reads; Type: POLICY; Schema: public; Owner: postgres
--

CREATE POLICY "Everybody reads" ON public.products FOR SELECT TO anon, authenticated USING (true);


--
-- Name: teams Everybody reads; Type: POLICY; Schema: public; Owner: postgres
--

CREATE POLICY "Everybody reads" ON public.teams FOR SELECT TO anon, authenticated USING (true);


--
-- Name: order_lines Lines follow orders; Type: POLICY; Schema: public; Owner: postgres
--

CREATE POLICY "Lines follow orders" ON public.order_lines FOR SELECT TO authenticated USING ((EXISTS ( SELECT 1
   FROM public.orders o
  WHERE ((o.id = order_lines.order_id) AND (o.user_id = auth.uid())))));


--
-- Name: POLICY "Lines follow orders" ON order_lines; Type: COMMENT; Schema: public; Owner: postgres
--

COMMENT ON POLICY "Lines follow orders" ON public.order_lines IS 'As the order.';


--
-- Name: categories Nobody deletes; Type: POLICY; Schema: public; Owner: postgres
--

CREATE POLICY "Nobody deletes" ON public.categories AS RESTRICTIVE FOR DELETE USING ((auth.role() = 'service_role'::text));


--
-- Name: countries Nobody deletes; Type: POLICY; Schema: public; Owner: postgres
--

CREATE POLICY "Nobody deletes" ON public.countries AS RESTRICTIVE FOR DELETE USING ((auth.role() = 'service_role'::text));


--
-- Name: events Nobody deletes; Type: POLICY; Schema: public; Owner: postgres
--

CREATE POLICY "Nobody deletes" ON public.events AS RESTRICTIVE FOR DELETE USING ((auth.role() = 'service_role'::text));


--
-- Name: products Nobody deletes; Type: POLICY; Schema: public; Owner: postgres
--

CREATE POLICY "Nobody deletes" ON public.products AS RESTRICTIVE FOR DELETE USING ((auth.role() = 'service_role'::text));


--
-- Name: teams Nobody deletes; Type: POLICY; Schema: public; Owner: postgres
--

CREATE POLICY "Nobody deletes" ON public.teams AS RESTRICTIVE FOR DELETE USING ((auth.role() = 'service_role'::text));


--
-- Name: Settings Owners delete their rows; Type: POLICY; Schema: public; Owner: postgres
--

CREATE POLICY "Owners delete their rows" ON public."Settings" FOR DELETE TO authenticated USING (("userId" = auth.uid()));


--
-- Name: accounts Owners delete their rows; Type: POLICY; Schema: public; Owner: postgres
--

CREATE POLICY "Owners delete their rows" ON public.accounts FOR DELETE TO authenticated USING ((user_id = auth.uid()));


--
-- Name: addresses Owners delete their rows; Type: POLICY; Schema: public; Owner: postgres
--

CREATE POLICY "Owners delete their rows" ON public.addresses FOR DELETE TO authenticated USING ((user_id = auth.uid()));


--
-- Name: api_keys Owners delete their rows; Type: POLICY; Schema: public; Owner: postgres
--

CREATE POLICY "Owners delete their rows" ON public.api_keys FOR DELETE TO authenticated USING ((user_id = auth.uid()));


--
-- Name: notifications Owners delete their rows; Type: POLICY; Schema: public; Owner: postgres
--

CREATE POLICY "Owners delete their rows" ON public.notifications FOR DELETE TO authenticated USING ((user_id = auth.uid()));


--
-- Name: orders Owners delete their rows; Type: POLICY; Schema: public; Owner: postgres
--

CREATE POLICY "Owners delete their rows" ON public.orders FOR DELETE TO authenticated USING ((user_id = auth.uid()));


--
-- Name: sessions Owners delete their rows; Type: POLICY; Schema: public; Owner: postgres
--

CREATE POLICY "Owners delete their rows" ON public.sessions FOR DELETE TO authenticated USING ((user_id = auth.uid()));


--
-- Name: tickets Owners delete their rows; Type: POLICY; Schema: public; Owner: postgres
--

CREATE POLICY "Owners delete their rows" ON public.tickets FOR DELETE TO authenticated USING ((user_id = auth.uid()));


--
-- Name: Settings Owners insert their rows; Type: POLICY; Schema: public; Owner: postgres
--

CREATE POLICY "Owners insert their rows" ON public."Settings" FOR INSERT TO authenticated WITH CHECK (("userId" = auth.uid()));


--
-- Name: accounts Owners insert their rows; Type: POLICY; Schema: public; Owner: postgres
--

CREATE POLICY "Owners insert their rows" ON public.accounts FOR INSERT TO authenticated WITH CHECK ((user_id = auth.uid()));


--
-- Name: addresses Owners insert their rows; Type: POLICY; Schema: public; Owner: postgres
--

CREATE POLICY "Owners insert their rows" ON public.addresses FOR INSERT TO authenticated WITH CHECK ((user_id = auth.uid()));


--
-- Name: api_keys Owners insert their rows; Type: POLICY; Schema: public; Owner: postgres
--

CREATE POLICY "Owners insert their rows" ON public.api_keys FOR INSERT TO authenticated WITH CHECK ((user_id = auth.uid()));


--
-- Name: notifications Owners insert their rows; Type: POLICY; Schema: public; Owner: postgres
--

CREATE POLICY "Owners insert their rows" ON public.notifications FOR INSERT TO authenticated WITH CHECK ((user_id = auth.uid()));


--
-- Name: orders Owners insert their rows; Type: POLICY; Schema: public; Owner: postgres
--

CREATE POLICY "Owners insert their rows" ON public.orders FOR INSERT TO authenticated WITH CHECK ((user_id = auth.uid()));


--
-- Name: sessions Owners insert their rows; Type: POLICY; Schema: public; Owner: postgres
--

CREATE POLICY "Owners insert their rows" ON public.sessions FOR INSERT TO authenticated WITH CHECK ((user_id = auth.uid()));


--
-- Name: tickets Owners insert their rows; Type: POLICY; Schema: public; Owner: postgres
--

CREATE POLICY "Owners insert their rows" ON public.tickets FOR INSERT TO authenticated WITH CHECK ((user_id = auth.uid()));


--
-- Name: Settings Owners read their rows; Type: POLICY; Schema: public; Owner: postgres
--

CREATE POLICY "Owners read their rows" ON public."Settings" FOR SELECT TO authenticated USING (("userId" = auth.uid()));


--
-- Name: accounts Owners read their rows; Type: POLICY; Schema: public; Owner: postgres
--

CREATE POLICY "Owners read their rows" ON public.accounts FOR SELECT TO authenticated USING ((user_id = auth.uid()));


--
-- Name: addresses Owners read their rows; Type: POLICY; Schema: public; Owner: postgres
--

CREATE POLICY "Owners read their rows" ON public.addresses FOR SELECT TO authenticated USING ((user_id = auth.uid()));


--
-- Name: api_keys Owners read their rows; Type: POLICY; Schema: public; Owner: postgres
--

CREATE POLICY "Owners read their rows" ON public.api_keys FOR SELECT TO authenticated USING ((user_id = auth.uid()));


--
-- Name: notifications Owners read their rows; Type: POLICY; Schema: public; Owner: postgres
--

CREATE POLICY "Owners read their rows" ON public.notifications FOR SELECT TO authenticated USING ((user_id = auth.uid()));


--
-- Name: orders Owners read their rows; Type: POLICY; Schema: public; Owner: postgres
--

CREATE POLICY "Owners read their rows" ON public.orders FOR SELECT TO authenticated USING ((user_id = auth.uid()));


--
-- Name: sessions Owners read their rows; Type: POLICY; Schema: public; Owner: postgres
--

CREATE POLICY "Owners read their rows" ON public.sessions FOR SELECT TO authenticated USING ((user_id = auth.uid()));


--
-- Name: tickets Owners read their rows; Type: POLICY; Schema: public; Owner: postgres
--

CREATE POLICY "Owners read their rows" ON public.tickets FOR SELECT TO authenticated USING ((user_id = auth.uid()));


--
-- Name: Settings Owners update their rows; Type: POLICY; Schema: public; Owner: postgres
--

CREATE POLICY "Owners update their rows" ON public."Settings" FOR UPDATE TO authenticated USING (("userId" = auth.uid()));


--
-- Name: accounts Owners update their rows; Type: POLICY; Schema: public; Owner: postgres
--

CREATE POLICY "Owners update their rows" ON public.accounts FOR UPDATE TO authenticated USING ((user_id = auth.uid()));


--
-- Name: addresses Owners update their rows; Type: POLICY; Schema: public; Owner: postgres
--

CREATE POLICY "Owners update their rows" ON public.addresses FOR UPDATE TO authenticated USING ((user_id = auth.uid()));


--
-- Name: api_keys Owners update their rows; Type: POLICY; Schema: public; Owner: postgres
--

CREATE POLICY "Owners update their rows" ON public.api_keys FOR UPDATE TO authenticated USING ((user_id = auth.uid()));


--
-- Name: notifications Owners update their rows; Type: POLICY; Schema: public; Owner: postgres
--

CREATE POLICY "Owners update their rows" ON public.notifications FOR UPDATE TO authenticated USING ((user_id = auth.uid()));


--
-- Name: orders Owners update their rows; Type: POLICY; Schema: public; Owner: postgres
--

CREATE POLICY "Owners update their rows" ON public.orders FOR UPDATE TO authenticated USING ((user_id = auth.uid()));


--
-- Name: sessions Owners update their rows; Type: POLICY; Schema: public; Owner: postgres
--

CREATE POLICY "Owners update their rows" ON public.sessions FOR UPDATE TO authenticated USING ((user_id = auth.uid()));


--
-- Name: tickets Owners update their rows; Type: POLICY; Schema: public; Owner: postgres
--

CREATE POLICY "Owners update their rows" ON public.tickets FOR UPDATE TO authenticated USING ((user_id = auth.uid()));


--
-- Name: Settings; Type: ROW SECURITY; Schema: public; Owner: postgres
--

ALTER TABLE public."Settings" ENABLE ROW LEVEL SECURITY;

--
-- Name: Settings Staff manage everything; Type: POLICY; Schema: public; Owner: postgres
--

CREATE POLICY "Staff manage everything" ON public."Settings" TO authenticated USING (public.is_staff()) WITH CHECK (public.is_staff());


--
-- Name: accounts Staff manage everything; Type: POLICY; Schema: public; Owner: postgres
--

CREATE POLICY "Staff manage everything" ON public.accounts TO authenticated USING (public.is_staff()) WITH CHECK (public.is_staff());


--
-- Name: addresses Staff manage everything; Type: POLICY; Schema: public; Owner: postgres
--

CREATE POLICY "Staff manage everything" ON public.addresses TO authenticated USING (public.is_staff()) WITH CHECK (public.is_staff());


--
-- Name: api_keys Staff manage everything; Type: POLICY; Schema: public; Owner: postgres
--

CREATE POLICY "Staff manage everything" ON public.api_keys TO authenticated USING (public.is_staff()) WITH CHECK (public.is_staff());


--
-- Name: audit_log Staff manage everything; Type: POLICY; Schema: public; Owner: postgres
--

CREATE POLICY "Staff manage everything" ON public.audit_log TO authenticated USING (public.is_staff()) WITH CHECK (public.is_staff());


--
-- Name: categories Staff manage everything; Type: POLICY; Schema: public; Owner: postgres
--

CREATE POLICY "Staff manage everything" ON public.categories TO authenticated USING (public.is_staff()) WITH CHECK (public.is_staff());


--
-- Name: comments Staff manage everything; Type: POLICY; Schema: public; Owner: postgres
--

CREATE POLICY "Staff manage everything" ON public.comments TO authenticated USING (public.is_staff()) WITH CHECK (public.is_staff());


--
-- Name: countries Staff manage everything; Type: POLICY; Schema: public; Owner: postgres
--

CREATE POLICY "Staff manage everything" ON public.countries TO authenticated USING (public.is_staff()) WITH CHECK (public.is_staff());


--
-- Name: events Staff manage everything; Type: POLICY; Schema: public; Owner: postgres
--

CREATE POLICY "Staff manage everything" ON public.events TO authenticated USING (public.is_staff()) WITH CHECK (public.is_staff());


--
-- Name: files Staff manage everything; Type: POLICY; Schema: public; Owner: postgres
--

CREATE POLICY "Staff manage everything" ON public.files TO authenticated USING (public.is_staff()) WITH CHECK (public.is_staff());


--
-- Name: notifications Staff manage everything; Type: POLICY; Schema: public; Owner: postgres
--

CREATE POLICY "Staff manage everything" ON public.notifications TO authenticated USING (public.is_staff()) WITH CHECK (public.is_staff());


--
-- Name: order_lines Staff manage everything; Type: POLICY; Schema: public; Owner: postgres
--

CREATE POLICY "Staff manage everything" ON public.order_lines TO authenticated USING (public.is_staff()) WITH CHECK (public.is_staff());


--
-- Name: orders Staff manage everything; Type: POLICY; Schema: public; Owner: postgres
--

CREATE POLICY "Staff manage everything" ON public.orders TO authenticated USING (public.is_staff()) WITH CHECK (public.is_staff());


--
-- Name: product_categories Staff manage everything; Type: POLICY; Schema: public; Owner: postgres
--

CREATE POLICY "Staff manage everything" ON public.product_categories TO authenticated USING (public.is_staff()) WITH CHECK (public.is_staff());


--
-- Name: products Staff manage everything; Type: POLICY; Schema: public; Owner: postgres
--

CREATE POLICY "Staff manage everything" ON public.products TO authenticated USING (public.is_staff()) WITH CHECK (public.is_staff());


--
-- Name: sessions Staff manage everything; Type: POLICY; Schema: public; Owner: postgres
--

CREATE POLICY "Staff manage everything" ON public.sessions TO authenticated USING (public.is_staff()) WITH CHECK (public.is_staff());


--
-- Name: tasks Staff manage everything; Type: POLICY; Schema: public; Owner: postgres
--

CREATE POLICY "Staff manage everything" ON public.tasks TO authenticated USING (public.is_staff()) WITH CHECK (public.is_staff());


--
-- Name: teams Staff manage everything; Type: POLICY; Schema: public; Owner: postgres
--

CREATE POLICY "Staff manage everything" ON public.teams TO authenticated USING (public.is_staff()) WITH CHECK (public.is_staff());


--
-- Name: ticket_messages Staff manage everything; Type: POLICY; Schema: public; Owner: postgres
--

CREATE POLICY "Staff manage everything" ON public.ticket_messages TO authenticated USING (public.is_staff()) WITH CHECK (public.is_staff());


--
-- Name: tickets Staff manage everything; Type: POLICY; Schema: public; Owner: postgres
--

CREATE POLICY "Staff manage everything" ON public.tickets TO authenticated USING (public.is_staff()) WITH CHECK (public.is_staff());


--
-- Name: transfers Staff manage everything; Type: POLICY; Schema: public; Owner: postgres
--

CREATE POLICY "Staff manage everything" ON public.transfers TO authenticated USING (public.is_staff()) WITH CHECK (public.is_staff());


--
-- Name: users Staff manage everything; Type: POLICY; Schema: public; Owner: postgres
--

CREATE POLICY "Staff manage everything" ON public.users TO authenticated USING (public.is_staff()) WITH CHECK (public.is_staff());


--
-- Name: accounts; Type: ROW SECURITY; Schema: public; Owner: postgres
--

ALTER TABLE public.accounts ENABLE ROW LEVEL SECURITY;

--
-- Name: addresses; Type: ROW SECURITY; Schema: public; Owner: postgres
--

ALTER TABLE public.addresses ENABLE ROW LEVEL SECURITY;

--
-- Name: api_keys; Type: ROW SECURITY; Schema: public; Owner: postgres
--

ALTER TABLE public.api_keys ENABLE ROW LEVEL SECURITY;

--
-- Name: audit_log; Type: ROW SECURITY; Schema: public; Owner: postgres
--

ALTER TABLE public.audit_log ENABLE ROW LEVEL SECURITY;

--
-- Name: categories; Type: ROW SECURITY; Schema: public; Owner: postgres
--

ALTER TABLE public.categories ENABLE ROW LEVEL SECURITY;

--
-- Name: comments; Type: ROW SECURITY; Schema: public; Owner: postgres
--

ALTER TABLE public.comments ENABLE ROW LEVEL SECURITY;

--
-- Name: countries; Type: ROW SECURITY; Schema: public; Owner: postgres
--

ALTER TABLE public.countries ENABLE ROW LEVEL SECURITY;

--
-- Name: events; Type: ROW SECURITY; Schema: public; Owner: postgres
--

ALTER TABLE public.events ENABLE ROW LEVEL SECURITY;

--
-- Name: files; Type: ROW SECURITY; Schema: public; Owner: postgres
--

ALTER TABLE public.files ENABLE ROW LEVEL SECURITY;

--
-- Name: notifications; Type: ROW SECURITY; Schema: public; Owner: postgres
--

ALTER TABLE public.notifications ENABLE ROW LEVEL SECURITY;

--
-- Name: order_lines; Type: ROW SECURITY; Schema: public; Owner: postgres
--

ALTER TABLE public.order_lines ENABLE ROW LEVEL SECURITY;

--
-- Name: orders; Type: ROW SECURITY; Schema: public; Owner: postgres
--

ALTER TABLE public.orders ENABLE ROW LEVEL SECURITY;

--
-- Name: product_categories; Type: ROW SECURITY; Schema: public; Owner: postgres
--

ALTER TABLE public.product_categories ENABLE ROW LEVEL SECURITY;

--
-- Name: products; Type: ROW SECURITY; Schema: public; Owner: postgres
--

ALTER TABLE public.products ENABLE ROW LEVEL SECURITY;

--
-- Name: sessions; Type: ROW SECURITY; Schema: public; Owner: postgres
--

ALTER TABLE public.sessions ENABLE ROW LEVEL SECURITY;

--
-- Name: tasks; Type: ROW SECURITY; Schema: public; Owner: postgres
--

ALTER TABLE public.tasks ENABLE ROW LEVEL SECURITY;

--
-- Name: teams; Type: ROW SECURITY; Schema: public; Owner: postgres
--

ALTER TABLE public.teams ENABLE ROW LEVEL SECURITY;

--
-- Name: ticket_messages; Type: ROW SECURITY; Schema: public; Owner: postgres
--

ALTER TABLE public.ticket_messages ENABLE ROW LEVEL SECURITY;

--
-- Name: tickets; Type: ROW SECURITY; Schema: public; Owner: postgres
--

ALTER TABLE public.tickets ENABLE ROW LEVEL SECURITY;

--
-- Name: transfers; Type: ROW SECURITY; Schema: public; Owner: postgres
--

ALTER TABLE public.transfers ENABLE ROW LEVEL SECURITY;

--
-- Name: users; Type: ROW SECURITY; Schema: public; Owner: postgres
--

ALTER TABLE public.users ENABLE ROW LEVEL SECURITY;

--
-- Name: TABLE "Settings"; Type: ACL; Schema: public; Owner: postgres
--

GRANT ALL ON TABLE public."Settings" TO authenticated;


--
-- Name: TABLE accounts; Type: ACL; Schema: public; Owner: postgres
--

GRANT ALL ON TABLE public.accounts TO authenticated;


--
-- Name: TABLE addresses; Type: ACL; Schema: public; Owner: postgres
--

GRANT ALL ON TABLE public.addresses TO authenticated;


--
-- Name: TABLE api_keys; Type: ACL; Schema: public; Owner: postgres
--

GRANT ALL ON TABLE public.api_keys TO authenticated;


--
-- Name: TABLE audit_log; Type: ACL; Schema: public; Owner: postgres
--

GRANT ALL ON TABLE public.audit_log TO authenticated;


--
-- Name: TABLE categories; Type: ACL; Schema: public; Owner: postgres
--

GRANT ALL ON TABLE public.categories TO authenticated;


--
-- Name: TABLE comments; Type: ACL; Schema: public; Owner: postgres
--

GRANT ALL ON TABLE public.comments TO authenticated;


--
-- Name: TABLE countries; Type: ACL; Schema: public; Owner: postgres
--

GRANT ALL ON TABLE public.countries TO authenticated;


--
-- Name: TABLE events; Type: ACL; Schema: public; Owner: postgres
--

GRANT ALL ON TABLE public.events TO authenticated;


--
-- Name: TABLE files; Type: ACL; Schema: public; Owner: postgres
--

GRANT ALL ON TABLE public.files TO authenticated;


--
-- Name: TABLE notifications; Type: ACL; Schema: public; Owner: postgres
--

GRANT ALL ON TABLE public.notifications TO authenticated;


--
-- Name: TABLE tickets; Type: ACL; Schema: public; Owner: postgres
--

GRANT ALL ON TABLE public.tickets TO authenticated;


--
-- Name: TABLE users; Type: ACL; Schema: public; Owner: postgres
--

GRANT ALL ON TABLE public.users TO authenticated;


--
-- Name: TABLE open_tickets; Type: ACL; Schema: public; Owner: postgres
--

GRANT ALL ON TABLE public.open_tickets TO authenticated;


--
-- Name: TABLE order_lines; Type: ACL; Schema: public; Owner: postgres
--

GRANT ALL ON TABLE public.order_lines TO authenticated;


--
-- Name: TABLE order_totals; Type: ACL; Schema: public; Owner: postgres
--

GRANT ALL ON TABLE public.order_totals TO authenticated;


--
-- Name: TABLE orders; Type: ACL; Schema: public; Owner: postgres
--

GRANT ALL ON TABLE public.orders TO authenticated;


--
-- Name: TABLE product_categories; Type: ACL; Schema: public; Owner: postgres
--

GRANT ALL ON TABLE public.product_categories TO authenticated;


--
-- Name: TABLE products; Type: ACL; Schema: public; Owner: postgres
--

GRANT SELECT ON TABLE public.products TO anon;
GRANT ALL ON TABLE public.products TO authenticated;


--
-- Name: TABLE sessions; Type: ACL; Schema: public; Owner: postgres
--

GRANT ALL ON TABLE public.sessions TO authenticated;


--
-- Name: TABLE tasks; Type: ACL; Schema: public; Owner: postgres
--

GRANT ALL ON TABLE public.tasks TO authenticated;


--
-- Name: TABLE teams; Type: ACL; Schema: public; Owner: postgres
--

GRANT ALL ON TABLE public.teams TO authenticated;


--
-- Name: TABLE ticket_messages; Type: ACL; Schema: public; Owner: postgres
--

GRANT ALL ON TABLE public.ticket_messages TO authenticated;


--
-- Name: TABLE transfers; Type: ACL; Schema: public; Owner: postgres
--

GRANT ALL ON TABLE public.transfers TO authenticated;


--
-- PostgreSQL database dump complete
--

\unrestrict Qdgw6ZHoPSeXLEgT7ysLWZUXdm2vzQ4L7yWBJFU4cJsIeaqnBKgmYD0aNniprIp

