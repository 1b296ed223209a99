import { expect, test } from 'vitest';
import { refersTo } from '../../../policies/framework/relations.ts';
import { type RawResource, stackOf } from '../../../policies/framework/stack.ts';
import { fixture, inProduction, notKnownYet } from '../../../policies/framework/testing.ts';

const network = 'gcp:compute/network:Network';
const ours = fixture(network, { name: 'ours' }, { name: 'ours' });
const theirs = fixture(network, { name: 'theirs' }, { name: 'theirs' });
const path = 'settings.privateNetwork';

/** What an instance with these properties says about the network `ours`; `flows` names what flows into its settings. */
function says(settings: unknown, flows: readonly RawResource[] = [], to: RawResource = ours) {
  const propertyDependencies = { settings: flows.map(({ urn }) => urn) };
  const instance = fixture(
    'gcp:sql/databaseInstance:DatabaseInstance',
    { settings },
    { name: 'db', propertyDependencies },
  );
  const stack = stackOf([to, theirs, instance], inProduction);
  const [from, target] = [stack.byUrn(instance.urn), stack.byUrn(to.urn)];
  if (from === null || target === null) throw new Error('not in the stack');
  return refersTo(from, path, target).is;
}

test.each([
  ['a preview: it flows, and is not known', says({ privateNetwork: notKnownYet }, [ours]), 'yes'],
  ['a preview: all of the property is unknown, and it flows', says(notKnownYet, [ours]), 'yes'],
  ['a preview: another network flows', says({ privateNetwork: notKnownYet }, [theirs]), 'no'],
  ['a preview: nothing flows', says({ privateNetwork: notKnownYet }), 'unknown'],
  ['by its name, where nothing flows', says({ privateNetwork: 'projects/p/global/networks/ours' }), 'yes'],
  ['another name', says({ privateNetwork: 'projects/p/global/networks/default' }), 'no'],
  ['an id that has no name in it, and it flows', says({ privateNetwork: '8127364' }, [ours]), 'yes'],
  [
    'a text names another, and the flow is about another place of the property',
    says({ privateNetwork: 'networks/default', psc: [{ network: 'networks/ours' }] }, [ours]),
    'no',
  ],
  [
    'the same before the other place is known',
    says({ privateNetwork: 'networks/default', psc: [{ network: notKnownYet }] }, [ours]),
    'no',
  ],
  ['nothing there, though it flows into the property', says({ psc: [{ network: notKnownYet }] }, [ours]), 'no'],
  ['nothing at all', says(undefined), 'no'],
  [
    'a text, and the name of the other is not known',
    says({ privateNetwork: 'networks/ours' }, [], fixture(network, { name: notKnownYet }, { name: 'ours' })),
    'unknown',
  ],
])('%s', (_what, given, expected) => {
  expect(given).toBe(expected);
});
