import type * as pulumi from '@pulumi/pulumi';

/** For a bare resource beside the components: the first of their providers, that of Google Cloud. */
export const firstProvider = ({ providers }: pulumi.ComponentResourceOptions): pulumi.CustomResourceOptions => {
  const [provider] = Array.isArray(providers) ? providers : Object.values(providers ?? {});
  if (provider === undefined) throw new Error('the options have no provider');
  return { provider };
};
