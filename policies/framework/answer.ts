/**
 * What a policy concludes about a resource, in three values (Kleene's): a preview does not know everything, and a rule
 * that guesses is wrong in one direction or the other. `at` are paths of properties, never their values.
 */
export type Answer =
  | { readonly is: 'yes' }
  | { readonly is: 'no'; readonly at: readonly string[] }
  | { readonly is: 'unknown'; readonly at: readonly string[] };

export const yes: Answer = { is: 'yes' };
export const no = (...at: string[]): Answer => ({ is: 'no', at });
export const unknown = (...at: string[]): Answer => ({ is: 'unknown', at });
export const answer = (holds: boolean, ...at: string[]): Answer => (holds ? yes : no(...at));

/** One `no` is enough, whatever else is unknown: an unknown property must not hide a violation beside it. */
export function all(answers: Iterable<Answer>): Answer {
  const list = [...answers];
  const against = paths(list, 'no');
  if (list.some(({ is }) => is === 'no')) return no(...against);
  return list.some(({ is }) => is === 'unknown') ? unknown(...paths(list, 'unknown')) : yes;
}

/** One `yes` is enough. Of nothing at all, nothing holds. */
export function any(answers: Iterable<Answer>): Answer {
  const list = [...answers];
  if (list.some(({ is }) => is === 'yes')) return yes;
  if (list.some(({ is }) => is === 'unknown')) return unknown(...paths(list, 'unknown'));
  return no(...paths(list, 'no'));
}

/** @param at where the question was asked, for an answer that turns into `no`. */
export function not(given: Answer, ...at: string[]): Answer {
  if (given.is === 'unknown') return given;
  return given.is === 'no' ? yes : no(...at);
}

/** The second is asked for only where the first holds: "external load balancers have a security policy". */
export const when = (condition: Answer, then: () => Answer): Answer => {
  if (condition.is === 'no') return yes;
  const consequence = then();
  // What is unknown about the condition matters only if the consequence could fail.
  return condition.is === 'yes' || consequence.is === 'yes' ? consequence : unknown(...condition.at);
};

const paths = (answers: readonly Answer[], kind: 'no' | 'unknown'): string[] => [
  ...new Set(answers.flatMap((each) => (each.is === kind ? each.at : []))),
];
