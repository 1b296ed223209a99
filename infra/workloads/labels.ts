import type { Environment } from '../environment.ts';
import type { PodName } from './flows.ts';

/** What finds a part's pods: never changes, because a Deployment's selector cannot. */
export const selectorOf = (name: PodName): Record<string, string> => ({ 'app.kubernetes.io/name': name });

/** https://kubernetes.io/docs/concepts/overview/working-with-objects/common-labels/ */
export const labelsOf = (name: PodName, environment: Pick<Environment, 'name'>): Record<string, string> => ({
  ...selectorOf(name),
  'app.kubernetes.io/instance': environment.name,
  'app.kubernetes.io/part-of': 'iot-platform',
  'app.kubernetes.io/managed-by': 'pulumi',
});
