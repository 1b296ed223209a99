import type { Environment } from '../environment.ts';

/**
 * Flags of every Postgres instance. Logs say who connected, what waited and what changed the schema; values of slow
 * statements are not among them. CIS Google Cloud Platform Foundation 6.2.
 * https://cloud.google.com/sql/docs/postgres/flags
 */
export function databaseFlags(environment: Pick<Environment, 'hardening' | 'plan'>): { name: string; value: string }[] {
  const audit: Record<string, string> = environment.hardening['database.audit']
    ? { 'cloudsql.enable_pgaudit': 'on', 'pgaudit.log': 'ddl,role' }
    : {};
  const flags: Record<string, string> = {
    'cloudsql.iam_authentication': 'on',
    log_checkpoints: 'on',
    log_connections: 'on',
    log_disconnections: 'on',
    log_error_verbosity: 'default',
    log_lock_waits: 'on',
    // Off: a slow statement's text may hold what a person typed. Query Insights has its shape and plan. CIS 6.2.7.
    log_min_duration_statement: '-1',
    log_min_error_statement: 'error',
    log_min_messages: 'warning',
    log_statement: 'ddl',
    log_temp_files: '0',
    // The plan's pools fit into it, with room for a failed-over instance's old connections; changing it restarts.
    max_connections: String(environment.plan.database.maximumConnections),
    ...audit,
  };
  return Object.entries(flags)
    .map(([name, value]) => ({ name, value }))
    .sort((a, b) => (a.name < b.name ? -1 : 1));
}
