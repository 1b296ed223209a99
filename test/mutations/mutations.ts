/** One law of the message path, broken on purpose. */
export type Mutation = {
  name: string;
  file: string;
  /** Text that stands in the file exactly once. */
  find: string;
  replace: string;
  /** Test file, and the title of the test in it that must turn red. */
  suite: string;
  test: string;
};

export const mutations: readonly Mutation[] = [
  {
    name: 'acknowledge a device before its message is published',
    file: 'runtime/gateway/durable-write.ts',
    find: '    else this.toBus(held);\n  }\n\n  /** QoS 0',
    replace: '    else this.toBus(held);\n    setImmediate(() => this.finish(held, null));\n  }\n\n  /** QoS 0',
    suite: 'test/gateway/ack.int.test.ts',
    test: 'no PUBACK leaves before the bus has stored the message',
  },
  {
    name: 'acknowledge to the bus before the rows are committed',
    file: 'runtime/processor/lane.ts',
    find: '    this.writing++;\n    this.options.write(batch).then(',
    replace: '    this.writing++;\n    for (const work of batch) work.done();\n    this.options.write(batch).then(',
    suite: 'test/processor/lane.test.ts',
    test: 'nothing is acknowledged before its batch is written, everything once after; a failure loses nothing',
  },
  {
    name: 'drop the dedup of readings',
    file: 'runtime/processor/reading-statements.ts',
    find: '  on conflict do nothing\n  returning tenant, device_id, ts',
    replace:
      '  on conflict (tenant, device_id, ts, seq) do update set seq = readings.seq\n  returning tenant, device_id, ts',
    suite: 'test/processor/path.int.test.ts',
    test: 'the same message again, the same key with other values, and two stamped in one millisecond',
  },
  {
    name: 'skip the time guard of the newest state (Lua)',
    file: 'runtime/platform/cache/scripts/newest-state.ts',
    find: 'if storedTs > ts or (storedTs == ts and storedSeq >= seq) then return 0 end',
    replace: 'if false then return 0 end',
    suite: 'test/platform/cache/scripts.int.test.ts',
    test: 'newestState: the newest of any order of arrival stays, with its time to live',
  },
  {
    name: 'skip the time guard of the newest state (its twin)',
    file: 'runtime/platform/cache/scripts/newest-state.ts',
    find: '      if (newer) return 0;\n',
    replace: '      void newer;\n',
    suite: 'test/platform/cache/scripts.int.test.ts',
    test: 'newestState: the newest of any order of arrival stays, with its time to live',
  },
  {
    name: 'skip revocation when a device connects',
    file: 'runtime/gateway/admission.ts',
    find: '  if (refused !== undefined) return',
    replace: '  if (refused === null) return',
    suite: 'test/gateway/identity.int.test.ts',
    test: 'blocking a device ends its live session and keeps it out; unblocking lets it in',
  },
  {
    name: 'skip revocation of live sessions',
    file: 'runtime/gateway/gateway.ts',
    find: "'session ended: blocked or revoked');\n      this.broker?.close(session, 'revoked');",
    replace: "'session ended: blocked or revoked');",
    suite: 'test/gateway/identity.int.test.ts',
    test: 'revoking a certificate ends the session that came in with it; a new certificate is let in',
  },
  {
    name: 'nack what is held while a store is away',
    file: 'runtime/platform/bus/subscriber.ts',
    find: 'ackDeadlineSeconds: this.lease }',
    replace: 'ackDeadlineSeconds: 0 }',
    suite: 'test/processor/outage.int.test.ts',
    test: 'a database away for longer than all delivery attempts: nothing is dead-lettered, all is stored once',
  },
  {
    name: 'reject a whole batch for one bad row',
    file: 'runtime/processor/store.ts',
    find: '    if (rows.length === 1)\n      return { inserted: 0, rejected: [rejectedRow(rows[0] as Row, error)], rejectedRows: [...rows] };',
    replace:
      '    if (rows.length >= 1)\n      return { inserted: 0, rejected: rows.map((r) => rejectedRow(r, error)), rejectedRows: [...rows] };',
    suite: 'test/processor/path.int.test.ts',
    test: 'a row that the store never takes is found by halving and goes alone',
  },
  {
    name: "swallow a shard's error in a fleet query",
    file: 'runtime/platform/database/shard-pools.ts',
    find: 'missing: names.filter((name) => !answered.has(name)) };',
    replace: 'missing: [] };',
    suite: 'test/platform/database/shards.test.ts',
    test: 'fan-out names a dead and a slow database and does not wait past the deadline',
  },
  {
    name: 'forget to mark a state that Redis did not take',
    file: 'runtime/processor/state-writer.ts',
    find: '     select distinct tenant, device from unnest($1::text[], $2::text[]) as i (tenant, device) order by 1, 2\n',
    replace:
      '     select distinct tenant, device from unnest($1::text[], $2::text[]) as i (tenant, device) where false order by 1, 2\n',
    suite: 'test/processor/outage.int.test.ts',
    test: 'Redis away: readings are stored, their states marked and repaired; an older one never overwrites',
  },
  {
    name: 'forget which minutes a batch touched',
    file: 'runtime/processor/reading-statements.ts',
    find: '  group by minute\n',
    replace: '  where false group by minute\n',
    suite: 'test/processor/rollups.int.test.ts',
    test: '240 seeds of late, repeated and redelivered batches, each with a crash at an await: rollups equal the rows',
  },
  {
    name: 'let any token do anything',
    file: 'runtime/api/access/authorize.ts',
    find: '  if (!principal.scopes.includes(operation.scope))',
    replace: '  if (principal.scopes.length > 99)',
    suite: 'test/api/access.test.ts',
    test: 'decisions: every operation needs exactly its scope',
  },
  {
    name: 'answer any service whatever it asks',
    file: 'runtime/platform/http/serve.ts',
    find: '    if (!allowed.includes(service))',
    replace: '    if (allowed.length > 99)',
    suite: 'test/platform/http/serve.test.ts',
    test: 'that a route does not name are refused, before a body is read',
  },
  {
    name: 'believe a gateway for whom it speaks',
    file: 'runtime/platform/http/caller.ts',
    find: '  if (!speaksForOthers.has(service))',
    replace: '  if (speaksForOthers.size > 99)',
    suite: 'test/platform/http/serve.test.ts',
    test: 'that speak for nobody else are themselves, whatever their headers say',
  },
];
