import type { Recording } from '../../../../infra/recording/record.ts';
import { againstGolden, regenerate, shown } from '../golden.ts';

/** URN without stack and project, which every stack has its own of. */
export const shortUrn = (urn: string): string => urn.split('::').slice(2).join('::');

/**
 * Resources whose identity changed against the committed list. To the engine a changed URN without an alias is a delete
 * and a create: of a database, its data.
 */
export function changedUrns(file: string, { registrations }: Recording): string[] {
  const { gone, come } = againstGolden(
    file,
    registrations.map(({ urn }) => shortUrn(urn)),
  );
  const aliases = new Set(registrations.flatMap(({ aliases }) => aliases.flatMap((alias) => [alias, shortUrn(alias)])));
  const lost = gone.filter((urn) => !aliases.has(urn) && !aliases.has(urn.split('::').at(-1) ?? ''));
  const problems = [
    ...lost.map((urn) => `${urn} is gone and no alias takes its place: a stack that has it would delete it`),
    ...come.map((urn) => `${urn} is new`),
    ...gone.filter((urn) => !lost.includes(urn)).map((urn) => `${urn} became another resource's alias`),
  ];
  if (problems.length > 0)
    problems.push(`If that is meant, ${regenerate('test/infra/program.test.ts')} writes ${shown(file)} anew.`);
  return problems;
}
