import * as pulumi from '@pulumi/pulumi';

/**
 * Kubeconfig of the control plane's DNS endpoint. It holds no secret and no path of a machine, so that it is the same in
 * every state: the endpoint's certificate is signed by a public authority, hence no CA data, and the token comes from our
 * own program (cli/cluster-credential.mjs), which Node finds by its package's name from any folder of the project. The
 * engine starts its providers in the folder of the program.
 * https://kubernetes.io/docs/reference/access-authn-authz/authentication/#client-go-credential-plugins
 */
export const kubeconfigOf = ({ name, server }: { name: string; server: pulumi.Input<string> }): pulumi.Output<string> =>
  pulumi.output(server).apply((address) => JSON.stringify(kubeconfig(name, address), null, 2));

/**
 * Pure: address of the control plane, from what the API answered.
 * @param rendered Objects are written to files, and nobody asks the control plane: a cloud that has none will do.
 * @throws Error when the cluster has no DNS endpoint.
 */
export function endpointOf(
  config: { dnsEndpointConfig?: { endpoint?: string | undefined } | undefined } | undefined,
  rendered: boolean,
): string {
  const endpoint = config?.dnsEndpointConfig?.endpoint;
  if (endpoint) return `https://${endpoint}`;
  if (rendered) return 'https://control-plane.invalid';
  throw new Error(
    `the cluster has no DNS endpoint: controlPlaneEndpointsConfig is ${JSON.stringify(config)}, and objects cannot be applied without one. Set renderKubernetesTo to write them into a folder instead`,
  );
}

/** Any Node runs this, also one that cannot run the platform: it may be what the shell finds first. */
const program = [
  "import('@iot-platform/cli/cluster-credential.mjs').catch((error) => {",
  "  console.error('cluster credential: run npm install in the project, and this inside it: ' + error.message);",
  '  process.exitCode = 1;',
  '});',
].join('\n');

/** Pure: the kubeconfig as a value. @param server `https://…` */
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
          installHint: 'node is not on PATH: install Node, or run this through npx in the project',
          interactiveMode: 'Never',
          provideClusterInfo: false,
        },
      },
    },
  ],
  contexts: [{ name, context: { cluster: name, user: name } }],
  'current-context': name,
});
