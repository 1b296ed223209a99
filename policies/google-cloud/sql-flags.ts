import { type Answer, all, when } from '../framework/answer.ts';
import { type Policy, resourcePolicy } from '../framework/policy.ts';
import type { Reading } from '../framework/reader.ts';

type Flag = {
  id: string;
  flag: string;
  /** Values that obey. */
  right: readonly string[];
  /** What PostgreSQL on Cloud SQL does without the flag. */
  unset: string;
  description: string;
  severity: 'low' | 'medium';
  level: 'mandatory' | 'advisory';
  cis4?: string;
  cis5?: string;
  checkov?: string;
  trivy?: string;
};

const flags: readonly Flag[] = [
  {
    id: 'sql-flag-log-connections',
    flag: 'log_connections',
    right: ['on'],
    unset: 'off',
    description: 'Each login to a PostgreSQL database leaves a line: without it nobody can tell who came in.',
    severity: 'low',
    level: 'mandatory',
    cis4: '6.2.2',
    cis5: '6.2.2',
    checkov: 'CKV_GCP_52',
    trivy: 'GCP-0016',
  },
  {
    id: 'sql-flag-log-disconnections',
    flag: 'log_disconnections',
    right: ['on'],
    unset: 'off',
    description: 'The end of each session on a PostgreSQL database leaves a line with its length.',
    severity: 'low',
    level: 'mandatory',
    cis4: '6.2.3',
    cis5: '6.2.3',
    checkov: 'CKV_GCP_53',
    trivy: 'GCP-0022',
  },
  {
    id: 'sql-flag-log-statement',
    flag: 'log_statement',
    right: ['ddl', 'mod', 'all'],
    unset: 'none',
    description: 'Changes of a PostgreSQL schema leave a line with the statement.',
    severity: 'low',
    level: 'mandatory',
    cis4: '6.2.4',
    cis5: '6.2.4',
    checkov: 'CKV_GCP_111',
  },
  {
    id: 'sql-flag-log-min-messages',
    flag: 'log_min_messages',
    right: ['warning', 'notice', 'info', 'debug1', 'debug2', 'debug3', 'debug4', 'debug5'],
    unset: 'warning',
    description: 'Warnings and errors of PostgreSQL are logged: a threshold above errors hides an attack.',
    severity: 'low',
    level: 'mandatory',
    cis4: '6.2.5',
    cis5: '6.2.5',
    checkov: 'CKV_GCP_55',
    trivy: 'GCP-0018',
  },
  {
    id: 'sql-flag-log-min-error-statement',
    flag: 'log_min_error_statement',
    right: ['error', 'warning', 'notice', 'info', 'debug1', 'debug2', 'debug3', 'debug4', 'debug5'],
    unset: 'error',
    description: 'A statement that failed is logged with its error.',
    severity: 'low',
    level: 'mandatory',
    cis4: '6.2.6',
    cis5: '6.2.6',
    checkov: 'CKV_GCP_109',
  },
  {
    id: 'sql-flag-log-min-duration',
    flag: 'log_min_duration_statement',
    right: ['-1'],
    unset: '-1',
    description: 'Slow statements are not logged with their text: parameters in it are personal data and secrets.',
    severity: 'low',
    level: 'mandatory',
    cis4: '6.2.7',
    cis5: '6.2.7',
    checkov: 'CKV_GCP_57',
    trivy: 'GCP-0021',
  },
  {
    id: 'sql-flag-pgaudit',
    flag: 'cloudsql.enable_pgaudit',
    right: ['on'],
    unset: 'off',
    description: 'PostgreSQL writes an audit trail of who read and changed what.',
    severity: 'medium',
    level: 'mandatory',
    cis4: '6.2.8',
    cis5: '6.2.8',
    checkov: 'CKV_GCP_110',
  },
  {
    id: 'sql-flag-log-error-verbosity',
    flag: 'log_error_verbosity',
    right: ['default', 'terse'],
    unset: 'default',
    description: 'Errors are logged without source files and line numbers of the server, which help an attacker only.',
    severity: 'low',
    level: 'mandatory',
    cis4: '6.2.1',
    cis5: '6.2.1',
  },
  {
    id: 'sql-flag-iam-authentication',
    flag: 'cloudsql.iam_authentication',
    right: ['on'],
    unset: 'off',
    description: 'PostgreSQL takes IAM identities: services log in without a password that could leak.',
    severity: 'medium',
    level: 'mandatory',
    cis5: '6.6',
  },
  {
    id: 'sql-flag-log-lock-waits',
    flag: 'log_lock_waits',
    right: ['on'],
    unset: 'off',
    description: 'Sessions of PostgreSQL that wait long for a lock leave a line.',
    severity: 'low',
    level: 'advisory',
    checkov: 'CKV_GCP_54',
    trivy: 'GCP-0020',
  },
  {
    id: 'sql-flag-log-checkpoints',
    flag: 'log_checkpoints',
    right: ['on'],
    unset: 'on',
    description: 'Checkpoints of PostgreSQL leave a line: the first place to look at when writes stall.',
    severity: 'low',
    level: 'advisory',
    checkov: 'CKV_GCP_51',
    trivy: 'GCP-0025',
  },
  {
    id: 'sql-flag-log-temp-files',
    flag: 'log_temp_files',
    right: ['0'],
    unset: '-1',
    description: 'Temporary files of PostgreSQL leave a line: a query that spills to disk is seen.',
    severity: 'low',
    level: 'advisory',
    checkov: 'CKV_GCP_56',
    trivy: 'GCP-0014',
  },
];

