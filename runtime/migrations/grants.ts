/**
 * Which service may do what with which table: all that its statements need, and nothing else. In the cloud each service
 * logs in as a database user of its own, and `jobs migrate` brings the rights to exactly this; the owner of everything
 * is the migrator. A table without a line here is nobody's, and a test refuses a migration that adds one.
 *
 * `for update` and `for share` need `update`; `on conflict (…)` needs `select`. Foreign keys are checked as the owner:
 * https://www.postgresql.org/docs/18/ddl-priv.html
 */
export type DatabaseRole = 'processor' | 'devices' | 'telemetry' | 'api';
export const databaseRoles: readonly DatabaseRole[] = ['processor', 'devices', 'telemetry', 'api'];

/** On a whole table, or on some of its columns. */
export type Privilege = 'select' | 'insert' | 'update' | 'delete' | { update: readonly string[] };
export type TableGrants = Readonly<Partial<Record<DatabaseRole, readonly Privilege[]>>>;

export type Grants = {
  tables: Readonly<Record<string, TableGrants>>;
  /** Functions of ours by signature, and who may call them. */
  functions: Readonly<Record<string, readonly DatabaseRole[]>>;
};

const append = ['insert'] as const;
const queue = ['select', 'insert', 'delete'] as const;
const upsert = ['select', 'insert', 'update'] as const;

export const grants: Readonly<Record<'core' | 'shard', Grants>> = {
  core: {
    tables: {
      schema_migrations: {},
      tenants: { devices: ['select'], api: upsert },
      tenant_usage: { devices: ['select', 'insert', 'update', 'delete'], api: ['select'] },
      device_types: { devices: upsert, processor: ['select'] },
      // No service deletes a device or a certificate: they are blocked and revoked.
      devices: { devices: upsert, processor: ['select'] },
      certificates: { devices: upsert },
      // Public: certificates and chains. The job `authority` writes them as `devices`, whose key in KMS they are for.
      issuing_authorities: { devices: ['select', 'insert'] },
      documents: { devices: ['select', 'insert', 'update', 'delete'] },
      identity_changes: { devices: queue },
      delivery_changes: { devices: queue },
      twin_intents: { devices: queue },
      command_jobs: { devices: ['select', 'insert', 'update', 'delete'] },
      commands: { devices: ['select', 'insert', 'update', 'delete'] },
      claim_codes: { devices: upsert },
      factory_authorities: { devices: upsert },
      device_keys: { devices: ['select', 'insert', 'update', 'delete'] },
      device_access: { devices: upsert },
      device_audiences: { devices: ['select', 'insert', 'delete'] },
      shard_maps: { processor: ['select'], telemetry: ['select'] },
      first_administrator: { api: upsert },
      invitations: { api: ['select', 'insert', 'update', 'delete'] },
      users: { api: ['select', 'insert', { update: ['role', 'password_hash'] }, 'delete'] },
      oauth_clients: { api: ['select', 'insert', 'delete'] },
      oauth_state: { api: ['select', 'insert', 'update', 'delete'] },
      // Nobody can change or remove a line (a trigger refuses even the owner), and the api alone can read them.
      audit_log: { devices: append, telemetry: append, api: ['select', 'insert'] },
    },
    // Triggers: they fire for whoever writes, and nobody calls them.
    functions: { 'audit_log_only_grows()': [], 'devices_within_quota()': [], 'give_tenant_generic_type()': [] },
  },
  shard: {
    tables: {
      schema_migrations: {},
      // A stored reading is never changed; old ones go with their partition, which only the migrator drops.
      readings: { processor: ['select', 'insert'], telemetry: ['select'] },
      rollup_1m: { processor: upsert, telemetry: ['select'] },
      rollup_1h: { processor: upsert, telemetry: ['select'] },
      rollup_pending: { processor: queue, telemetry: ['select'] },
      // The payload stays as it came. What is resolved goes by retention, as the migrator.
      dead_letters: {
        processor: [
          'select',
          'insert',
          { update: ['status', 'reason', 'detail', 'version', 'attempts', 'outcome', 'changed_at'] },
        ],
        telemetry: [
          'select',
          { update: ['status', 'version', 'edited', 'batch', 'outcome', 'changed_by', 'changed_at'] },
        ],
      },
      alerts: {
        processor: ['select', 'insert', { update: ['closed_at', 'reading_ts'] }],
        telemetry: ['select', { update: ['acknowledged_at', 'acknowledged_by'] }],
      },
      state_repairs: { processor: ['select', 'insert', 'update', 'delete'] },
      alert_pending: { processor: queue },
      alert_states: { processor: upsert },
      reported_states: { processor: upsert },
      parked_messages: { processor: ['select', 'insert', 'update', 'delete'] },
    },
    functions: { 'make_partition(text, date)': ['processor'] },
  },
};
