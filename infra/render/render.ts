import type { Recording } from '../recording/record.ts';
import { kubernetesFiles } from './kubernetes.ts';
import { componentOf, type RenderedFile, resourceFiles } from './resources.ts';
import { terraformPlan } from './terraform.ts';

export type { RenderedFile } from './resources.ts';

/** Everything that a stack's program would register, as files: the same program and settings give the same bytes. */
export function renderOf({ up, preview }: { up: Recording; preview: Recording }): RenderedFile[] {
  return [
    { path: 'README.md', text: summaryOf(preview) },
    ...resourceFiles(preview.registrations),
    ...kubernetesFiles(up.registrations, preview.registrations),
    { path: 'plan.json', text: `${JSON.stringify(terraformPlan(up.registrations), null, 2)}\n` },
  ];
}

/** Resources by component and type, and what the program warned of. */
export function summaryOf({ registrations, warnings }: Recording): string {
  const rows = new Map<string, { component: string; type: string; count: number; protected: number }>();
  for (const each of registrations.filter(({ type }) => !type.startsWith('iot:'))) {
    const [component, type] = [componentOf(each), each.type];
    const row = rows.get(`${component} ${type}`) ?? { component, type, count: 0, protected: 0 };
    rows.set(`${component} ${type}`, {
      ...row,
      count: row.count + 1,
      protected: row.protected + (each.protect ? 1 : 0),
    });
  }
  const table = [...rows.values()].sort((a, b) => (`${a.component} ${a.type}` < `${b.component} ${b.type}` ? -1 : 1));
  const total = table.reduce((sum, { count }) => sum + count, 0);
  return [
    '# What the program would make',
    '',
    'Written by `iot render`, without cloud or credentials. `resources/` has every resource as the engine gets it,',
    '`kubernetes/` the objects for the cluster, `plan.json` the Google Cloud part as a Terraform plan, for scanners.',
    '',
    `${total} resources.`,
    '',
    ...(warnings.length > 0 ? ['Warnings:', '', ...warnings.map((warning) => `- ${warning}`), ''] : []),
    '| component | type | resources | protected |',
    '|---|---|---|---|',
    ...table.map((row) => `| ${row.component} | \`${row.type}\` | ${row.count} | ${row.protected} |`),
    '',
  ].join('\n');
}
