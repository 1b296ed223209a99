import { googleCloud } from '../../../policies/google-cloud/policies.ts';
import { sqlFlagPolicies } from '../../../policies/google-cloud/sql-flags.ts';
import { type Proof, prove } from '../support/prove.ts';

const list = 'settings.databaseFlags';

const right = {
  log_connections: 'on',
  log_disconnections: 'on',
  log_statement: 'ddl',
  log_min_messages: 'warning',
  log_min_error_statement: 'error',
  log_min_duration_statement: '-1',
  'cloudsql.enable_pgaudit': 'on',
  log_error_verbosity: 'default',
  'cloudsql.iam_authentication': 'on',
  log_lock_waits: 'on',
  log_checkpoints: 'on',
  log_temp_files: '0',
};
type Name = keyof typeof right;

const flagsOf = (values: object) => Object.entries(values).map(([name, value]) => ({ name, value }));
const without = (name: Name) => flagsOf(right).filter((each) => each.name !== name);

/** One flag of a right list is wrong, given twice, or missing; the others stay, so that no other rule fires. */
const flag = (
  policy: string,
  name: Name,
  { wrong, unset, fine = [] }: { wrong: readonly string[]; unset: 'wrong' | 'right'; fine?: readonly string[] },
): Proof => ({
  policy,
  on: 'gcp:sql/databaseInstance:DatabaseInstance',
  at: list,
  broken: [
    ...wrong.map((value) => ({ value: flagsOf({ ...right, [name]: value }) })),
    { value: [...flagsOf(right), { name, value: wrong[0] }] },
    ...(unset === 'wrong' ? [{ value: without(name) }] : []),
  ],
  fine: [
    { value: flagsOf(right) },
    { value: flagsOf({ ...right, [name]: right[name].toUpperCase() }) },
    { set: { databaseVersion: 'MYSQL_8_4', [list]: [] } },
    ...fine.map((value) => ({ value: flagsOf({ ...right, [name]: value }) })),
    ...(unset === 'right' ? [{ value: without(name) }] : []),
  ],
  absent: unset === 'wrong' ? 'fires' : 'passes',
});

prove(sqlFlagPolicies, googleCloud.policies, [
  flag('sql-flag-log-connections', 'log_connections', { wrong: ['off'], unset: 'wrong' }),
  flag('sql-flag-log-disconnections', 'log_disconnections', { wrong: ['off'], unset: 'wrong' }),
  flag('sql-flag-log-statement', 'log_statement', { wrong: ['none'], unset: 'wrong', fine: ['mod', 'all'] }),
  flag('sql-flag-log-min-messages', 'log_min_messages', { wrong: ['error', 'panic'], unset: 'right', fine: ['info'] }),
  flag('sql-flag-log-min-error-statement', 'log_min_error_statement', { wrong: ['panic'], unset: 'right' }),
  flag('sql-flag-log-min-duration', 'log_min_duration_statement', { wrong: ['0', '500'], unset: 'right' }),
  flag('sql-flag-pgaudit', 'cloudsql.enable_pgaudit', { wrong: ['off'], unset: 'wrong' }),
  flag('sql-flag-log-error-verbosity', 'log_error_verbosity', { wrong: ['verbose'], unset: 'right', fine: ['terse'] }),
  flag('sql-flag-iam-authentication', 'cloudsql.iam_authentication', { wrong: ['off'], unset: 'wrong' }),
  flag('sql-flag-log-lock-waits', 'log_lock_waits', { wrong: ['off'], unset: 'wrong' }),
  flag('sql-flag-log-checkpoints', 'log_checkpoints', { wrong: ['off'], unset: 'right' }),
  flag('sql-flag-log-temp-files', 'log_temp_files', { wrong: ['-1', '1024'], unset: 'wrong' }),
  {
    policy: 'sql-flag-log-noise',
    on: 'gcp:sql/databaseInstance:DatabaseInstance',
    at: list,
    broken: ['parser', 'planner', 'executor', 'statement'].map((part) => ({
      value: flagsOf({ ...right, [`log_${part}_stats`]: 'on' }),
    })),
    fine: [{ value: flagsOf({ ...right, log_parser_stats: 'OFF' }) }],
    absent: 'passes',
  },
]);
