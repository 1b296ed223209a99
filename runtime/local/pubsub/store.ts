import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync, type StatementSync } from 'node:sqlite';

import type { Row } from './delivery.ts';

/**
 * What must survive: topics, subscriptions, messages, and for each subscription the messages it has not acknowledged.
 *
 * One table of messages a topic and one backlog table a subscription, keyed by the message id alone: ids grow, so rows
 * are appended at one end and removed at the other, and dropping a resource drops its table. WAL with
 * `synchronous=FULL`: COMMIT returns after the fsync (https://www.sqlite.org/pragma.html#pragma_synchronous).
 */

export type StoredTopic = { readonly no: number; readonly name: string | null; readonly config: string };
export type StoredSubscription = {
  readonly no: number;
  readonly name: string;
  readonly topic: number | null;
  readonly config: string;
};
export type MessageTime = { readonly id: number; readonly published: number };

type TopicStatements = Readonly<
  Record<'insert' | 'body' | 'first' | 'last' | 'from' | 'nth' | 'deleteBelow', StatementSync>
>;
type BacklogStatements = Readonly<
  Record<'insert' | 'remove' | 'retry' | 'after' | 'keyAfter' | 'first' | 'count' | 'removeBelow', StatementSync>
>;

/** Ids are reserved this many at a time, so that no id is used twice although purged rows leave no trace. */
const ID_BLOCK = 1_000_000;

const SCHEMA = `
  CREATE TABLE IF NOT EXISTS meta (name TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS topic (no INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT UNIQUE, config TEXT NOT NULL);
  CREATE TABLE IF NOT EXISTS subscription (
    no INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT NOT NULL UNIQUE, topic INTEGER, config TEXT NOT NULL);
`;

export class Store {
  readonly #db: DatabaseSync;
  readonly #topics = new Map<number, TopicStatements>();
  readonly #backlogs = new Map<number, BacklogStatements>();
  readonly #begin: StatementSync;
  readonly #commit: StatementSync;
  readonly #rollback: StatementSync;
  readonly #setMeta: StatementSync;
  /** Grows by one with every start of the server on this folder. */
  readonly generation: number;
  #nextId: number;
  #reservedId: number;