const oneByOne: readonly Policy[] = flags.map((row) =>
  resourcePolicy({
    id: row.id,
    description: row.description,
    severity: row.severity,
    level: row.level,
    remediation: `Set the flag ${row.flag} in settings.databaseFlags to ${row.right[0]}.`,
    url: 'https://cloud.google.com/sql/docs/postgres/flags',
    references: {
      ...(row.cis4 === undefined ? {} : { 'cis-gcp-4': [row.cis4] }),
      ...(row.cis5 === undefined ? {} : { 'cis-gcp-5': [row.cis5] }),
      ...(row.checkov === undefined ? {} : { checkov: [row.checkov] }),
      ...(row.trivy === undefined ? {} : { trivy: [row.trivy] }),
    },
    types: ['gcp:sql/databaseInstance:DatabaseInstance'],
    judge: ({ at }) =>
      when(at('databaseVersion').matches(/^POSTGRES_/), () => flagIs(at('settings.databaseFlags'), row)),
  }),
);

/** Counters of the server itself for each statement: they slow it down, and bury what the other flags log. */
const noise = resourcePolicy({
  id: 'sql-flag-log-noise',
  description: 'PostgreSQL logs no counters of its own for each statement: they bury what is looked for.',
  severity: 'low',
  level: 'advisory',
  remediation: 'Leave the flags log_parser_stats, log_planner_stats, log_executor_stats and log_statement_stats off.',
  url: 'https://cloud.google.com/sql/docs/postgres/flags',
  references: { checkov: ['CKV2_GCP_14', 'CKV2_GCP_15', 'CKV2_GCP_16', 'CKV2_GCP_17'] },
  types: ['gcp:sql/databaseInstance:DatabaseInstance'],
  judge: ({ at }) =>
    when(at('databaseVersion').matches(/^POSTGRES_/), () =>
      all(
        ['parser', 'planner', 'executor', 'statement'].map((part) =>
          flagIs(at('settings.databaseFlags'), { flag: `log_${part}_stats`, right: ['off'], unset: 'off' }),
        ),
      ),
    ),
});

/** What PostgreSQL has to log, and not to log. One rule a flag; other engines have other flags. */
export const sqlFlagPolicies: readonly Policy[] = [...oneByOne, noise];

/** PostgreSQL reads values without regard to case; the last of two flags of one name is not defined, so all must obey. */
function flagIs(list: Reading, { flag, right, unset }: Pick<Flag, 'flag' | 'right' | 'unset'>): Answer {
  const named = (each: Reading) => each.at('name').is(flag);
  const obeys = list.every((each) =>
    when(named(each), () => each.at('value').test((value) => right.includes(String(value).toLowerCase()))),
  );
  return right.includes(unset) ? obeys : all([obeys, list.some(named)]);
}
