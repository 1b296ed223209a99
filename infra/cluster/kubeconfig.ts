import * as pulumi from '@pulumi/pulumi';

/**
 * Kubeconfig of the control plane's DNS endpoint. Holds no secret and no path of a machine, so that it is the same in every
 * state: the endpoint's certificate is signed by a public authority, hence no CA data, and the token comes from our own
 * program, which any Node finds from inside the project by its package name.
 * https://kubernetes.io/docs/reference/access-authn-authz/authentication/#client-go-credential-plugins
 */
export function kubeconfigOf({ name, server }: { name: string; server: pulumi.Input<string> }): pulumi.Output<string> {
  return pulumi.output(server).apply((address) => JSON.stringify(kubeconfig(name, address), null, 2));
}

const program = `import('@iot-platform/cli/cluster-credential.mjs').catch((error) => {
  console.error('cluster credential: run npm install, and run this inside the project: ' + error.message);
  process.exitCode = 1;
})`;

/** Pure: the kubeconfig as a value. */
export const kubeconfig = (name: string, server: string) => ({
  apiVersion: 'v1',
  kind: 'Config',
  clusters: [{ name, cluster: { server } }],
  users: [
    {
      name,
      user: {
        exec: {
          apiVersion: 'client.authentication.k8s.io/v1',
          command: 'node',
          args: ['--eval', program],
          installHint: 'node is not on PATH: install Node 24, or run this through npx in the project',
          interactiveMode: 'Never',
          provideClusterInfo: false,
        },
      },
    },
  ],
  contexts: [{ name, context: { cluster: name, user: name } }],
  'current-context': name,
});
