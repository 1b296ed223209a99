/** True totals of a run: what crashed, never began, or left no report counts as failed. Pure. */
export type Totals = { passed: number; failed: number; skipped: number };

/** How one vitest run ended (`ok` or what happened), and its JSON report, if it wrote one. */
export type Outcome = { how: string; report: string | undefined };

/** The part of vitest's JSON report (Jest's format) that we read. */
type Report = {
  testResults: {
    name: string;
    status: string;
    message?: string;
    assertionResults: { status: string; fullName: string; failureMessages?: string[] }[];
  }[];
};

export function totalsOf(outcome: Outcome): { totals: Totals; notes: string[] } {
  const totals: Totals = { passed: 0, failed: 0, skipped: 0 };
  const notes: string[] = [];
  if (outcome.report === undefined) {
    totals.failed++;
    return { totals, notes: [`no report: vitest ${outcome.how}`] };
  }
  for (const file of (JSON.parse(outcome.report) as Report).testResults) {
    const failedBefore = totals.failed;
    for (const { status, fullName, failureMessages = [] } of file.assertionResults) {
      if (status === 'passed') {
        totals.passed++;
        // The report keeps the failures of earlier tries: a test that passed with one passed at its second try.
        const [first] = failureMessages;
        if (first !== undefined) notes.push(`flaky: ${fullName} (first: ${first.split('\n', 1)[0]})`);
      } else if (status === 'failed') totals.failed++;
      else {
        totals.skipped++;
        notes.push(`skipped: ${fullName}`);
      }
    }
    // A file that could not be loaded, or whose beforeAll threw: its tests are not in the report, or are "skipped" there.
    if (file.status === 'failed' && totals.failed === failedBefore) {
      totals.failed++;
      notes.push(`failed as a whole: ${file.name} ${(file.message ?? '').split('\n', 1)[0]}`);
    }
  }
  if (outcome.how === 'lingered') {
    notes.push('lingered: vitest was ended after its report; a test left a process behind');
    return { totals, notes };
  }
  // An unhandled rejection outside of any test, a worker that died: vitest says so by its exit code alone.
  if (outcome.how !== 'ok' && totals.failed === 0) {
    totals.failed++;
    notes.push(`vitest ${outcome.how}, though no test failed`);
  }
  return { totals, notes };
}

export const addTotals = (a: Totals, b: Totals): Totals => ({
  passed: a.passed + b.passed,
  failed: a.failed + b.failed,
  skipped: a.skipped + b.skipped,
});

export const totalsLine = ({ passed, failed, skipped }: Totals) =>
  `${passed} passed, ${failed} failed, ${skipped} skipped`;