  /** @param folder holds `pubsub.sqlite`; created, private to the user, when missing */
  constructor(folder: string) {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    const db = new DatabaseSync(join(folder, 'pubsub.sqlite'), { timeout: 0 });
    this.#db = db;
    try {
      // One process owns the folder: a second server on the same data fails here instead of delivering everything twice.
      db.exec('PRAGMA locking_mode = EXCLUSIVE; PRAGMA page_size = 8192; PRAGMA journal_mode = WAL');
      db.exec('PRAGMA synchronous = FULL; PRAGMA wal_autocheckpoint = 4000; PRAGMA cache_size = -65536');
      db.exec(`BEGIN EXCLUSIVE; ${SCHEMA} COMMIT`);
    } catch (cause) {
      db.close();
      const reason = cause instanceof Error ? cause.message : String(cause);
      throw new Error(`PUBSUB_DATA: ${folder}: ${reason}; is another Pub/Sub server running on this folder?`, {
        cause,
      });
    }
    this.#begin = db.prepare('BEGIN IMMEDIATE');
    this.#commit = db.prepare('COMMIT');
    this.#rollback = db.prepare('ROLLBACK');
    this.#setMeta = db.prepare(
      'INSERT INTO meta (name, value) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value',
    );
    this.generation = this.#meta('generation') + 1;
    this.#setMeta.run('generation', this.generation);
    this.#nextId = Math.max(1, this.#meta('next_id'));
    this.#reservedId = this.#nextId;
  }

  #meta(name: string): number {
    const row = this.#db.prepare('SELECT value FROM meta WHERE name = ?').get(name);
    return Number(row?.['value'] ?? 0);
  }

  begin(): void {
    this.#begin.run();
  }

  commit(): void {
    this.#commit.run();
  }

  /** Also right where SQLite has already rolled back by itself, as it does on a full disk. */
  rollback(): void {
    if (this.#db.isTransaction) this.#rollback.run();
    // Reserved in the transaction that is gone: reserve again.
    this.#reservedId = this.#nextId;
  }

  close(): void {
    this.#db.close();
  }

  /** Reserves `count` consecutive message ids and returns the first. Call within a transaction. */
  takeIds(count: number): number {
    const first = this.#nextId;
    this.#nextId += count;
    if (this.#nextId > this.#reservedId) {
      this.#reservedId = this.#nextId + ID_BLOCK;
      this.#setMeta.run('next_id', this.#reservedId);
    }
    return first;
  }

  topics(): StoredTopic[] {
    return this.#db.prepare('SELECT no, name, config FROM topic ORDER BY no').all() as StoredTopic[];
  }

  subscriptions(): StoredSubscription[] {
    return this.#db
      .prepare('SELECT no, name, topic, config FROM subscription ORDER BY no')
      .all() as StoredSubscription[];
  }

  createTopic(name: string, config: string): number {
    const result = this.#db.prepare('INSERT INTO topic (name, config) VALUES (?, ?)').run(name, config);
    const no = Number(result.lastInsertRowid);
    this.#db.exec(
      `CREATE TABLE message_${no} (id INTEGER PRIMARY KEY, published INTEGER NOT NULL, key TEXT, body BLOB NOT NULL)`,
    );
    return no;
  }

  /** A nameless topic is a deleted one that still has messages for its subscriptions. */
  updateTopic(no: number, name: string | null, config: string): void {
    this.#db.prepare('UPDATE topic SET name = ?, config = ? WHERE no = ?').run(name, config, no);
  }

  dropTopic(no: number): void {
    this.#topics.delete(no);
    this.#db.exec(`DROP TABLE message_${no}`);
    this.#db.prepare('DELETE FROM topic WHERE no = ?').run(no);
  }

  createSubscription(name: string, topic: number, config: string, ordered: boolean): number {
    const result = this.#db
      .prepare('INSERT INTO subscription (name, topic, config) VALUES (?, ?, ?)')
      .run(name, topic, config);
    const no = Number(result.lastInsertRowid);
    this.#db.exec(`CREATE TABLE pending_${no} (id INTEGER PRIMARY KEY, bytes INTEGER NOT NULL, key TEXT,
      attempts INTEGER NOT NULL DEFAULT 0, not_before INTEGER NOT NULL DEFAULT 0)`);
    if (ordered) this.#db.exec(`CREATE INDEX pending_${no}_key ON pending_${no} (key, id) WHERE key IS NOT NULL`);
    return no;
  }

  updateSubscription(no: number, topic: number | null, config: string): void {
    this.#db.prepare('UPDATE subscription SET topic = ?, config = ? WHERE no = ?').run(topic, config, no);
  }

  dropSubscription(no: number): void {
    this.#backlogs.delete(no);
    this.#db.exec(`DROP TABLE pending_${no}`);
    this.#db.prepare('DELETE FROM subscription WHERE no = ?').run(no);
  }

  insertMessage(topic: number, id: number, published: number, key: string | undefined, body: Uint8Array): void {
    this.#topic(topic).insert.run(id, published, key ?? null, body);
  }

  /** The stored message, or undefined when it has been purged. */
  body(topic: number, id: number): Uint8Array | undefined {
    return this.#topic(topic).body.get(id)?.['body'] as Uint8Array | undefined;
  }

  firstMessage(topic: number): MessageTime | undefined {
    return this.#topic(topic).first.get() as MessageTime | undefined;
  }

  lastMessage(topic: number): MessageTime | undefined {
    return this.#topic(topic).last.get() as MessageTime | undefined;
  }

  /** The first message with an id of at least `id`. */
  messageFrom(topic: number, id: number): MessageTime | undefined {
    return this.#topic(topic).from.get(id) as MessageTime | undefined;
  }

  messages(topic: number, fromId: number): Iterable<{ id: number; key: string | null; body: Uint8Array }> {
    return this.#db
      .prepare(`SELECT id, key, body FROM message_${topic} WHERE id >= ? ORDER BY id`)
      .iterate(fromId) as Iterable<{ id: number; key: string | null; body: Uint8Array }>;
  }

  /** Deletes the oldest messages with ids below `below`, at most `limit` of them. Returns how many. */
  deleteMessages(topic: number, below: number, limit: number): number {
    const { nth, deleteBelow } = this.#topic(topic);
    const end = nth.get(limit)?.['id'] as number | undefined;
    return Number(deleteBelow.run(Math.min(below, end ?? below)).changes);
  }

  /** Deletes, of the `limit` messages from `from` on and below `below`, those that no backlog has; returns where to go on. */
  sweepMessages(topic: number, backlogs: readonly number[], from: number, below: number, limit: number): number {
    const end = this.#db
      .prepare(
        `SELECT max(id) AS id FROM (SELECT id FROM message_${topic} WHERE id >= ? AND id < ? ORDER BY id LIMIT ?)`,
      )
      .get(from, below, limit)?.['id'] as number | null | undefined;
    if (end === null || end === undefined) return below;
    const held = backlogs.map((no) => `AND NOT EXISTS (SELECT 1 FROM pending_${no} p WHERE p.id = m.id)`).join(' ');
    this.#db.prepare(`DELETE FROM message_${topic} AS m WHERE id >= ? AND id <= ? ${held}`).run(from, end);
    return end + 1;
  }

  insertPending(subscription: number, id: number, bytes: number, key: string | undefined): boolean {
    return this.#backlog(subscription).insert.run(id, bytes, key ?? null).changes === 1;
  }

  removePending(subscription: number, id: number): boolean {
    return this.#backlog(subscription).remove.run(id).changes === 1;
  }

  retryPending(subscription: number, id: number, attempts: number, notBefore: number): void {
    this.#backlog(subscription).retry.run(attempts, notBefore, id);
  }

  removePendingBelow(subscription: number, id: number): number {
    return Number(this.#backlog(subscription).removeBelow.run(id).changes);
  }

  pendingAfter(subscription: number, id: number, limit: number): Row[] {
    return this.#backlog(subscription).after.all(id, limit).map(toRow);
  }

  pendingOfKey(subscription: number, key: string, after: number, upTo: number, limit: number): Row[] {
    return this.#backlog(subscription).keyAfter.all(key, after, upTo, limit).map(toRow);
  }

  firstPending(subscription: number): number | undefined {
    return this.#backlog(subscription).first.get()?.['id'] as number | undefined;
  }

  countPending(subscription: number): number {
    return Number(this.#backlog(subscription).count.get()?.['count'] ?? 0);
  }

  #topic(no: number): TopicStatements {
    const known = this.#topics.get(no);
    if (known !== undefined) return known;
    const table = `message_${no}`;
    const prepared: TopicStatements = {
      insert: this.#db.prepare(`INSERT INTO ${table} (id, published, key, body) VALUES (?, ?, ?, ?)`),
      body: this.#db.prepare(`SELECT body FROM ${table} WHERE id = ?`),
      first: this.#db.prepare(`SELECT id, published FROM ${table} ORDER BY id LIMIT 1`),
      last: this.#db.prepare(`SELECT id, published FROM ${table} ORDER BY id DESC LIMIT 1`),
      from: this.#db.prepare(`SELECT id, published FROM ${table} WHERE id >= ? ORDER BY id LIMIT 1`),
      nth: this.#db.prepare(`SELECT id FROM ${table} ORDER BY id LIMIT 1 OFFSET ?`),
      deleteBelow: this.#db.prepare(`DELETE FROM ${table} WHERE id < ?`),
    };
    this.#topics.set(no, prepared);
    return prepared;
  }

  #backlog(no: number): BacklogStatements {
    const known = this.#backlogs.get(no);
    if (known !== undefined) return known;
    const table = `pending_${no}`;
    const columns = 'id, bytes, key, attempts, not_before';
    const prepared: BacklogStatements = {
      insert: this.#db.prepare(`INSERT OR IGNORE INTO ${table} (id, bytes, key) VALUES (?, ?, ?)`),
      remove: this.#db.prepare(`DELETE FROM ${table} WHERE id = ?`),
      retry: this.#db.prepare(`UPDATE ${table} SET attempts = ?, not_before = ? WHERE id = ?`),
      after: this.#db.prepare(`SELECT ${columns} FROM ${table} WHERE id > ? ORDER BY id LIMIT ?`),
      keyAfter: this.#db.prepare(
        `SELECT ${columns} FROM ${table} WHERE key = ? AND id > ? AND id <= ? ORDER BY id LIMIT ?`,
      ),
      first: this.#db.prepare(`SELECT min(id) AS id FROM ${table}`),
      count: this.#db.prepare(`SELECT count(*) AS count FROM ${table}`),
      removeBelow: this.#db.prepare(`DELETE FROM ${table} WHERE id < ?`),
    };
    this.#backlogs.set(no, prepared);
    return prepared;
  }
}

function toRow(row: Record<string, unknown>): Row {
  return {
    id: row['id'] as number,
    bytes: row['bytes'] as number,
    key: (row['key'] as string | null) ?? undefined,
    attempts: row['attempts'] as number,
    notBefore: row['not_before'] as number,
  };
}
